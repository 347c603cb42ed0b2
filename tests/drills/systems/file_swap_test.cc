#include "drills/systems/file_swap.h"

#include <sys/stat.h>

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

class FileSwapTest : public testing::Test {
 protected:
  FileSwapTest() { write("of before"); }
  void write(const std::string& content) {
    ASSERT_TRUE(world_.doors().files.write(path_, content, 0640));
  }
  std::string content() { return world_.doors().files.read(path_).value_or("missing"); }
  FileSwap kept() {
    auto swap = keep_for_swap(path_, "ours", "it", world_.context());
    EXPECT_TRUE(swap) << swap.error().text;
    return swap.value_or(FileSwap{});
  }
  Holds holds(const FileSwap& swap) { return look_at_swap(swap, world_.context()).value(); }
  std::string refusal(const std::string& path) {
    const auto file = file_to_swap(path);
    EXPECT_FALSE(file);
    return file ? "" : file.error().text;
  }

  DeedWorld world_;
  std::string path_ = world_.file("it");
};

TEST_F(FileSwapTest, ExchangesAndPutsBackWithItsMode) {
  const FileSwap swap = kept();
  EXPECT_EQ(holds(swap), Holds::what_was);
  EXPECT_EQ(put_back(swap, world_.context()), false) << "nothing was exchanged";
  ASSERT_TRUE(swap_in(swap, world_.context()));
  EXPECT_EQ(content(), "ours");
  EXPECT_EQ(holds(swap), Holds::ours);
  ASSERT_TRUE(swap_in(swap, world_.context())) << "twice is once";
  EXPECT_EQ(put_back(swap, world_.context()), true);
  EXPECT_EQ(put_back(swap, world_.context()), false);
  EXPECT_EQ(content(), "of before");
  struct stat found{};
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0640U);
}

TEST_F(FileSwapTest, WhatOthersHavePutThereStays) {
  const FileSwap swap = kept();
  write("theirs");
  EXPECT_EQ(swap_in(swap, world_.context()).error().code, ErrorCode::conflict);
  EXPECT_EQ(put_back(swap, world_.context()), false);
  EXPECT_EQ(holds(swap), Holds::other);
  EXPECT_EQ(content(), "theirs");
}

TEST_F(FileSwapTest, WhatIsMissingComesBack) {
  const FileSwap swap = kept();
  std::filesystem::remove(path_);
  EXPECT_EQ(holds(swap), Holds::nothing);
  EXPECT_EQ(put_back(swap, world_.context()), true);
  EXPECT_EQ(content(), "of before");
}

TEST_F(FileSwapTest, WithoutItsPrivateFileNothingIsGuessed) {
  const FileSwap swap = kept();
  ASSERT_TRUE(swap_in(swap, world_.context()));
  ASSERT_TRUE(erase_swap(swap, true, world_.context()));
  EXPECT_EQ(holds(swap), Holds::ours) << "it was to be kept";
  ASSERT_TRUE(erase_swap(swap, false, world_.context()));
  EXPECT_FALSE(put_back(swap, world_.context()));
  EXPECT_EQ(content(), "ours");
  EXPECT_FALSE(file_swap_from(Json::object({{"path", path_}})));
}

TEST_F(FileSwapTest, OnlyAFileOfItsOwnIsExchanged) {
  EXPECT_NE(refusal(world_.file("none")).find("no file"), std::string::npos);
  EXPECT_NE(refusal(world_.file("")).find("no regular file"), std::string::npos);
  std::filesystem::create_symlink("it", world_.file("link"));
  EXPECT_EQ(file_to_swap(world_.file("link")), path_);
  std::filesystem::create_hard_link(path_, world_.file("other"));
  EXPECT_NE(refusal(path_).find("hard links"), std::string::npos);
}

}  // namespace
}  // namespace gameday
