#include <sys/mount.h>

#include <fstream>

#include "drills/systems/inodes.h"
#include "tests/drills/deed_world.h"

namespace gameday {

extern const FaultRow exhaust_inodes_fault;

namespace {

// A filesystem of its own under `spool`, which has so many inodes.
class ExhaustInodesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(world_.private_folder());
    mount_at(spool(), "size=64m,nr_inodes=4000");
  }
  void TearDown() override {
    for (const auto& folder : mounted_) umount2(folder.c_str(), MNT_DETACH);
  }
  void mount_at(const std::string& folder, const std::string& options) {
    std::filesystem::create_directories(folder);
    ASSERT_EQ(mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()), 0)
        << "this test must be allowed to mount (run it as root): " << strerror(errno);
    mounted_.push_back(folder);
  }
  std::string spool() const { return world_.file("spool"); }
  Deed deed(int leave = 10, const std::string& folder = "",
            const std::string& i_mean = "nothing") const {
    const std::string path = folder.empty() ? spool() : folder;
    return {"fault-1", "exhaust-inodes", path,
            Json::object({{"path", path}, {"leave", leave}, {"i_mean", i_mean}})};
  }
  Result<Undo> prepare(const Deed& what, const std::string& mark = "drill-1") {
    return row_.prepare(what, world_.context(mark));
  }
  Undo prepared(const std::string& mark = "drill-1") {
    auto undo = prepare(deed(), mark);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Status inject(const Undo& undo) { return row_.inject(deed(), undo, world_.context()); }
  Undo taken() {
    const Undo undo = prepared();
    const auto done = inject(undo);
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo;
  }
  Proof proof(const Undo& undo) {
    return row_.prove(deed(), undo, world_.context()).value_or(Proof{});
  }
  Proof gone(const Undo& undo) { return row_.gone(undo, world_.context()).value_or(Proof{}); }
  void expect_undone(const Undo& undo) {
    const auto done = row_.undo(undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  }
  std::string refusal(const Deed& what) {
    const auto undo = prepare(what, "drill-2");
    return undo ? "may" : undo.error().text;
  }
  std::int64_t free() const { return inodes_of(spool())->free; }
  // How many files others can make there, up to so many.
  int made_by_others(int most) const {
    int made = 0;
    for (int n = 0; n < most; ++n) {
      made += std::ofstream(spool() + "/theirs-" + std::to_string(n)).good() ? 1 : 0;
    }
    for (int n = 0; n < most; ++n) {
      std::filesystem::remove(spool() + "/theirs-" + std::to_string(n));
    }
    return made;
  }
  std::string taker() const { return spool() + "/.gameday-drill-1.inodes"; }

  DeedWorld world_;
  std::vector<std::string> mounted_;
  const FaultRow& row_ = exhaust_inodes_fault;
};

TEST_F(ExhaustInodesTest, NoFileCanBeMadeThoughThereIsRoomAndThenAgain) {
  const std::int64_t before = free();
  const std::int64_t room = disk_of(spool())->free;
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(free(), before);
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(free(), 10) << "as many as were to be left";
  EXPECT_EQ(made_by_others(20), 10);
  EXPECT_GT(disk_of(spool())->free, room * 9 / 10);
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.contains("files fails")) << bitten.text;
  EXPECT_FALSE(gone(undo).held);
  const auto marks = row_.discover(deed(), world_.context());
  ASSERT_TRUE(marks);
  ASSERT_EQ(marks->items().size(), 1U);
  EXPECT_EQ(marks->items().front().text("mark"), "drill-1");
  expect_undone(undo);
  EXPECT_EQ(free(), before);
  EXPECT_TRUE(std::filesystem::is_empty(spool()));
  expect_undone(undo);
}

TEST_F(ExhaustInodesTest, WhereOthersGiveInodesBackItDoesNotBite) {
  std::filesystem::create_directory(spool() + "/theirs");
  for (int n = 0; n < 200; ++n) std::ofstream(spool() + "/theirs/" + std::to_string(n));
  const Undo undo = taken();
  EXPECT_TRUE(proof(undo).held);
  std::filesystem::remove_all(spool() + "/theirs");
  EXPECT_FALSE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
}

// Full by somebody else's doing is not proven, nor is it gone.
TEST_F(ExhaustInodesTest, WhatOthersTakeIsNotOurs) {
  const Undo undo = taken();
  std::filesystem::rename(taker(), spool() + "/theirs");
  EXPECT_FALSE(proof(undo).held) << proof(undo).text;
  std::filesystem::create_directory(spool() + "/theirs/more");
  while (std::ofstream(spool() + "/theirs/more/" + std::to_string(free())).good()) continue;
  EXPECT_FALSE(gone(undo).held) << gone(undo).text;
  ASSERT_TRUE(row_.undo(undo, world_.context()));
  EXPECT_TRUE(std::filesystem::exists(spool() + "/theirs"));
}

TEST_F(ExhaustInodesTest, AFolderOfThatNameThatIsNotOursIsNotTouched) {
  const Undo undo = prepared();
  std::filesystem::create_directory(taker());
  std::ofstream(taker() + "/deed") << "somebody's\n";
  const auto done = inject(undo);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().text.contains("cannot create")) << done.error().text;
  expect_undone(undo);
  EXPECT_TRUE(std::filesystem::exists(taker() + "/deed"));
  EXPECT_EQ(row_.discover(deed(), world_.context())->items().size(), 0U);
  EXPECT_TRUE(refusal(deed()).contains("may"));
  const auto again = prepare(deed());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_F(ExhaustInodesTest, WhatWouldHitOthersOrNobodyIsRefused) {
  EXPECT_TRUE(refusal(deed(4000)).contains("would take none")) << refusal(deed(4000));
  EXPECT_TRUE(refusal(deed(10, "/usr")).contains("is on the root filesystem"));
  EXPECT_TRUE(refusal(deed(10, world_.file("none"))).contains("no folder"));
  mount_at(world_.file("large"), "size=64m,nr_inodes=2000000");
  EXPECT_TRUE(refusal(deed(10, world_.file("large"))).contains("1000000 at most"));
  mount_at(world_.file("boundless"), "size=64m,nr_inodes=0");
  EXPECT_TRUE(refusal(deed(10, world_.file("boundless"))).contains("makes inodes as they are"));
}

// Whenever whoever does it dies, the undo puts it right.
TEST_F(ExhaustInodesTest, HalfOfItIsUndoneToo) {
  const std::int64_t before = free();
  for (int change = 0;; ++change) {
    const Undo undo = prepared("drill-" + std::to_string(change));
    const bool died = world_.dies_at(change, [&] { (void)inject(undo); });
    expect_undone(undo);
    EXPECT_EQ(free(), before);
    if (!died) break;
    ASSERT_LT(change, 40);
  }
  // In the middle of its files, as of its removal.
  const Undo undo = taken();
  for (int n = 1; n < 500; ++n) {
    std::filesystem::remove(taker() + "/" + std::to_string(n) + ".");
  }
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(free(), before);
}

}  // namespace
}  // namespace gameday
