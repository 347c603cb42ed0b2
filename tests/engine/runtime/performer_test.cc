// The performer's own deadlines, where what it asks takes all the time it is given.
#include "engine/runtime/performer.h"

#include <fstream>

#include "engine/load/told_load.h"
#include "engine/not_known.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/load/order_server.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

using std::chrono::seconds;

// Drips its answer for as long as anybody listens.
Result<Instance> drips(const Target&, const DeedContext& context) {
  TRY_OK(context.doors.clock.sleep(context.until));
  return fail(ErrorCode::timed_out, "no answer in time");
}

constexpr FacetRow kDrips{"queue", "A queue.", "url", test_rows::kUrlFields, drips};
constexpr std::array kFacets{&kDrips};
constexpr Rows kRows{kFacets, {}, {}, {}, {}};

TEST(Performer, ATargetIsNotLookedAtForLong) {
  DeedWorld world;
  auto playbook = std::make_shared<Playbook>();
  Target target;
  target.name = "orders";
  target.facets = Json::object({{"queue", Json::object({{"url", "http://127.0.0.1:1"}})}});
  playbook->system.targets.push_back(target);
  Performer performer({world.doors(),
                       kRows,
                       world.secrets(),
                       playbook,
                       "drill",
                       1,
                       world.private_folder(),
                       "",
                       {}});
  Task task;
  task.op = Op::system_start;
  const Instant began = world.clock().now().boot;
  task.deadline = began + seconds(60);
  const Done done = performer.perform(task, Stop());
  ASSERT_FALSE(done.status);
  EXPECT_EQ(done.status.error().text, "target orders: no answer in time");
  EXPECT_LT(world.clock().now().boot - began, seconds(8));
}

// A load that writes where `into` says, and whose rights are as it says.
Status may_write(const Undo& undo, const DeedContext&) {
  const std::string how = undo.arguments.text("into");
  if (how == "unknown") return std::unexpected(not_known("nobody can tell"));
  if (how == "unsupported") return fail(ErrorCode::unsupported, "not here");
  return {};
}
Result<Undo> prepare_load(const LoadSpec& spec, const DeedContext&) {
  return Undo{"load-table", spec.arguments};
}

TEST(Performer, WhatNobodyCanTellBeforeItIsDoneKeepsNothingFromBeginning) {
  LoadRow row = test_rows::kTable;
  row.may = may_write;
  row.prepare = prepare_load;
  const std::array loads{static_cast<const LoadRow*>(&row)};
  const Rows rows{{}, {}, {}, {}, {}, {}, loads};
  for (const std::string how : {"held", "unknown", "unsupported"}) {
    DeedWorld world;
    auto playbook = std::make_shared<Playbook>();
    LoadSpec load;
    load.name = "facts";
    load.kind = "table";
    load.arguments = Json::object({{"into", how}});
    playbook->loads.push_back(load);
    Performer performer({world.doors(),
                         rows,
                         world.secrets(),
                         playbook,
                         "drill",
                         1,
                         world.private_folder(),
                         "",
                         {}});
    Task task;
    task.op = Op::system_start;
    task.deadline = world.clock().now().boot + seconds(10);
    const Done done = performer.perform(task, Stop());
    EXPECT_EQ(done.status.has_value(), how != "unsupported") << how;
  }
}

// A load that is started, runs for a while and is ended; its summary.
LoadSummary summary_of(LoadSpec load) {
  DeedWorld world;
  OrderServer server;
  load.name = "browsing";
  load.request.method = "PUT";
  load.request.url = server.url() + "/orders/{key}";
  load.request.body = R"({"sum":"{digest}"})";
  auto playbook = std::make_shared<Playbook>();
  playbook->loads.push_back(load);
  Performer performer({world.doors(),
                       kRows,
                       world.secrets(),
                       playbook,
                       "drill",
                       1,
                       world.private_folder(),
                       "",
                       {}});
  Task task;
  task.names = {load.name};
  task.first_step = world.clock().now().boot;
  task.deadline = task.first_step + seconds(60);
  const auto done = [&](Op op) {
    task.op = op;
    Done answer = performer.perform(task, Stop());
    EXPECT_TRUE(answer.status) << answer.status.error().text;
    return answer;
  };
  task.what.kind = "load";
  task.what.target = load.name;
  (void)done(Op::inject);
  (void)world.clock().sleep({Stop(), world.clock().in(std::chrono::milliseconds(500))});
  (void)done(Op::end_loads);
  const Done summed = done(Op::summarise);
  const auto* summary = std::get_if<LoadSummary>(&summed.value);
  EXPECT_NE(summary, nullptr);
  return summary != nullptr ? *summary : LoadSummary{};
}

TEST(Performer, ASummaryTellsOfTheUsersOfAClosedLoop) {
  LoadSpec load;
  load.users = UsersSpec{.users = 50, .spawn_rate = 20, .think_most = std::chrono::seconds(9)};
  load.rate = 10;
  const auto summary = summary_of(load);
  ASSERT_TRUE(summary.users);
  EXPECT_EQ(summary.users->users, 50U);
  EXPECT_GE(summary.users->spawned, 10U) << "the first at once, and one each 50 ms";
  EXPECT_LT(summary.users->spawned, 50U);
  EXPECT_GT(summary.users->longest_gap, Duration{});
}

TEST(Performer, ASummaryOfStagesHasNoUsers) {
  LoadSpec load;
  load.rate = 100;
  load.stages = {{.from = 20, .to = 20, .length = seconds(1)},
                 {.from = 100, .to = 100, .length = seconds(1)}};
  const auto summary = summary_of(load);
  EXPECT_FALSE(summary.users);
  ASSERT_FALSE(summary.phases.empty());
  EXPECT_NEAR(static_cast<double>(summary.phases.front().due), 11, 1.5) << "not yet of the second";
}

// A load that a script carries, which begins with `begins` and tells `tells` of itself.
Result<Carrier> run_script(const Undo& undo, const DeedContext& context) {
  const std::string& folder = context.private_folder;
  std::ofstream(folder + "/teller.py") << R"(
import os, socket, time
s = socket.socket(socket.AF_UNIX)
s.connect("\0" + os.environ["GAMEDAY_TELL"])
now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
s.sendall(b"hello local 1 9.9\nbegins\nusers 5 1000\n")
s.sendall(os.environ["TELLS"].replace("NOW", str(now)).encode())
s.recv(1)
s.sendall(b"bye\n")
)";
  return Carrier{
      "Teller",
      {{"/usr/bin/python3", "teller.py"}, folder, {"TELLS=" + undo.arguments.text("tells")}},
      1,
      0,
      5};
}
Result<Undo> prepare_script(const LoadSpec& spec, const DeedContext&) {
  return Undo{"load-table", spec.arguments};
}
Status nothing_to_undo(const Undo&, const DeedContext&) { return {}; }

// What such a load, begun and ended, comes to.
LoadSummary summary_of(const std::string& tells) {
  LoadRow row = test_rows::kTable;
  row.prepare = prepare_script;
  row.undo = nothing_to_undo;
  row.carry = run_script;
  const std::array loads{static_cast<const LoadRow*>(&row)};
  const Rows rows{{}, {}, {}, {}, {}, {}, loads};
  DeedWorld world;
  std::filesystem::create_directories(world.private_folder());
  auto playbook = std::make_shared<Playbook>();
  LoadSpec load;
  load.name = "browsing";
  load.kind = "table";
  load.carried = true;
  load.arguments = Json::object({{"tells", tells}});
  playbook->loads.push_back(load);
  Performer performer({world.doors(),
                       rows,
                       world.secrets(),
                       playbook,
                       "drill-" + tells,
                       1,
                       world.private_folder(),
                       "",
                       {}});
  Task task;
  task.deadline = world.clock().now().boot + seconds(20);
  task.mark = "performer-" + std::to_string(getpid());
  task.op = Op::inject;
  task.what.kind = "load";
  task.what.target = "browsing";
  task.undo = {"load-table", load.arguments};
  const Done begun = performer.perform(task, Stop());
  EXPECT_TRUE(begun.status) << begun.status.error().text;
  (void)world.clock().sleep({Stop(), world.clock().in(seconds(1))});
  task.names = {"browsing"};
  task.op = Op::end_loads;
  EXPECT_TRUE(performer.perform(task, Stop()).status);
  task.op = Op::summarise;
  const Done summed = performer.perform(task, Stop());
  const auto* summary = std::get_if<LoadSummary>(&summed.value);
  EXPECT_NE(summary, nullptr);
  return summary == nullptr ? LoadSummary{} : *summary;
}

TEST(Performer, ALoadThatAProcessCarriesIsSummedUpAsAClosedLoop) {
  const auto summary = summary_of("r NOW 2000000 o 200\tGET /\t\n");
  EXPECT_TRUE(summary.closed);
  EXPECT_EQ(summary.invalid, "");
  ASSERT_TRUE(summary.tellers && summary.carried);
  EXPECT_EQ(summary.tellers->users, 5U);
  EXPECT_EQ(summary.carried->transport, "Teller 9.9");
  EXPECT_EQ(summary.phases.at(0).due, 1U);
}

TEST(Performer, ALoadThatSentNothingOrCouldNotTellAllDoesNotCount) {
  const auto nothing = summary_of("");
  EXPECT_EQ(nothing.invalid, "it sent nothing");
  EXPECT_FALSE(nothing.phases.at(0).valid);
  const auto dropped = summary_of("r NOW 2000000 o 200\tGET /\t\ndropped 3\n");
  EXPECT_TRUE(dropped.invalid.starts_with("3 requests")) << dropped.invalid;
}

}  // namespace
}  // namespace gameday
