#include "tests/drills/remote_fixture.h"

namespace gameday {

extern const FaultRow pause_remote_fault;

namespace {

class PauseRemoteOnSsh : public RemoteFaultOnSsh {
 protected:
  PauseRemoteOnSsh() : RemoteFaultOnSsh(pause_remote_fault) {}
};

TEST_F(PauseRemoteOnSsh, HoldsItStillUntilItsUndo) {
  const pid_t was = pid();
  const Undo undo = prepare().value();
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(state(), 'T');
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_TRUE(gone(undo).text.contains("is still stopped"));
  EXPECT_EQ(prepare().error().code, ErrorCode::conflict);
  expect_undone(undo);
  EXPECT_NE(state(), 'T');
  EXPECT_EQ(pid(), was);
}

TEST_F(PauseRemoteOnSsh, WhomSomebodyElseHasStoppedStaysStopped) {
  const Undo undo = prepare().value();
  kill(pid(), SIGSTOP);
  ASSERT_TRUE(in_time([&] { return state() == 'T'; }));
  expect_undone(undo);
  EXPECT_EQ(state(), 'T');
  EXPECT_TRUE(gone(undo).text.contains("by somebody else"));
  kill(pid(), SIGCONT);
}

TEST_F(PauseRemoteOnSsh, ItsMachineLetsItGoOnWhereNobodyElseDoes) {
  lasts_s_ = 0;
  set_facet(facet().set("dead_man", "5s"));
  const Undo undo = injected();
  EXPECT_EQ(state(), 'T');
  machine_.stop();
  EXPECT_TRUE(in_time([&] { return state() != 'T' && !std::filesystem::exists(folder()); }));
  machine_.start();
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
}

TEST_F(PauseRemoteOnSsh, OneThatEndsMeanwhileHasNoPauseAnyMore) {
  const Undo undo = injected();
  kill(-pid(), SIGKILL);
  ASSERT_TRUE(in_time([&] { return state() == '-'; }));
  EXPECT_EQ(proof(undo).text, undo.arguments.text("shown") + " has ended");
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
