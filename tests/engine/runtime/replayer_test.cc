// Replaying over the real doors: rows are found by the undo's kind, what throws stops nobody else,
// and private files that no record knows are erased.
#include "engine/runtime/replayer.h"

#include <stdexcept>

#include "engine/journal/memory_journal.h"
#include "engine/runtime/own_backups.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

Status undo_file(const Undo& undo, const DeedContext& context) {
  return context.doors.files.remove(undo.arguments.text("file"));
}
Result<Proof> file_gone(const Undo& undo, const DeedContext& context) {
  const bool gone = !context.doors.files.exists(undo.arguments.text("file"));
  return Proof{gone, gone ? "it is gone" : "it is there", {}};
}
Status throws(const Undo&, const DeedContext&) { throw std::runtime_error("a mistake of ours"); }

constexpr FaultRow fault_row(std::string_view name,
                             Status (*undo)(const Undo&, const DeedContext&)) {
  FaultRow row = test_rows::fault(name, {}, "process", Reversal::exact, Effect::stops, false);
  row.undo = undo;
  row.gone = file_gone;
  return row;
}
constexpr FaultRow kMakes = fault_row("makes-a-file", undo_file);
constexpr FaultRow kThrows = fault_row("throws", throws);
constexpr std::array kFaults{&kMakes, &kThrows};
constexpr Rows kRows{test_rows::kFacets, kFaults, test_rows::kRestores, test_rows::kQueues,
                     test_rows::kProbes};

class ReplayerTest : public testing::Test {
 protected:
  ReplayerTest() { log->drill = "drill"; }

  OpenUndo owes(const std::string& kind, const std::string& mark) {
    const std::string path = world.file(mark + ".harm");
    EXPECT_TRUE(world.doors().files.write(path, "harm", 0600));
    OpenUndo owed;
    owed.mark = mark;
    owed.step_id = "step-" + mark;
    owed.kind = kind;
    owed.target = "west";
    owed.undo = {kind, Json::object({{"file", path}})};
    owed.boot = boot_id();
    return owed;
  }
  Replayed replayed(const Owed& owed) {
    const auto journal = memory_journal(log, boot_id());
    StopSource stop;
    stop.request();  // one try each: nobody is to wait here
    return replay(owed, *journal,
                  {world.doors(), kRows, secrets, "drill", world.private_folder(), "guardian"},
                  stop.stop());
  }
  [[nodiscard]] bool harmed(const std::string& mark) {
    return world.doors().files.exists(world.file(mark + ".harm"));
  }

  DeedWorld world;
  Secrets secrets;
  std::shared_ptr<MemoryLog> log = std::make_shared<MemoryLog>();
};

TEST_F(ReplayerTest, UndoesByTheRowOfTheKind) {
  Owed owed;
  owed.open = {owes("makes-a-file", "drill-1")};
  const auto done = replayed(owed);
  EXPECT_TRUE(done.residue.empty());
  ASSERT_EQ(done.undone.size(), 1U);
  EXPECT_NE(done.undone[0].find("step-drill-1"), std::string::npos);
  EXPECT_FALSE(harmed("drill-1"));
}

TEST_F(ReplayerTest, ADefectInOneUndoStopsNoOther) {
  Owed owed;
  owed.open = {owes("throws", "drill-2"), owes("makes-a-file", "drill-1")};
  const auto done = replayed(owed);
  ASSERT_EQ(done.residue.size(), 1U);
  EXPECT_NE(done.residue[0].find("a mistake of ours"), std::string::npos);
  EXPECT_TRUE(harmed("drill-2"));
  EXPECT_FALSE(harmed("drill-1"));
}

TEST_F(ReplayerTest, AKindThatNoRowKnowsIsResidueWithItsUndo) {
  Owed owed;
  owed.open = {owes("of-a-later-version", "drill-1")};
  const auto done = replayed(owed);
  ASSERT_EQ(done.residue.size(), 1U);
  EXPECT_NE(done.residue[0].find("of-a-later-version"), std::string::npos);
  EXPECT_NE(done.residue[0].find("drill-1.harm"), std::string::npos) << done.residue[0];
}

TEST_F(ReplayerTest, ErasesPrivateFilesOfDeedsThatWereNeverRecorded) {
  const auto& files = world.doors().files;
  ASSERT_TRUE(files.make_folder(world.private_folder(), 0700));
  const auto path = [&](const std::string& name) { return world.private_folder() + "/" + name; };
  for (const char* name : {"drill-1.saved", "drill-2.saved", "ledger.jsonl", "other-2.saved"}) {
    ASSERT_TRUE(files.write(path(name), "content", 0600));
  }
  Owed owed;
  owed.marks = {"drill-1"};
  EXPECT_EQ(unrecorded_files(owed, "drill", world.private_folder()),
            std::vector<std::string>{path("drill-2.saved")});
  (void)replayed(owed);
  EXPECT_TRUE(files.exists(path("drill-1.saved")));
  EXPECT_FALSE(files.exists(path("drill-2.saved")));
  EXPECT_TRUE(files.exists(path("ledger.jsonl")));
  EXPECT_TRUE(files.exists(path("other-2.saved")));
}

// What it itself backed up goes with the last of what a dead drill owes.
TEST_F(ReplayerTest, OwnBackupsGoWithADeadDrill) {
  const Files& files = world.doors().files;
  const std::string folder = own_backups_of(world.private_folder());
  const auto back_up = [&](const std::string& name) {
    EXPECT_TRUE(files.make_folder(folder + "/" + name + "/base", 0700));
    EXPECT_TRUE(files.write(folder + "/" + name + "/base/1", "rows", 0600));
  };
  const auto replayed_whole = [&](const Owed& owed) {
    const auto journal = memory_journal(log, boot_id());
    return replay(owed, *journal,
                  {world.doors(), kRows, secrets, "drill", world.private_folder(), "guardian"},
                  Stop());
  };
  back_up("drill-backup-a");
  back_up("drill-backup-b");
  ASSERT_TRUE(keep_own_backup(folder + "/drill-backup-b", files));
  EXPECT_TRUE(has_own_backups(world.private_folder()));
  Owed owed;
  owed.closed = true;
  (void)replayed_whole(owed);
  EXPECT_TRUE(files.exists(folder + "/drill-backup-a/base/1")) << "it is for its drill to say";
  owed.closed = false;
  owed.to_erase.push_back(
      {Undo{"makes-a-file", Json::object({{"file", "/none"}})}, "drill-1", true});
  (void)replayed_whole(owed);
  EXPECT_TRUE(files.exists(folder + "/drill-backup-a/base/1")) << "something may be lost";
  owed.to_erase.clear();
  owed.open = {owes("throws", "drill-1")};
  (void)replayed(owed);
  EXPECT_TRUE(files.exists(folder + "/drill-backup-a/base/1")) << "it may be needed";
  owed.open.clear();
  EXPECT_TRUE(replayed_whole(owed).residue.empty());
  EXPECT_FALSE(files.exists(folder + "/drill-backup-a"));
  EXPECT_TRUE(files.exists(folder + "/drill-backup-b/base/1"));
  EXPECT_FALSE(has_own_backups(world.private_folder()));
  EXPECT_TRUE(is_own_backup(folder + "/drill-backup-b", world.private_folder()));
  EXPECT_FALSE(is_own_backup("/srv/base", world.private_folder()));
}

TEST_F(ReplayerTest, WhatCannotBeRemovedInTimeIsSaid) {
  const Files& files = world.doors().files;
  const std::string folder = own_backups_of(world.private_folder());
  ASSERT_TRUE(files.make_folder(folder + "/base", 0700));
  const auto late =
      erase_own_backups(world.private_folder(), world.clock(), {Stop(), world.clock().now().boot});
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().text.contains("there was no time to remove " + folder + "/base"));
  // What is left makes the drill one that is not through.
  StopSource stop;
  stop.request();
  const auto journal = memory_journal(log, boot_id());
  const auto done = replay(
      Owed{}, *journal,
      {world.doors(), kRows, secrets, "drill", world.private_folder(), "guardian"}, stop.stop());
  ASSERT_EQ(done.residue.size(), 1U);
  EXPECT_TRUE(done.residue.front().contains("what the drill backed up")) << done.residue.front();
}

TEST_F(ReplayerTest, WhoeverIsFencedTouchesNothingMore) {
  const auto old = memory_journal(log, boot_id());
  const auto taken = take_over_memory_journal(log, boot_id());
  Owed owed;
  owed.open = {owes("makes-a-file", "drill-2"), owes("makes-a-file", "drill-1")};
  const auto done =
      replay(owed, *old,
             {world.doors(), kRows, secrets, "drill", world.private_folder(), "guardian"}, Stop());
  EXPECT_TRUE(done.fenced);
  EXPECT_TRUE(harmed("drill-1"));
}

}  // namespace
}  // namespace gameday
