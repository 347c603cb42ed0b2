#include "drills/systems/part_rotation.h"

#include <fstream>

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(PartRotation, ReadsEachPartBeforeAnyTwice) {
  DeedWorld world;
  const DeedContext context = world.context();
  const Utc now = world.clock().now().utc;
  std::string order;
  for (int drill = 0; drill < 7; ++drill) {
    PartRotation rotation("restic:abc", 3, context);
    order += std::to_string(rotation.due());
    ASSERT_TRUE(rotation.note(rotation.due(), now + drill * 1h));
    EXPECT_EQ(rotation.evidence().integer("parts_read", 0), std::min(drill + 1, 3));
    const std::string since = rotation.evidence().text("all_read_since");
    EXPECT_EQ(since, drill < 2 ? "" : rfc3339(now + (drill - 2) * 1h));
  }
  EXPECT_EQ(order, "1231231");
  EXPECT_EQ(PartRotation("restic:another", 3, context).due(), 1);
  // Parts of another size are other parts.
  const PartRotation other("restic:abc", 4, context);
  EXPECT_EQ(other.due(), 1);
  EXPECT_EQ(other.evidence().integer("parts_read", -1), 0);
}

TEST(PartRotation, BeginsAnewWhereItsRecordIsUnreadable) {
  DeedWorld world;
  const DeedContext context = world.context();
  PartRotation rotation("restic:abc", 3, context);
  ASSERT_TRUE(rotation.note(1, world.clock().now().utc));
  for (const auto& entry : std::filesystem::directory_iterator(world.file("restic-parts"))) {
    std::ofstream(entry.path()) << R"({"parts": 3, "read": {"1": 7, "9": "2026")";
  }
  EXPECT_EQ(PartRotation("restic:abc", 3, context).due(), 1);
}

}  // namespace
}  // namespace gameday
