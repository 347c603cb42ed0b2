#include "tests/drills/remote_fixture.h"

namespace gameday {

extern const FaultRow kill_remote_fault;

namespace {

class KillRemoteOnSsh : public RemoteFaultOnSsh {
 protected:
  KillRemoteOnSsh() : RemoteFaultOnSsh(kill_remote_fault) {}
};

TEST_F(KillRemoteOnSsh, EndsItAndItsOwnCommandStartsItAgain) {
  const pid_t was = pid();
  const Undo undo = prepare().value();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_EQ(pid(), was);
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(state(), '-');
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_NE(pid(), was);
  const pid_t now = pid();
  expect_undone(undo);
  EXPECT_EQ(pid(), now) << "two would write";
}

TEST_F(KillRemoteOnSsh, WhatWasNeverKilledIsNotStartedTwice) {
  const pid_t was = pid();
  const Undo undo = prepare().value();
  expect_undone(undo);
  EXPECT_EQ(pid(), was);
}

TEST_F(KillRemoteOnSsh, ItsStartDoesNotHoldUpWhoeverComesNext) {
  const Undo undo = injected();
  expect_undone(undo);
  // One that goes on for ever has none of what keeps deeds apart.
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid()) + "/fd")) {
    EXPECT_FALSE(std::filesystem::read_symlink(entry.path()).string().contains("gameday-"));
  }
}

TEST_F(KillRemoteOnSsh, ItsMachineStartsItWhereNobodyElseDoes) {
  lasts_s_ = 0;
  set_facet(facet().set("dead_man", "5s"));
  const pid_t was = pid();
  const Undo undo = injected();
  machine_.stop();
  EXPECT_TRUE(in_time([&] { return pid() != was && state() != '-'; }));
  EXPECT_TRUE(in_time([&] { return !std::filesystem::exists(folder()); }));
}

TEST_F(KillRemoteOnSsh, IsRefusedWhereItCouldNotBeStartedAgain) {
  Json none = Json::array();
  set_facet(facet().set("start", none));
  EXPECT_EQ(prepare().error().code, ErrorCode::refused);
  set_facet(facet().set("pidfile", ""));
  EXPECT_EQ(prepare().error().code, ErrorCode::invalid);
  set_facet(facet().set("pidfile", world_.file("no-such")));
  EXPECT_EQ(prepare().error().code, ErrorCode::not_found);
  Json wrong = Json::array();
  wrong.push("/no/such/program");
  set_facet(facet().set("start", wrong));
  EXPECT_EQ(prepare().error().code, ErrorCode::refused);
  wrong = Json::array();
  wrong.push("true");
  set_facet(facet().set("start", wrong));
  const Undo undo = injected();
  const auto undone = kill_remote_fault.undo(undo, world_.context());
  ASSERT_FALSE(undone);
  EXPECT_TRUE(undone.error().text.contains("has not brought it back")) << undone.error().text;
  EXPECT_TRUE(std::filesystem::exists(folder())) << "its machine goes on trying";
  up();
  expect_undone(undo);
}

TEST_F(KillRemoteOnSsh, AnotherProcessWithItsNumberIsNotItsVictim) {
  Undo undo = prepare().value();
  undo.arguments.set("start", "1");
  const auto done = inject(undo);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().text.contains("it ended before")) << done.error().text;
  EXPECT_NE(state(), '-');
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
