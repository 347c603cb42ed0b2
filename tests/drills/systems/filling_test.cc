#include "drills/systems/filling.h"

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

// A filler of a bounded size, on a disk that others use too.
TEST(Filling, ABoundedFillerHasItsSizeAndGoes) {
  DeedWorld world;
  std::filesystem::create_directories(world.private_folder());
  const std::string folder = world.file("");
  const auto disk = disk_of(folder);
  ASSERT_TRUE(disk);
  const auto up = may_fill(folder, *disk, kMebibyte, Filled::up, world.context());
  ASSERT_FALSE(up) << "our store is on it";
  EXPECT_EQ(up.error().code, ErrorCode::refused);
  EXPECT_TRUE(may_fill(folder, *disk, kMebibyte, Filled::in_part, world.context()));
  const auto undo =
      prepare_filling("fill-some", folder, kMebibyte, 3 * kMebibyte, *disk, world.context());
  ASSERT_TRUE(undo) << undo.error().text;
  EXPECT_FALSE(disk_filled({}, *undo, world.context())->held);
  ASSERT_TRUE(fill_disk({}, *undo, world.context()));
  const auto bitten = disk_filled({}, *undo, world.context());
  EXPECT_TRUE(bitten->held) << bitten->text;
  EXPECT_LT(bitten->facts.integer("filler_bytes", 0), 4 * kMebibyte);
  EXPECT_FALSE(disk_freed(*undo, world.context())->held);
  EXPECT_TRUE(free_disk(*undo, world.context()));
  EXPECT_TRUE(disk_freed(*undo, world.context())->held);
}

}  // namespace
}  // namespace gameday
