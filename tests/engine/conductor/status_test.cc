// What a running drill says of itself.
#include "engine/conductor/status.h"

#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

TEST(Status, NamesTheFaultsInForceAndHowLongTheyLast) {
  Course course;
  course.well(course.until(Op::prove, "block"));
  course.now.boot += std::chrono::milliseconds(400);
  const Json status = status_json(course.drill, course.now);
  EXPECT_EQ(status.text("phase"), "running");
  EXPECT_EQ(status.integer("steps_ended", 0), 1);
  ASSERT_EQ(status.items("steps").size(), 1U);
  EXPECT_EQ(status.items("steps").front().text("id"), "fault-2");
  ASSERT_EQ(status.items("faults").size(), 1U);
  const Json& fault = status.items("faults").front();
  EXPECT_EQ(fault.text("stage"), "proven");
  EXPECT_NEAR(fault.number("left_s", 0), 0.6, 1e-6);
  EXPECT_TRUE(status.get("stop").is_null());
}

TEST(Status, OfAFaultWithoutATimeNamesNone) {
  Course course;
  (void)course.until(Op::prepare, "drop-queue");
  const Json status = status_json(course.drill, course.now);
  ASSERT_EQ(status.items("faults").size(), 1U);
  EXPECT_TRUE(status.items("faults").front().get("left_s").is_null());
}

TEST(Status, SaysWhoStoppedIt) {
  Course course;
  (void)course.until(Op::prepare, "block");
  course.give(StopAsked{StopBy::person, "stopped by kim", "", course.now.boot,
                        Person{"kim", 1001, "socket"}});
  EXPECT_EQ(status_json(course.drill, course.now).get("stop").text("by"), "person");
  course.tasks.clear();
  course.give(Done{course.drill.last_task, fail(ErrorCode::stopped, "stopped"), {}});
  const auto judged = course.finish();
  EXPECT_EQ(judged.document.get("stop").get("who").text("name"), "kim");
}

}  // namespace
}  // namespace gameday
