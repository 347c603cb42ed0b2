#include "drills/systems/restic.h"

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

Result<Restic> restic_with(const std::string& field, const Json& value) {
  Target target;
  target.name = "files";
  Json fields = Json::object({{"repository", "/r"}, {"password", "${env:P}"}});
  target.facets = Json::object({{"restic", fields.set(field, value)}});
  return restic_of(target);
}

TEST(Restic, RefusesWhatItCouldNotCompare) {
  Json paths = Json::array();
  EXPECT_TRUE(restic_with("paths", paths.push("/srv/shop")));
  for (const char* wrong : {"srv/shop", "/srv/../shop", "/srv/shop/"}) {
    Json list = Json::array();
    const auto restic = restic_with("paths", list.push(wrong));
    ASSERT_FALSE(restic) << wrong;
    EXPECT_TRUE(restic.error().text.contains(wrong)) << restic.error().text;
  }
  Target both;
  both.facets =
      Json::object({{"restic", Json::object({{"paths", paths}, {"manifest", "/srv/sums"}})}});
  EXPECT_FALSE(restic_of(both));
}

TEST(Restic, SaysHowMuchOfItWasRead) {
  const auto part =
      part_in("x\nread group #2 of 1 data packs (out of total 3 packs in 5 groups)\n");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->part, 2);
  EXPECT_EQ(part->packs, 1);
  EXPECT_EQ(part->all, 3);
  EXPECT_EQ(part->parts, 5);
  EXPECT_FALSE(part_in("no errors were found"));
  EXPECT_FALSE(part_in("read group #2 of many"));
}

TEST(Restic, AProgramThatIsNoResticIsSaidToBeNone) {
  DeedWorld world;
  auto restic = restic_with("program", "true").value();
  const auto other = ResticRun::open(restic, world.context());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::unsupported);
  restic.program = "no-such-restic";
  const auto none = ResticRun::open(restic, world.context());
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().hint.contains("install restic")) << none.error().text;
}

}  // namespace
}  // namespace gameday
