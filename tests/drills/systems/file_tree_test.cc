#include "drills/systems/file_tree.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

class FileTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(top_ + "/sub/empty");
    write("a", "hello");
    write("sub/b", std::string(200000, 'b'));
    write("sub/odd\nna%me", "odd");
    fs::create_symlink("a", top_ + "/link");
  }
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(top_ + "/" + name, std::ios::binary) << bytes;
  }
  FileTree read(Reads reads = Reads::everything) {
    auto tree = read_tree({top_}, "", reads, world_.context());
    EXPECT_TRUE(tree) << (tree ? "" : tree.error().text);
    return tree.value_or(FileTree{});
  }
  static std::string shown(const TreeDifference& found) {
    std::string all;
    for (const auto& one : found.shown) all += one + "; ";
    return all;
  }

  DeedWorld world_;
  std::string top_ = world_.file("top");
};

TEST_F(FileTreeTest, AListReadsBackAsTheTree) {
  const FileTree tree = read();
  EXPECT_EQ(tree.size(), 7U);
  EXPECT_EQ(totals_of(tree).files, 3);
  EXPECT_EQ(totals_of(tree).bytes, 200008);
  const auto again = file_tree_from(to_text(tree));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(to_text(*again), to_text(tree));
  EXPECT_TRUE(again->contains(top_ + "/sub/odd\nna%me"));
  EXPECT_EQ(compare_trees(tree, *again, false).wrong, 0);
  EXPECT_EQ(compare_trees(tree, *again, false).compared, 3);
  EXPECT_FALSE(file_tree_from("f 644 x sha256:00 /a"));
  EXPECT_FALSE(file_tree_from("nothing"));
}

TEST_F(FileTreeTest, EachDifferenceIsNamed) {
  const FileTree before = read();
  const auto expect = [&](const std::string& text, std::int64_t wrong = 1) {
    const auto found = compare_trees(before, read(), false);
    EXPECT_EQ(found.wrong, wrong) << text << ": " << shown(found);
    EXPECT_TRUE(shown(found).contains(text)) << shown(found) << "lacks " << text;
  };
  write("a", "hellO");
  expect("/a has another content");
  write("a", "hello");
  fs::permissions(top_ + "/a", fs::perms(0600));
  expect("/a has another mode");
  fs::permissions(top_ + "/a", fs::perms(before.at(top_ + "/a").mode));
  write("more", "");
  expect("/more was not there");
  fs::remove(top_ + "/more");
  fs::remove(top_ + "/link");
  fs::create_symlink("b", top_ + "/link");
  expect("/link leads elsewhere");
  fs::remove(top_ + "/link");
  expect("/link is missing");
  fs::create_directory(top_ + "/link");
  expect("/link is of another kind");
  fs::remove_all(top_ + "/sub");
  expect("/sub", 5);
}

TEST_F(FileTreeTest, WhatChangesMeanwhileIsNotCompared) {
  const FileTree before = read();
  write("a", "later");
  write("new", "new");
  fs::remove(top_ + "/sub/b");
  const FileTree meant = settled(before, read(Reads::stamps));
  EXPECT_TRUE(meant.at(top_ + "/a").moving);
  EXPECT_TRUE(meant.at(top_ + "/new").moving);
  EXPECT_TRUE(meant.at(top_ + "/sub/b").moving);
  EXPECT_FALSE(meant.at(top_ + "/link").moving);
  write("a", "neither");
  const auto found = compare_trees(meant, read(), false);
  EXPECT_EQ(found.wrong, 0) << shown(found);
  EXPECT_EQ(found.compared, 1);
  EXPECT_GE(found.moving, 3);
  EXPECT_EQ(to_text(*file_tree_from(to_text(meant))), to_text(meant));
}

TEST_F(FileTreeTest, ACopyBelowAnotherFolderIsTheSameTree) {
  const std::string copy = world_.file("copy");
  fs::create_directories(copy + top_);
  fs::copy(top_, copy + top_, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const auto there = read_tree({top_}, copy, Reads::everything, world_.context());
  ASSERT_TRUE(there);
  const auto found = compare_trees(read(), *there, false);
  EXPECT_EQ(found.wrong, 0) << shown(found);
}

TEST_F(FileTreeTest, SocketsAndWhatIsNotThereAreLeftOut) {
  const int made = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (top_ + "/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_FALSE(read().contains(top_ + "/socket"));
  close(made);
  const auto none = read_tree({top_ + "/nowhere"}, "", Reads::everything, world_.context());
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST_F(FileTreeTest, ASumsFileNamesWhatItNames) {
  const std::string sum = read().at(top_ + "/a").digest.substr(7);
  const auto meant = file_tree_from_sums(sum + "  a\n" + sum + " *" + top_ + "/a\n", top_);
  ASSERT_TRUE(meant) << meant.error().text;
  EXPECT_EQ(meant->size(), 1U);
  EXPECT_EQ(compare_trees(*meant, read(), true).wrong, 0);
  EXPECT_EQ(compare_trees(*meant, read(), true).compared, 1);
  write("a", "another");
  EXPECT_EQ(compare_trees(*meant, read(), true).wrong, 1);
  EXPECT_FALSE(file_tree_from_sums("abc  a\n", top_));
}

TEST_F(FileTreeTest, AStopEndsIt) {
  StopSource stop;
  stop.request();
  world_.set_until({stop.stop(), world_.clock().in(std::chrono::seconds(5))});
  const auto tree = read_tree({top_}, "", Reads::everything, world_.context());
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code, ErrorCode::stopped);
}

}  // namespace
}  // namespace gameday
