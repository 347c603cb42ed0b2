// Rehearsals: the same bytes for the same seed, and every promise kept whatever fails.
#include "engine/sim/rehearsal.h"

#include "engine/sim/invariants.h"
#include "engine/sim/rehearse_command.h"
#include "tests/engine/sim/sim_playbook.h"

namespace gameday {
namespace {

Rehearsal rehearsed(std::uint64_t seed, const Failures& failures = {},
                    std::string_view timeline = kSimTimeline, const Rows& rows = sim_rows::kRows) {
  RehearsalOptions options;
  options.failures = failures;
  const auto playbook = sim_playbook(timeline);
  auto done = rehearse(playbook, rows, seed, options);
  EXPECT_TRUE(done.has_value());
  for (const auto& [invariant, how] : broken_invariants(*done, *playbook)) {
    ADD_FAILURE() << "seed " << seed << " breaks " << invariant << ": " << how;
  }
  return std::move(*done);
}

std::vector<std::string> samples_of(const Rehearsal& rehearsal) {
  std::vector<std::string> samples;
  for (const auto& line : rehearsal.journal) {
    const auto event = parse_event(line);
    if (event->type == "sample") samples.push_back(event->data.dump());
  }
  return samples;
}

// How many were due in each second, as those who watch are told.
std::vector<std::int64_t> due_a_second(std::string_view shape) {
  std::string head(kSimHead);
  const std::string_view rate = "rate: 10/s";
  head.replace(head.find(rate), rate.size(), shape);
  const auto done = rehearse(sim_playbook(kSimTimeline, head), sim_rows::kRows, 5, {});
  std::vector<std::int64_t> due;
  for (const auto& line : done->journal) {
    const auto event = parse_event(line);
    if (event->type == "window") due.push_back(event->data.integer("due", -1));
  }
  due.resize(5);
  return due;
}

TEST(Rehearsal, OfStagesFollowsTheirShape) {
  using Due = std::vector<std::int64_t>;
  EXPECT_EQ(due_a_second("stages: [{ rate: 4/s, for: 2s }, { to: 16/s, for: 2s }]"),
            (Due{4, 4, 7, 13, 16}));
  // More than is simulated: fewer of them, in the same shape.
  EXPECT_EQ(due_a_second("stages: [{ rate: 100/s, for: 2s }, { rate: 400/s, for: 1s }, "
                         "{ rate: 200/s, for: 1s }]"),
            (Due{5, 5, 20, 10, 10}));
}

// Rehearsed beside the other load; all promises kept.
Rehearsal rehearsed_with_users(std::uint64_t seed, const std::string& shape,
                               bool draw_failures = false) {
  const auto playbook = sim_playbook(kSimTimeline, sim_head_with_users(shape));
  RehearsalOptions options;
  options.draw_failures = draw_failures;
  auto done = rehearse(playbook, sim_rows::kRows, seed, options);
  EXPECT_TRUE(done.has_value());
  for (const auto& [invariant, how] : broken_invariants(*done, *playbook)) {
    ADD_FAILURE() << "seed " << seed << " breaks " << invariant << ": " << how;
  }
  return std::move(*done);
}

const Json& load_of(const Rehearsal& rehearsal, std::string_view name) {
  static const Json kNone;
  for (const auto& load : rehearsal.document.items("load")) {
    if (load.text("name") == name) return load;
  }
  return kNone;
}

TEST(Rehearsal, OfUsersInAClosedLoopPasses) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto done = rehearsed_with_users(seed, "users: 50, think: 1s..4s, spawn_rate: 100/s");
    EXPECT_EQ(done.exit_code, 0) << done.document.pretty();
    const Json& users = load_of(done, "browsing").get("closed_loop");
    EXPECT_EQ(users.integer("users", 0), 50);
    EXPECT_EQ(users.integer("spawned", 0), 50);
    const double rate = load_of(done, "browsing").items("phases").front().number("rate", 0);
    EXPECT_NEAR(rate, 20, 4) << "50 of them who think for 2.5 s";
  }
}

// More than is simulated: no more requests than of other loads.
TEST(Rehearsal, OfVeryManyUsersAsksNoMoreThanItMay) {
  const auto done = rehearsed_with_users(1, "users: 10000");
  const Json& phase = load_of(done, "browsing").items("phases").front();
  EXPECT_GT(phase.number("rate", 0), 10);
  EXPECT_LT(phase.number("rate", 0), 22);
  EXPECT_EQ(load_of(done, "browsing").get("closed_loop").integer("spawned", 0), 10000);
}

TEST(Rehearsal, OfUsersWhoAskTooSeldomIsInconclusive) {
  EXPECT_EQ(rehearsed_with_users(1, "users: 1, think: 5s..6s").exit_code, 6);
}

TEST(Rehearsal, OfUsersWhoAreNotAllThereByTheEndIsInconclusive) {
  const auto done = rehearsed_with_users(1, "users: 50, think: 1s, spawn_rate: 1/s");
  EXPECT_EQ(done.exit_code, 6);
  EXPECT_LT(load_of(done, "browsing").get("closed_loop").integer("spawned", 0), 50);
}

TEST(Rehearsal, OfUsersKeepsEveryPromiseWhateverFails) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    (void)rehearsed_with_users(seed, "users: 40, think: 1s..3s", true);
  }
}

TEST(Rehearsal, PassesWhenNothingFailsButTheFaults) {
  const auto done = rehearsed(1);
  EXPECT_EQ(done.exit_code, 0) << done.document.pretty();
  EXPECT_EQ(done.end, RehearsalEnd::closed);
}

// Also where a write is under way just when the backup is taken.
TEST(Rehearsal, LosesNothingWhenNothingFailsButTheFaults) {
  for (std::uint64_t seed = 100; seed < 300; ++seed) {
    const auto done = rehearsed(seed);
    ASSERT_EQ(done.exit_code, 0) << "seed " << seed << "\n" << done.document.pretty();
  }
}

// One that is a deed: it goes at the end of its step, or however else the drill ends.
TEST(Rehearsal, AScratchCopyIsNeverLeft) {
  for (const auto timeline : {kLanesTimeline, kHeldTimeline}) {
    const auto playbook = sim_playbook(timeline);
    RehearsalOptions options;
    options.draw_failures = true;
    int undone = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
      const auto done = rehearse(playbook, sim_rows::kScratchRows, seed, options);
      ASSERT_TRUE(done.has_value());
      for (const auto& [invariant, how] : broken_invariants(*done, *playbook)) {
        ADD_FAILURE() << "seed " << seed << " breaks " << invariant << ": " << how;
      }
      for (const auto& line : done->journal) {
        const auto event = parse_event(line);
        undone += event->type == "gone" && event->data.text("id") == "looked-at";
      }
    }
    EXPECT_GT(undone, 100);
  }
}

TEST(Rehearsal, OfTheSameSeedHasTheSameBytes) {
  EXPECT_EQ(rehearsed(7).journal, rehearsed(7).journal);
}

TEST(Rehearsal, OfTwoSeedsDiffersInSamplesAndTimes) {
  const auto one = samples_of(rehearsed(7));
  const auto other = samples_of(rehearsed(8));
  ASSERT_GT(one.size(), 5U);
  EXPECT_NE(one, other);
}

TEST(Rehearsal, StartsItsChainFromZero) {
  const auto first = parse_event(rehearsed(3).journal.front());
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->prev, kChainStart);
  EXPECT_EQ(first->type, "planned");
}

class FaultOfOurs : public testing::TestWithParam<DeedFailure> {};

TEST_P(FaultOfOurs, LeavesNothingAndNeverPasses) {
  Failures failures;
  failures.deed = GetParam();
  failures.failing_deed = 1;  // the block, which a lease holds
  const auto done = rehearsed(11, failures);
  EXPECT_NE(done.exit_code, 0);  // and nothing-left was asked above
}
INSTANTIATE_TEST_SUITE_P(Deeds, FaultOfOurs,
                         testing::Values(DeedFailure::not_prepared, DeedFailure::half_done,
                                         DeedFailure::refused, DeedFailure::late,
                                         DeedFailure::hangs, DeedFailure::does_not_bite,
                                         DeedFailure::ends_early));

TEST(Rehearsal, NamesATargetThatVanishedAsResidue) {
  Failures failures;
  failures.deed = DeedFailure::target_vanishes;
  failures.failing_deed = 2;  // the kill
  EXPECT_EQ(rehearsed(11, failures).exit_code, 5);
}

TEST(Rehearsal, TriesAnUndoAgainThatFailsTwice) {
  Failures failures;
  failures.undo_fails = 2;
  failures.failing_undo = 2;
  EXPECT_EQ(rehearsed(11, failures).exit_code, 0);
}

TEST(Rehearsal, EndsWith5WhenAnUndoNeverWorks) {
  Failures failures;
  failures.undo_fails = Failures::kAlways;
  failures.failing_undo = 2;
  const auto done = rehearsed(11, failures);
  EXPECT_EQ(done.exit_code, 5);
  EXPECT_EQ(done.document.items("residue").size(), 1U);
}

TEST(Rehearsal, EndsWith3WithoutASteadyState) {
  Failures failures;
  failures.system_down = Failures::Span{Duration{}, std::chrono::seconds(3)};
  failures.probe_hangs = Failures::Span{Duration{}, std::chrono::seconds(30)};
  const auto done = rehearsed(11, failures);
  EXPECT_TRUE(done.exit_code == 3 || done.exit_code == 4) << done.exit_code;
}

TEST(Rehearsal, IsInconclusiveOnALaggingLoad) {
  Failures failures;
  failures.load_lags = Failures::Span{Duration{}, std::chrono::minutes(1)};
  EXPECT_EQ(rehearsed(11, failures).exit_code, 6);
}

TEST(Rehearsal, FailsWhenWritesAreLost) {
  Failures failures;
  failures.loses_writes = 3;
  const auto done = rehearsed(11, failures, kOpenTimeline);
  EXPECT_GT(done.missing, 0U);
  EXPECT_EQ(done.exit_code, 1);
}

class BackupOfOurs : public testing::TestWithParam<BackupFailure> {};
TEST_P(BackupOfOurs, IsFoundOut) {
  Failures failures;
  failures.backup = GetParam();
  const auto done = rehearsed(11, failures);
  EXPECT_TRUE(done.exit_code == 1 || done.exit_code == 5) << done.exit_code;
}
INSTANTIATE_TEST_SUITE_P(Backups, BackupOfOurs,
                         testing::Values(BackupFailure::fails, BackupFailure::corrupt,
                                         BackupFailure::vacuous));

TEST(Rehearsal, OfLanesAndPeopleHasTheSameBytes) {
  const auto one = rehearsed(7, {}, kLanesTimeline);
  EXPECT_EQ(one.exit_code, 0) << one.document.pretty();
  EXPECT_EQ(one.journal, rehearsed(7, {}, kLanesTimeline).journal);
}

class PeopleOfOurs : public testing::TestWithParam<std::pair<PeopleFailure, int>> {};
TEST_P(PeopleOfOurs, AreWaitedForAndNoLonger) {
  Failures failures;
  failures.people = GetParam().first;
  EXPECT_EQ(rehearsed(11, failures, kLanesTimeline).exit_code, GetParam().second);
}
INSTANTIATE_TEST_SUITE_P(People, PeopleOfOurs,
                         testing::Values(std::pair{PeopleFailure::silent, 3},
                                         std::pair{PeopleFailure::refuse, 3},
                                         std::pair{PeopleFailure::operator_alone, 3},
                                         std::pair{PeopleFailure::twice, 0}));

TEST(Rehearsal, LeavesNothingOfALaneWhereverTheRunnerDies) {
  for (std::uint64_t at = 1; at < 120; at += 4) {
    Failures failures;
    failures.runner = {at, at % 8 == 1};
    failures.guardian_dies_too = at % 3 == 0;
    (void)rehearsed(40 + at, failures, kLanesTimeline);
  }
}

TEST(Rehearsal, LeavesNothingWhereTheDeedsOfTwoLanesHang) {
  for (std::size_t deed = 1; deed < 7; ++deed) {
    Failures failures;
    failures.deed = DeedFailure::hangs;
    failures.failing_deed = deed;
    failures.next_deed_too = true;
    failures.stops = {20, 24};
    EXPECT_NE(rehearsed(50 + deed, failures, kLanesTimeline).exit_code, 0);
  }
}

TEST(Rehearsal, LeavesNothingWhereverTheRunnerDies) {
  for (std::uint64_t at = 1; at < 90; at += 6) {
    Failures failures;
    failures.runner = {at, at % 2 == 0};
    const auto done = rehearsed(20 + at, failures, kSimTimeline, sim_rows::kForGoodRows);
    EXPECT_TRUE(done.exit_code == 0 || done.exit_code == 4) << "at " << at;
  }
}

// Done, and not closed yet: clients have written to what was restored.
bool broke_off_in_restore(const Rehearsal& rehearsal) {
  bool open = false;
  for (const auto& line : rehearsal.journal) {
    const auto event = parse_event(line);
    if (event->type == "injected" && event->data.text("kind") == "restore") open = true;
    if (event->type == "superseded") open = false;
  }
  return open;
}

TEST(Rehearsal, KeepsBothWhereTheRunnerDiesWhileItAsksWhetherAFaultCameBack) {
  for (std::uint64_t at = 1; at < 90; at += 6) {
    Failures failures;
    failures.runner = {at, at % 2 == 0};
    const auto done = rehearsed(20 + at, failures);
    const bool kept_both = done.exit_code == 5 && broke_off_in_restore(done);
    EXPECT_TRUE(done.exit_code == 0 || done.exit_code == 4 || kept_both) << "at " << at;
  }
}

TEST(Rehearsal, LeavesNothingWhereBothDieAndRevertRunsTwice) {
  for (std::uint64_t at = 3; at < 90; at += 9) {
    Failures failures;
    failures.runner = {at, at % 2 == 0};
    failures.guardian_dies_too = true;
    failures.revert = {2, true};
    (void)rehearsed(20 + at, failures);
  }
}

TEST(Rehearsal, FencesARunnerThatWakesUpAgain) {
  Failures failures;
  failures.freeze = {18, std::chrono::seconds(10), true};
  const auto done = rehearsed(11, failures);
  EXPECT_EQ(done.end, RehearsalEnd::fenced);
  EXPECT_TRUE(done.taken_over.has_value());
}

TEST(Rehearsal, KeepsEveryPromiseWhateverFails) {
#ifdef __OPTIMIZE__
  constexpr std::uint64_t kSeeds = 2000;
#else
  constexpr std::uint64_t kSeeds = 100;  // an unoptimised build takes ten times as long
#endif
  const SimPlaybooks playbooks;
  RehearsalOptions options;
  options.draw_failures = true;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto& playbook = playbooks.of(seed);
    const auto done = rehearse(playbook, sim_rows::kRows, seed, options);
    ASSERT_TRUE(done.has_value());
    for (const auto& [invariant, how] : broken_invariants(*done, *playbook)) {
      ADD_FAILURE() << "seed " << seed << " breaks " << invariant << ": " << how << " ["
                    << done->failures.told << "]";
    }
  }
}

TEST(RehearseCommand, GivesTheDocumentWithTheJournalsHead) {
  RehearseTerms terms;
  terms.playbook = sim_playbook();
  terms.seed = 5;
  const auto done = rehearse_seeds(terms, sim_rows::kRows);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->exit_code, 0);
  EXPECT_EQ(done->document.integer("seed", 0), 5);
  const std::string head = done->document.get("evidence").text("head");
  ASSERT_EQ(done->files.front().first, "journal.jsonl");
  EXPECT_NE(done->files.front().second.find(head), std::string::npos);
  EXPECT_GT(done->document.integer("events", 0), 20);
}

TEST(RehearseCommand, RehearsesSeveralSeedsInARow) {
  RehearseTerms terms;
  terms.playbook = sim_playbook();
  terms.count = 3;
  const auto done = rehearse_seeds(terms, sim_rows::kRows);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->document.items("rehearsals").size(), 3U);
  EXPECT_TRUE(done->files.empty());
}

}  // namespace
}  // namespace gameday
