// The shape of a load: one rate or stages, what may stand in them, and how they are told.
#include "engine/playbook/load_shape.h"

#include <span>

#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

using Told = std::vector<std::string>;

std::string with_shape(const std::string& shape) {
  return edited_design("    rate: 200/s\n", shape);
}
Told told(const std::string& shape) { return told_of(with_shape(shape)); }
Told stages(const std::string& list) { return told("    stages: [" + list + "]\n"); }

LoadSpec load_of(const std::string& shape) {
  const auto loaded = decode_playbook("/drills/p.yaml", with_shape(shape), {}, test_rows::kRows);
  EXPECT_TRUE(loaded.playbook);
  return loaded.playbook ? *loaded.playbook->load("checkout") : LoadSpec{};
}

constexpr const char* kStages = R"yaml(    stages:
      - { rate: 50/s, for: 10s }
      - { to: 200/s, for: 20s }
      - { sine: 100/s, swing: 50/s, period: 30s, for: 1m }
      - { from: 10/s, to: 5/s, for: 500ms }
)yaml";

TEST(Shape, StagesAreReadInTheirOrder) {
  const LoadSpec load = load_of(kStages);
  ASSERT_EQ(load.stages.size(), 4U);
  const RateCurve curve = load.curve();
  EXPECT_EQ(load.rate, 200) << "the highest";
  EXPECT_EQ(curve.at({}), 50);
  EXPECT_EQ(curve.at(std::chrono::seconds(20)), 125) << "a ramp begins at the rate before";
  EXPECT_NEAR(curve.at(std::chrono::milliseconds(37'500)), 150, 1e-9);
  EXPECT_EQ(curve.at(std::chrono::seconds(90)), 10);
  EXPECT_EQ(curve.at(std::chrono::hours(1)), 5) << "the last one goes on";
  EXPECT_EQ(shape_in_words(load),
            "50/s for 10s, to 200/s over 20s, a sine of 100/s by 50/s every 30s for 60s, from 10/s "
            "to 5/s over 500ms, then 5/s");
}

TEST(Shape, OneRateIsNoStage) {
  const LoadSpec load = load_of("    rate: 12.5/s\n");
  EXPECT_TRUE(load.stages.empty());
  EXPECT_EQ(load.curve().at(std::chrono::hours(1)), 12.5);
  EXPECT_EQ(shape_in_words(load), "12.5/s");
}

TEST(Shape, ALoadHasOne) {
  EXPECT_EQ(told("    rate: 5/s\n    stages: [{ rate: 5/s, for: 1s }]\n"),
            (Told{"27:5: error: `load.checkout` has both `rate` and `stages`; a load has one "
                  "shape"}));
  EXPECT_EQ(stages(""), (Told{"26:13: error: `load.checkout.stages`: must not be empty"}));
}

TEST(Shape, AStageIsOneThing) {
  EXPECT_EQ(stages("{ for: 1s }"),
            (Told{"26:14: error: `load.checkout.stages`: a stage has one of `rate`, `to` and "
                  "`sine`"}));
  EXPECT_EQ(stages("{ rate: 5/s, to: 6/s, for: 1s }"),
            (Told{"26:14: error: `load.checkout.stages`: a stage has one of `rate`, `to` and "
                  "`sine`, not two of them"}));
  EXPECT_EQ(stages("{ rate: 5/s, from: 6/s, for: 1s }"),
            (Told{"26:27: error: `load.checkout.stages`: `from` goes with `to`"}));
  EXPECT_EQ(stages("{ rate: 5/s, swing: 1/s, period: 1s, for: 1s }"),
            (Told{"26:27: error: `load.checkout.stages`: `swing` goes with `sine`",
                  "26:39: error: `load.checkout.stages`: `period` goes with `sine`"}));
}

TEST(Shape, AStageHasWhatItNeeds) {
  EXPECT_EQ(stages("{ rate: 5/s }"),
            (Told{"26:14: error: missing `for` in `load.checkout.stages` (a duration like 15s)"}));
  EXPECT_EQ(stages("{ to: 5/s, for: 1s }"),
            (Told{"26:14: error: `load.checkout.stages`: the first stage has no rate before it: "
                  "`to` needs `from` here"}));
  EXPECT_EQ(stages("{ sine: 5/s, period: 1s, for: 1s }"),
            (Told{"26:14: error: `load.checkout.stages`: `sine` needs `swing`"}));
  EXPECT_EQ(stages("{ sine: 5/s, swing: 1/s, for: 1s }"),
            (Told{"26:14: error: `load.checkout.stages`: `sine` needs `period`"}));
  EXPECT_EQ(stages("{ rate: 5/s, for: 1s, by: 2s }"),
            (Told{"26:36: error: unknown key `by` in `load.checkout.stages`; known are: rate, to, "
                  "from, sine, swing, period, for"}));
}

// One mistake is told once, and not what follows from it.
TEST(Shape, ARampBehindAStageThatIsWrongIsNotWrongItself) {
  EXPECT_EQ(stages("{ rate: 5/s, swing: 1/s, for: 1s }, { to: 9/s, for: 1s }"),
            (Told{"26:27: error: `load.checkout.stages`: `swing` goes with `sine`"}));
}

TEST(Shape, StagesLastAYearAtMost) {
  EXPECT_EQ(stages("{ rate: 5/s, for: 366d }, { to: 9/s, for: 1s }"),
            (Told{"26:40: error: `load.checkout.stages`: all stages together are longer than a "
                  "year"}));
}

TEST(Shape, TheRateStaysWithinWhatALoadMayHave) {
  EXPECT_EQ(stages("{ sine: 5/s, swing: 5/s, period: 1s, for: 1s }"),
            (Told{"26:34: error: `load.checkout.stages`: the rate must stay over 0/s: `swing` is "
                  "less than `sine`"}));
  EXPECT_EQ(stages("{ sine: 900000/s, swing: 100001/s, period: 1s, for: 1s }"),
            (Told{"26:39: error: `load.checkout.stages`: the rate may be 1000000/s at most: so "
                  "much is too high"}));
  EXPECT_EQ(stages("{ rate: 1000001/s, for: 1s }"),
            (Told{"26:22: error: `load.checkout.stages.rate`: expected at most 1000000/s, not "
                  "`1000001/s`"}));
  EXPECT_EQ(stages("{ rate: 5/s, for: 0s }"),
            (Told{"26:32: error: `load.checkout.stages.for`: expected 1ms to 366d, not `0s`"}));
}

// The design's drill runs for 46 s at least.
TEST(Shape, TheLeastThatStagesSendIsHeldAgainstTheLimit) {
  const auto with = [](const std::string& rate) {
    auto source =
        with_shape("    stages: [{ rate: " + rate + ", for: 10s }, { rate: 1/s, for: 1s }]\n");
    source.replace(source.find("writes: 50000"), 13, "writes: 1000");
    return told_of(source);
  };
  EXPECT_EQ(with("90/s"), Told{});
  const Told refused = with("200/s");
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_TRUE(refused[0].contains("`limits.writes` is 1000, but load `checkout` sends 20"))
      << refused[0];
}

TEST(Shape, AnRpoIsJudgedByTheLowestRate) {
  auto source = with_shape("    stages: [{ rate: 50/s, for: 10s }, { to: 1/m, for: 20s }]\n");
  source.replace(source.find("rpo: 0s"), 7, "rpo: 9s");
  const Told warned = told_of(source);
  ASSERT_EQ(warned.size(), 1U);
  EXPECT_TRUE(
      warned[0].contains("load `checkout` writes once in 1m: too slow to judge an RPO of "
                         "9s"))
      << warned[0];
}

// The design's playbook with a load of users more, which has no ledger.
std::string with_users(const std::string& users) {
  return edited_design("load:\n",
                       "load:\n  browsing:\n" + users + "    request: \"{front}/orders\"\n");
}
LoadSpec users_of(const std::string& users) {
  const auto loaded = decode_playbook("/drills/p.yaml", with_users(users), {}, test_rows::kRows);
  EXPECT_TRUE(loaded.playbook);
  return loaded.playbook ? *loaded.playbook->load("browsing") : LoadSpec{};
}
Told told_of_users(const std::string& users) { return told_of(with_users(users)); }

TEST(Shape, UsersThinkAndAreSpawned) {
  const LoadSpec load = users_of("    users: 50\n    think: 5s..9s\n    spawn_rate: 10/s\n");
  ASSERT_TRUE(load.users);
  EXPECT_EQ(load.users->users, 50U);
  EXPECT_EQ(load.users->think_least, std::chrono::seconds(5));
  EXPECT_EQ(load.users->think_most, std::chrono::seconds(9));
  EXPECT_EQ(load.users->spawn_rate, 10);
  EXPECT_NEAR(load.rate, 50 / 7.0, 1e-9);
  EXPECT_EQ(shape_in_words(load),
            "50 users in a closed loop, 10 more a second, thinking for 5s to 9s");
}

TEST(Shape, UsersWithOneThinkTimeOrNone) {
  const LoadSpec one = users_of("    users: 1\n    think: 2s\n");
  EXPECT_EQ(one.users->think_least, one.users->think_most);
  EXPECT_EQ(shape_in_words(one), "1 user in a closed loop, thinking for 2s");
  const LoadSpec none = users_of("    users: 600\n");
  EXPECT_EQ(none.users->think_most, Duration{});
  EXPECT_EQ(none.users->spawn_rate, 0);
  EXPECT_EQ(shape_in_words(none), "600 users in a closed loop, without thinking");
  EXPECT_FALSE(load_of("    rate: 5/s\n").users);
}

TEST(Shape, UsersHaveNoScheduleAndNoLedger) {
  EXPECT_EQ(told_of_users("    users: 5\n    rate: 5/s\n"),
            (Told{"26:5: error: `load.browsing` has both `rate` and `users`; a load has one "
                  "shape"}));
  EXPECT_EQ(told_of_users("    users: 5\n    arrivals: poisson\n"),
            (Told{"27:5: error: `arrivals` goes with `rate` or `stages`: users ask when they have "
                  "thought"}));
  EXPECT_EQ(told("    users: 5\n"),
            (Told{"28:5: error: `ledger` goes with `rate` or `stages`: in an outage users write "
                  "nothing, so that how much time was lost could not be told"}));
  EXPECT_EQ(told_of(edited_design("load:\n",
                                  "load:\n  facts:\n    users: 5\n    table: { into: facts }\n")),
            (Told{"26:12: error: `users` speak HTTP by `request`; `table` goes with `rate` or "
                  "`stages`"}));
}

TEST(Shape, ThinkingAndSpawningAreOfUsers) {
  EXPECT_EQ(told("    rate: 5/s\n    think: 5s\n"),
            (Told{"27:5: error: `think` goes with `users`"}));
  EXPECT_EQ(stages("{ rate: 5/s, for: 1s }]\n    spawn_rate: 5/s\n    arrivals: poisson #"),
            (Told{"27:5: error: `spawn_rate` goes with `users`"}));
}

TEST(Shape, UsersStayWithinBounds) {
  EXPECT_EQ(told_of_users("    users: 0\n"),
            (Told{"26:12: error: `load.browsing.users`: expected 1 to 100000, not `0`"}));
  EXPECT_EQ(told_of_users("    users: 100001\n"),
            (Told{"26:12: error: `load.browsing.users`: expected 1 to 100000, not `100001`"}));
  EXPECT_EQ(told_of_users("    users: 5\n    think: 1s..61m\n"),
            (Told{"27:12: error: `load.browsing.think`: expected at most 1h, not `1s..61m`"}));
  EXPECT_EQ(told_of_users("    users: 5\n    think: 9s..5s\n"),
            (Told{"27:12: error: `load.browsing.think`: the second duration is the longer one, "
                  "not `9s..5s`"}));
}

// The design's drill runs for 40 s at least.
TEST(Shape, UsersWhoMayNeverBeThereAreTold) {
  EXPECT_EQ(told_of_users("    users: 300\n    spawn_rate: 10/s\n"), Told{});
  EXPECT_EQ(told_of_users("    users: 3000\n    spawn_rate: 10/s\n"),
            (Told{"25:3: warning: load `browsing` has all of its 3000 users after 299900ms, and "
                  "may have ended before: it is inconclusive then"}));
}

}  // namespace
}  // namespace gameday
