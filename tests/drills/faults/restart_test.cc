#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/drills/process_fixture.h"

namespace gameday {

extern const FaultRow restart_fault;

namespace {

using namespace std::chrono_literals;

class RestartTest : public ProcessFixture {
 protected:
  static Deed restarting(const std::string& signal = "KILL") {
    return {"fault-1", "restart", "west", Json::object({{"signal", signal}})};
  }
  Undo prepared() {
    const auto undo = restart_fault.prepare(restarting(), context());
    EXPECT_TRUE(undo) << undo.error().text;
    return undo.value_or(Undo{});
  }
  Proof proven(const Undo& undo) {
    return restart_fault.prove(restarting(), undo, context()).value_or(Proof{});
  }
  Proof gone(const Undo& undo) { return restart_fault.gone(undo, context()).value_or(Proof{}); }
  Status undone(const Undo& undo) {
    const System nothing;
    return restart_fault.undo(undo, {doors_, nothing, secrets_, "01J", mark_, "", within(10s)});
  }
};

TEST_F(RestartTest, AnotherInstanceLivesInItsPlaceAtOnce) {
  const auto id = start_target();
  const Undo undo = prepared();
  EXPECT_FALSE(proven(undo).held);
  ASSERT_TRUE(restart_fault.inject(restarting(), undo, context()));
  EXPECT_FALSE(doors_.processes.alive(id));
  const auto again = process_at(pidfile(), doors_);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_NE(again->id, id);
  EXPECT_TRUE(proven(undo).held) << proven(undo).text;
  EXPECT_TRUE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(process_at(pidfile(), doors_)->id, again->id) << "the undo started a second one";
  EXPECT_EQ(targets().size(), 1U);
  ASSERT_TRUE(restart_fault.close(undo, false, context()));
  EXPECT_TRUE(std::filesystem::is_empty(file("private")));
}

TEST_F(RestartTest, ARunnerThatDiesInTheGapLeavesItToTheUndo) {
  const auto id = start_target();
  const Undo undo = prepared();
  // What `inject` does first; the runner dies before it does the rest.
  end(id);
  EXPECT_FALSE(proven(undo).held);
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(targets().size(), 1U);
  EXPECT_TRUE(process_at(pidfile(), doors_));
}

TEST_F(RestartTest, TermLetsItEndByItself) {
  const auto id = start_target();
  const Undo undo = prepared();
  ASSERT_TRUE(restart_fault.inject(restarting("TERM"), undo, context()));
  EXPECT_FALSE(doors_.processes.alive(id));
  EXPECT_TRUE(proven(undo).held);
}

TEST_F(RestartTest, OneThatIgnoresTermIsNotProven) {
  const auto id = start_target("stubborn");
  const Undo undo = prepared();
  const auto injected = restart_fault.inject(restarting("TERM"), undo, context(50ms));
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code, ErrorCode::timed_out);
  const auto seen = proven(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.contains("was not ended")) << seen.text;
  EXPECT_TRUE(doors_.processes.alive(id));
}

TEST_F(RestartTest, OneThatFallsOverAtOnceIsNotProven) {
  // It runs as long as its marker is there; put back, it ends at once.
  ASSERT_TRUE(
      files_.write(file("run"), "#!/bin/sh\n[ -e stay ] && exec 3<>fifo && read x <&3\n", 0755));
  ASSERT_TRUE(files_.write(file("stay"), ""));
  ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
  write_pid(start({"./run"}).pid);
  const Undo undo = prepared();
  std::filesystem::remove(file("stay"));
  (void)restart_fault.inject(restarting(), undo, context());
  EXPECT_FALSE(proven(undo).held);
  EXPECT_FALSE(gone(undo).held);
}

TEST_F(RestartTest, OneThatEndedBeforeIsAConflict) {
  const auto id = start_target();
  const Undo undo = prepared();
  end(id);
  const auto injected = restart_fault.inject(restarting(), undo, context());
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code, ErrorCode::conflict);
}

TEST_F(RestartTest, NoTargetIsAnErrorThatTouchesNothing) {
  EXPECT_EQ(restart_fault.prepare(restarting(), context()).error().code, ErrorCode::not_found);
  EXPECT_TRUE(std::filesystem::is_empty(file("private")));
}

}  // namespace
}  // namespace gameday
