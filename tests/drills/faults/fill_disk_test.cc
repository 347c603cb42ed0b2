#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "drills/systems/disk.h"
#include "tests/drills/deed_world.h"

namespace gameday {

extern const FaultRow fill_disk_fault;

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMiB = 1 << 20;

// A filesystem of 64 MiB of its own under `spool`.
class FillDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(world_.private_folder());
    mount_at(spool(), "size=64m");
  }
  void TearDown() override {
    for (const auto& folder : mounted_) umount2(folder.c_str(), MNT_DETACH);
  }
  void mount_at(const std::string& folder, const std::string& options, const char* type = "tmpfs") {
    std::filesystem::create_directories(folder);
    ASSERT_EQ(mount(type, folder.c_str(), type, 0, options.c_str()), 0)
        << "this test must be allowed to mount (run it as root): " << strerror(errno);
    mounted_.push_back(folder);
  }

  std::string spool() const { return world_.file("spool"); }
  Deed filling(const std::string& leave = "1MiB", const std::string& folder = "",
               const std::string& i_mean = "nothing") const {
    const std::string path = folder.empty() ? spool() : folder;
    return {"fault-1", "fill-disk", path,
            Json::object({{"path", path}, {"leave", leave}, {"i_mean", i_mean}})};
  }
  Result<Undo> prepare(const Deed& deed) { return fill_disk_fault.prepare(deed, world_.context()); }
  Undo prepared() {
    auto undo = prepare(filling());
    EXPECT_TRUE(undo) << undo.error().text;
    return undo.value_or(Undo{});
  }
  Undo filled() {
    const Undo undo = prepared();
    const auto done = fill_disk_fault.inject(filling(), undo, world_.context());
    EXPECT_TRUE(done) << done.error().text;
    return undo;
  }
  Proof proven(const Undo& undo) {
    const auto proof = fill_disk_fault.prove(filling(), undo, world_.context());
    EXPECT_TRUE(proof) << proof.error().text;
    return proof.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    return fill_disk_fault.gone(undo, world_.context()).value_or(Proof{});
  }
  Status undone(const Undo& undo) { return fill_disk_fault.undo(undo, world_.context()); }
  Status may(const Deed& deed) { return fill_disk_fault.may(deed, world_.context()); }
  static void expect_refusal(const Error& error, const std::string& why) {
    EXPECT_EQ(error.code, ErrorCode::refused) << error.text;
    EXPECT_TRUE(error.text.contains(why)) << error.text;
  }
  // Before the drill as well as at its step.
  void expect_refused(const Deed& deed, const std::string& why) {
    const auto before = may(deed);
    ASSERT_FALSE(before);
    expect_refusal(before.error(), why);
    const auto undo = prepare(deed);
    ASSERT_FALSE(undo);
    expect_refusal(undo.error(), why);
  }
  // How much is free may be another matter by then.
  void expect_refused_at_its_step(const Deed& deed, const std::string& why) {
    const auto before = may(deed);
    EXPECT_TRUE(before) << before.error().text;
    const auto undo = prepare(deed);
    ASSERT_FALSE(undo);
    expect_refusal(undo.error(), why);
  }
  std::int64_t free() const { return disk_of(spool())->free; }
  bool empty() const { return std::filesystem::is_empty(spool()); }

  DeedWorld world_;
  std::vector<std::string> mounted_;
};

TEST_F(FillDiskTest, LeavesWhatItSaysAndGivesAllBack) {
  const auto before = free();
  const Undo undo = prepared();
  EXPECT_FALSE(proven(undo).held);
  ASSERT_TRUE(fill_disk_fault.inject(filling(), undo, world_.context()));
  EXPECT_LE(free(), kMiB);
  EXPECT_GT(free(), kMiB - (64 << 10));
  const auto full = proven(undo);
  EXPECT_TRUE(full.held) << full.text;
  EXPECT_LE(free(), kMiB) << "the probe's file stayed";
  std::ofstream theirs(spool() + "/theirs");
  theirs << std::string(static_cast<std::size_t>(2 * kMiB), 'x') << std::flush;
  EXPECT_FALSE(theirs) << "there was room for more than is left";
  theirs.close();
  std::filesystem::remove(spool() + "/theirs");
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(free(), before);
  EXPECT_TRUE(empty());
}

TEST_F(FillDiskTest, RoomThatComesBackMeanwhileIsSeen) {
  std::ofstream(spool() + "/log") << std::string(static_cast<std::size_t>(4 * kMiB), 'x');
  const Undo undo = filled();
  ASSERT_TRUE(proven(undo).held);
  std::filesystem::remove(spool() + "/log");
  EXPECT_FALSE(proven(undo).held) << proven(undo).text;
  ASSERT_TRUE(undone(undo));
}

// However few changes it gets to make, what it made is found by its record alone.
TEST_F(FillDiskTest, ARunnerThatDiesAtAnyChangeLeavesNothing) {
  const auto before = free();
  const Undo undo = prepared();
  int change = 0;
  for (; world_.dies_at(change,
                        [&] { (void)fill_disk_fault.inject(filling(), undo, world_.context()); });
       ++change) {
    ASSERT_TRUE(undone(undo));
    EXPECT_TRUE(gone(undo).held) << "at change " << change << ": " << gone(undo).text;
    EXPECT_EQ(free(), before) << "at change " << change;
  }
  EXPECT_GE(change, 4);
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(free(), before);
}

TEST_F(FillDiskTest, AKilledRunnersHalfOfAFillerIsFound) {
  const auto before = free();
  const Undo undo = prepared();
  const pid_t child = fork();
  if (child == 0) {
    (void)fill_disk_fault.inject(filling(), undo, world_.context());
    _exit(0);
  }
  const std::string filler = undo.arguments.text("filler");
  while (access(filler.c_str(), F_OK) != 0) continue;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(free(), before);
}

TEST_F(FillDiskTest, OnlyOurOwnFileIsRemoved) {
  const Undo undo = filled();
  const std::string filler = undo.arguments.text("filler");
  std::filesystem::remove(filler);
  std::ofstream(filler) << "somebody else's\n";
  std::ofstream(spool() + "/.gameday-other-7.filler") << "gameday filler of deed other-7\n";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(std::filesystem::exists(filler));
  EXPECT_TRUE(std::filesystem::exists(spool() + "/.gameday-other-7.filler"));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(prepare(filling()).error().code, ErrorCode::conflict);
}

TEST_F(FillDiskTest, FillersOfAnyDrillAreDiscovered) {
  std::ofstream(spool() + "/.gameday-other-7.filler") << "gameday filler of deed other-7\n";
  std::ofstream(spool() + "/.gameday-fake-8.filler") << "no such head\n";
  std::ofstream(spool() + "/theirs") << "x";
  const Undo undo = filled();
  const auto found = fill_disk_fault.discover(filling(), world_.context());
  ASSERT_TRUE(found);
  std::set<std::string> marks;
  for (const auto& one : found->items()) marks.insert(one.text("mark"));
  EXPECT_EQ(marks, (std::set<std::string>{"drill-1", "other-7"}));
  ASSERT_TRUE(undone(undo));
}

TEST_F(FillDiskTest, AFilesystemThatIsNotMountedAnyMore) {
  const Undo undo = filled();
  umount2(spool().c_str(), MNT_DETACH);
  EXPECT_TRUE(gone(undo).held) << "what was in memory is gone with it: " << gone(undo).text;
  Undo on_disk = undo;
  on_disk.arguments.set("in_memory", false);
  ASSERT_TRUE(undone(on_disk));
  EXPECT_FALSE(gone(on_disk).held) << "a filler on a disk that is elsewhere now was not removed";
}

TEST_F(FillDiskTest, RoomThatSomethingElseTakesIsNotBack) {
  const Undo undo = filled();
  const int held = open(undo.arguments.text("filler").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(held, 0);
  ASSERT_TRUE(undone(undo));
  const auto seen = gone(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.contains("holds the filler open")) << seen.text;
  close(held);
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(FillDiskTest, WhatCarriesTheStoreIsRefused) {
  mount_at(world_.private_folder(), "size=32m");
  expect_refused(filling("1MiB", world_.private_folder()), "gameday's store");
  std::filesystem::create_directory(world_.private_folder() + "/below");
  expect_refused(filling("1MiB", world_.private_folder() + "/below", "/"), "gameday's store");
}

TEST_F(FillDiskTest, TheRootFilesystemIsRefusedUnlessItIsMeant) {
  mount_at(world_.private_folder(), "size=32m");
  // Far more is left than there is, so that nothing is ever filled here.
  expect_refused(filling("1MiB", "/"), "on the root filesystem");
  expect_refused_at_its_step(filling("1000000GiB", "/", "/"), "would fill nothing");
}

TEST_F(FillDiskTest, LeavingMoreThanThereIsIsRefused) {
  expect_refused_at_its_step(filling("64MiB"), "would fill nothing");
  expect_refused_at_its_step(filling("1GiB"), "would fill nothing");
}

TEST_F(FillDiskTest, WhatCannotBeFilledIsRefused) {
  expect_refused(filling("1MiB", "/proc"), "without a size");
  mount_at(world_.file("locked"), "size=8m");
  ASSERT_EQ(mount(nullptr, world_.file("locked").c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr),
            0);
  expect_refused(filling("1MiB", world_.file("locked")), "read-only");
  EXPECT_EQ(prepare(filling("1MiB", world_.file("none"))).error().code, ErrorCode::not_found);
  EXPECT_EQ(may(filling("1MiB", world_.file("none"))).error().code, ErrorCode::not_found);
  std::ofstream(world_.file("file")) << "x";
  EXPECT_EQ(prepare(filling("1MiB", world_.file("file"))).error().code, ErrorCode::not_found);
}

TEST_F(FillDiskTest, ALookBeforeTheDrillChangesNothing) {
  const auto before = free();
  EXPECT_TRUE(may(filling()));
  EXPECT_EQ(free(), before);
  EXPECT_TRUE(empty());
}

TEST_F(FillDiskTest, AFolderOfOthersIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "root alone can become somebody else";
  for (const auto& folder : {world_.file(""), spool()}) {
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
  }
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (setuid(kNobody) != 0) _exit(2);
    const auto refused = may(filling());
    _exit(!refused && refused.error().text.contains("may not read and write") ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(FillDiskTest, AFillerThatMemoryCannotHoldIsRefused) {
  mount_at(world_.file("huge"), "size=64t");
  expect_refused(filling("1MiB", world_.file("huge")), "is in memory");
}

// Root has room that nobody else has: what ordinary users see is what counts.
TEST_F(FillDiskTest, TheReserveOfRootIsNoRoom) {
  const std::string image = world_.file("image");
  const std::string made = "truncate -s 64M " + image + " && mkfs.ext4 -q -m 20 " + image;
  ASSERT_EQ(system(made.c_str()), 0) << "mkfs.ext4 (e2fsprogs) is needed";
  std::filesystem::create_directories(world_.file("reserved"));
  const std::string mounting = "mount -o loop " + image + " " + world_.file("reserved");
  if (system((mounting + " 2>/dev/null").c_str()) != 0) GTEST_SKIP() << "no loop devices here";
  mounted_.push_back(world_.file("reserved"));
  const Deed deed = filling("1MiB", world_.file("reserved"));
  const auto undo = prepare(deed);
  ASSERT_TRUE(undo) << undo.error().text;
  ASSERT_TRUE(fill_disk_fault.inject(deed, *undo, world_.context()));
  EXPECT_GT(disk_of(world_.file("reserved"))->unused, 5 * kMiB) << "the reserve is gone";
  const auto proof = fill_disk_fault.prove(deed, *undo, world_.context());
  EXPECT_TRUE(proof->held) << proof->text;
  ASSERT_TRUE(undone(*undo));
  EXPECT_TRUE(gone(*undo).held) << gone(*undo).text;
}

TEST_F(FillDiskTest, WhereNothingCanBeAllocatedItIsWritten) {
  // ramfs would have no size; ext2 has no fallocate.
  const std::string image = world_.file("image");
  const std::string made = "truncate -s 48M " + image + " && mkfs.ext2 -q " + image;
  ASSERT_EQ(system(made.c_str()), 0) << "mkfs.ext2 (e2fsprogs) is needed";
  std::filesystem::create_directories(world_.file("old"));
  const std::string mounting = "mount -o loop " + image + " " + world_.file("old");
  if (system((mounting + " 2>/dev/null").c_str()) != 0) GTEST_SKIP() << "no loop devices here";
  mounted_.push_back(world_.file("old"));
  const Deed deed = filling("2MiB", world_.file("old"));
  const auto undo = prepare(deed);
  ASSERT_TRUE(undo) << undo.error().text;
  ASSERT_TRUE(fill_disk_fault.inject(deed, *undo, world_.context()));
  EXPECT_LE(disk_of(world_.file("old"))->free, 2 * kMiB);
  EXPECT_TRUE(fill_disk_fault.prove(deed, *undo, world_.context())->held);
  ASSERT_TRUE(undone(*undo));
  EXPECT_TRUE(gone(*undo).held) << gone(*undo).text;
}

TEST(ShownBytes, AreReadByPeople) {
  EXPECT_EQ(shown_bytes(0), "0 B");
  EXPECT_EQ(shown_bytes(1023), "1023 B");
  EXPECT_EQ(shown_bytes(1536), "1.5 KiB");
  EXPECT_EQ(shown_bytes(64 * kMiB), "64 MiB");
}

}  // namespace
}  // namespace gameday
