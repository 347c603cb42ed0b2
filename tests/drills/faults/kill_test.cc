#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "tests/drills/process_fixture.h"

namespace gameday {

extern const FaultRow kill_fault;

namespace {

using namespace std::chrono_literals;

class KillTest : public ProcessFixture {
 protected:
  Undo prepared() {
    const auto undo = kill_fault.prepare(deed(), context());
    EXPECT_TRUE(undo) << undo.error().text;
    return *undo_from(*Json::parse(to_json(undo.value_or(Undo{})).dump()));
  }
  Undo killed() {
    const Undo undo = prepared();
    EXPECT_TRUE(kill_fault.inject(deed(), undo, context()));
    return undo;
  }
  // As the guardian calls it: with the undo's arguments alone.
  Status undone(const Undo& undo) {
    const System nothing;
    return kill_fault.undo(undo, {doors_, nothing, secrets_, "01J", mark_, "", within(10s)});
  }
  Proof proof_that_it_is_gone(const Undo& undo) {
    const auto proof = kill_fault.gone(undo, context());
    EXPECT_TRUE(proof) << proof.error().text;
    return proof.value_or(Proof{});
  }
};

TEST_F(KillTest, EndsTheProcessAndStartsItAgainAsItWas) {
  const auto id = start_target();
  const auto before = *files_.read(file("said"));
  const Undo undo = prepared();
  EXPECT_FALSE(kill_fault.prove(deed(), undo, context())->held);
  ASSERT_TRUE(kill_fault.inject(deed(), undo, context()));
  const auto bitten = kill_fault.prove(deed(), undo, context());
  ASSERT_TRUE(bitten);
  EXPECT_TRUE(bitten->held);
  EXPECT_FALSE(doors_.processes.alive(id));
  EXPECT_FALSE(proof_that_it_is_gone(undo).held);
  std::filesystem::remove(file("said"));
  ASSERT_TRUE(undone(undo));
  const auto gone = proof_that_it_is_gone(undo);
  EXPECT_TRUE(gone.held) << gone.text;
  ASSERT_TRUE(comes_true([&] { return files_.exists(file("said")); }));
  auto after = *files_.read(file("said"));
  const std::string mark = "env:GAMEDAY_MARK=" + mark_ + "\n";
  ASSERT_TRUE(after.contains(mark));
  EXPECT_EQ(after.erase(after.find(mark), mark.size()), before);
  const auto again = process_at(pidfile(), doors_);
  ASSERT_TRUE(again);
  EXPECT_NE(again->id, id);
}

TEST_F(KillTest, UndoingTwiceStartsOne) {
  start_target();
  const Undo undo = killed();
  ASSERT_TRUE(undone(undo));
  const auto first = process_at(pidfile(), doors_);
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(targets().size(), 1U);
  EXPECT_EQ(process_at(pidfile(), doors_)->id, first->id);
}

TEST_F(KillTest, UndoingWhatWasNotKilledDoesNothing) {
  const auto id = start_target();
  const Undo undo = prepared();
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(targets().size(), 1U);
  EXPECT_TRUE(doors_.processes.alive(id));
  EXPECT_TRUE(proof_that_it_is_gone(undo).held);
}

TEST_F(KillTest, WhatASupervisorHasStartedStays) {
  start_target();
  const Undo undo = killed();
  const auto theirs = start({child(), "serve", file("said")});
  const auto bitten = kill_fault.prove(deed(), undo, context());
  EXPECT_TRUE(bitten->held);
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(targets().size(), 1U);
  EXPECT_TRUE(doors_.processes.alive(theirs));
  EXPECT_TRUE(proof_that_it_is_gone(undo).held);
}

TEST_F(KillTest, ASupervisorsSuccessorInThePidfileIsToldOf) {
  start_target();
  const Undo undo = killed();
  const auto theirs = start({child(), "serve", file("said"), "other-argument"});
  write_pid(theirs.pid);
  const auto bitten = kill_fault.prove(deed(), undo, context());
  EXPECT_TRUE(bitten->held);
  EXPECT_TRUE(bitten->text.contains("somebody else has started")) << bitten->text;
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(targets().size(), 1U);
}

TEST_F(KillTest, BesideAnotherProgramInThePidfileNothingIsStarted) {
  start_target();
  const Undo undo = killed();
  const auto theirs = start({"/bin/sleep", "60"});
  write_pid(theirs.pid);
  const auto refused = undone(undo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_TRUE(refused.error().text.contains("another program")) << refused.error().text;
  EXPECT_EQ(targets().size(), 1U) << "theirs alone";
  EXPECT_TRUE(doors_.processes.alive(theirs));
}

TEST_F(KillTest, OneThatFallsOverAtOnceIsNotBack) {
  // It runs as long as its marker is there; put back, it ends at once.
  ASSERT_TRUE(
      files_.write(file("run"), "#!/bin/sh\n[ -e stay ] && exec 3<>fifo && read x <&3\n", 0755));
  ASSERT_TRUE(files_.write(file("stay"), ""));
  ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
  const auto id = start({"./run"});
  write_pid(id.pid);
  const Undo undo = killed();
  std::filesystem::remove(file("stay"));
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(proof_that_it_is_gone(undo).held);
}

TEST_F(KillTest, AProgramThatIsNotThereAnyMoreIsRefusedBeforehand) {
  std::filesystem::copy_file(child(), file("program"));
  const auto id = start({"./program", "wait"});
  write_pid(id.pid);
  std::filesystem::remove(file("program"));
  const auto undo = kill_fault.prepare(deed(), context());
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::refused);
  EXPECT_TRUE(doors_.processes.alive(id));
}

TEST_F(KillTest, LimitsThatCouldNotBeGivenAgainAreRefusedBeforehand) {
  rlimit cores{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &cores), 0);
  if (cores.rlim_max == 0) GTEST_SKIP() << "the hard limit cannot be lowered from 0";
  start_target();
  // In a child, because a hard limit once lowered stays so.
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    const auto undo = kill_fault.prepare(deed(), context());
    const rlimit again{cores.rlim_cur, cores.rlim_max};
    if (setrlimit(RLIMIT_CORE, &again) == 0) _exit(undo ? 0 : 1);
    _exit(!undo && undo.error().code == ErrorCode::refused ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(KillTest, AProgramThatVanishesMeanwhileIsAnError) {
  std::filesystem::copy_file(child(), file("program"));
  write_pid(start({"./program", "wait"}).pid);
  const Undo undo = killed();
  std::filesystem::remove(file("program"));
  EXPECT_EQ(undone(undo).error().code, ErrorCode::not_found);
  EXPECT_FALSE(proof_that_it_is_gone(undo).held);
}

TEST_F(KillTest, TheEnvironmentLiesInAPrivateFileUntilTheClose) {
  start_target();
  const Undo undo = killed();
  const auto json = to_json(undo).dump();
  EXPECT_FALSE(json.contains("canary"));
  const auto kept = undo.arguments.text("environment");
  EXPECT_EQ(kept, file("private") + "/" + mark_ + ".environment");
  EXPECT_TRUE(files_.read(kept)->contains("SECRET=canary-of-west"));
  struct stat found{};
  ASSERT_EQ(stat(kept.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  const auto bitten = kill_fault.prove(deed(), undo, context());
  EXPECT_FALSE((bitten->text + bitten->facts.dump()).contains("canary"));
  ASSERT_TRUE(undone(undo));
  const auto gone = proof_that_it_is_gone(undo);
  EXPECT_FALSE((gone.text + gone.facts.dump()).contains("canary"));
  ASSERT_TRUE(kill_fault.close(undo, false, context()));
  EXPECT_TRUE(std::filesystem::is_empty(file("private")));
  ASSERT_TRUE(kill_fault.close(undo, false, context()));
}

TEST_F(KillTest, WithoutItsEnvironmentNothingIsStarted) {
  start_target();
  const Undo undo = killed();
  std::filesystem::remove(undo.arguments.text("environment"));
  EXPECT_EQ(undone(undo).error().code, ErrorCode::not_found);
  EXPECT_TRUE(targets().empty());
}

TEST_F(KillTest, AProcessThatIsNotTheOneLookedAtIsNotKilled) {
  const auto id = start_target();
  Undo undo = prepared();
  Json process = undo.arguments.get("process");
  process.set("id", to_json(ProcessId{id.boot, id.pid, id.start - 1}));
  undo.arguments.set("process", process);
  const auto injected = kill_fault.inject(deed(), undo, context());
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code, ErrorCode::conflict);
  EXPECT_TRUE(doors_.processes.alive(id));
}

TEST_F(KillTest, OneThatIgnoresTermIsAnErrorAndNotProven) {
  const auto id = start_target("stubborn");
  const Undo undo = prepared();
  const auto injected = kill_fault.inject(deed("TERM"), undo, context(50ms));
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code, ErrorCode::timed_out);
  EXPECT_FALSE(kill_fault.prove(deed("TERM"), undo, context())->held);
  EXPECT_TRUE(doors_.processes.alive(id));
}

TEST_F(KillTest, TermEndsOneThatListens) {
  const auto id = start_target();
  const Undo undo = prepared();
  ASSERT_TRUE(kill_fault.inject(deed("TERM"), undo, context()));
  EXPECT_FALSE(doors_.processes.alive(id));
}

TEST_F(KillTest, NoTargetIsAnErrorThatTouchesNothing) {
  EXPECT_EQ(kill_fault.prepare(deed(), context()).error().code, ErrorCode::not_found);
  Deed nowhere = deed();
  nowhere.target = "south";
  EXPECT_EQ(kill_fault.prepare(nowhere, context()).error().code, ErrorCode::not_found);
  EXPECT_TRUE(std::filesystem::is_empty(file("private")));
  EXPECT_EQ(kill_fault.undo({"kill", Json::object()}, context()).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace gameday
