// What a drill itself backed up: gone at its end, but not while it may be needed.
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

constexpr std::string_view kPath = "/private/01DRILL/backups/store.db";

void back_up(Course& course) {
  BackupTaken taken;
  taken.target = "store";
  taken.id = kPath;
  taken.facts.set("own", true);
  course.answer(course.until(Op::backup), taken);
}

// Whether it is asked for until the drill is closed.
bool forgets(Course& course) {
  bool asked = false;
  for (int turns = 0; turns < 5000 && !course.finished; ++turns) {
    if (course.tasks.empty()) {
      course.pass(std::chrono::milliseconds(100));
      continue;
    }
    const Task task = course.tasks.front();
    course.tasks.pop_front();
    asked = asked || task.op == Op::forget_backups;
    course.well(task);
  }
  EXPECT_TRUE(course.finished);
  return asked;
}

bool is_named(const Judgement& judged) {
  return std::ranges::any_of(judged.reasons,
                             [](const Reason& reason) { return reason.text.contains(kPath); });
}

TEST(OwnBackups, GoAtTheEnd) {
  Course course;
  back_up(course);
  EXPECT_TRUE(forgets(course));
  const auto judged = judge(course.drill);
  EXPECT_EQ(judged.exit_code, 0) << judged.document.pretty();
  EXPECT_FALSE(is_named(judged));
  Course without("timeline:\n  - wait: 1s\n");
  EXPECT_FALSE(forgets(without)) << "it has none";
}

TEST(OwnBackups, StayWhereSomethingIsLostOrNotKnown) {
  for (const bool read : {true, false}) {
    Course course;
    course.ledger.lost = read ? 2 : 0;
    course.ledger.read_back = read;
    back_up(course);
    EXPECT_FALSE(forgets(course));
    EXPECT_TRUE(is_named(judge(course.drill))) << "nobody says where it is";
  }
}

TEST(OwnBackups, StayWhereDataCouldNotBePutBack) {
  Course course(R"yaml(
timeline:
  - backup: store
  - { fault: lose-data, target: store, id: lost }
)yaml");
  back_up(course);
  for (int tries = 0; tries < 20 && course.deed("lost").stage != Stage::residue; ++tries) {
    course.refuse(course.until(Op::undo, "lose-data"));
  }
  ASSERT_EQ(course.deed("lost").stage, Stage::residue);
  EXPECT_FALSE(forgets(course));
  EXPECT_TRUE(is_named(judge(course.drill)));
}

TEST(OwnBackups, OneThatCannotBeRemovedIsResidue) {
  Course course;
  back_up(course);
  course.refuse(course.until(Op::forget_backups), ErrorCode::failed, "it is held");
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 5) << judged.document.pretty();
  EXPECT_TRUE(judged.document.get("residue").dump().contains("it is held"));
}

TEST(OwnBackups, AStepSaysThatItsOwnStays) {
  for (const bool keep : {true, false}) {
    Course course(std::string("timeline:\n  - { backup: store, keep: ") +
                  (keep ? "true" : "false") + " }\n");
    EXPECT_EQ(course.until(Op::backup).keep, keep);
  }
}

}  // namespace
}  // namespace gameday
