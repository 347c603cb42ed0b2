#include "engine/load/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/load/made_samples.h"

namespace gameday {
namespace {

using made::at;

constexpr std::uint64_t kSeed = 7;
constexpr const char* kDrill = "01DRILL";

std::string key(std::uint64_t seq) { return ledger_key(kDrill, "checkout", seq); }
std::string digest(std::uint64_t seq) { return ledger_digest(key(seq), kSeed); }

// Write `seq` is due at seq seconds and ends 0.5 s later.
Sample write(std::uint64_t seq, SampleOutcome outcome = SampleOutcome::ok) {
  const auto due = static_cast<double>(seq);
  return {seq, at(due), at(due), at(due + 0.5), outcome, 0};
}

// A ledger whose writes are judged against what was read back.
struct Case {
  std::vector<Sample> samples;
  ReadBack read;
  LedgerTerms terms;
  std::vector<std::string> told;

  explicit Case(std::uint64_t writes) {
    for (std::uint64_t i = 0; i < writes; ++i) samples.push_back(write(i));
    for (std::uint64_t i = 0; i < writes; ++i) read.listed.push_back({key(i), digest(i)});
    read.has_list = true;
    terms.load = "checkout";
    terms.drill = kDrill;
    terms.seed = kSeed;
    terms.rate = 1;
    terms.load_started = at(-1);
  }
  void gone(std::uint64_t seq) {
    std::erase_if(read.listed, [&](const ReadRow& row) { return row.key == key(seq); });
    read.by_key[key(seq)] = {};
  }
  void becomes(std::uint64_t seq, SampleOutcome outcome) { samples[seq].outcome = outcome; }
  void holds(std::uint64_t seq, const std::string& other) {
    for (auto& row : read.listed) {
      if (row.key == key(seq)) row.digest = other;
    }
  }
  LedgerSummary judged() {
    told.clear();
    return classify(samples, read, terms, [&](std::string_view k, std::string_view found) {
      told.push_back(std::string(found) + " " + std::string(k));
    });
  }
};
using Told = std::vector<std::string>;

TEST(LedgerKey, NamesDrillLoadAndPlace) {
  EXPECT_EQ(ledger_key("01J", "checkout", 123), "01J-checkout-000123");
  EXPECT_EQ(ledger_key("01J", "checkout", 12345678), "01J-checkout-12345678");
}

TEST(LedgerKey, ItsDigestDependsOnKeyAndSeed) {
  // As sha256sum has it of "01J-checkout-000123:7".
  EXPECT_EQ(ledger_digest("01J-checkout-000123", 7), "7f33f1602603ecb105a860d1f715ac3f");
  EXPECT_NE(ledger_digest("01J-checkout-000123", 7), ledger_digest("01J-checkout-000123", 8));
  EXPECT_NE(ledger_digest("01J-checkout-000123", 7), ledger_digest("01J-checkout-000124", 7));
}

TEST(Classify, WhatIsThereOnceWithItsDigestIsPresent) {
  Case c(5);
  const auto s = c.judged();
  EXPECT_EQ(s.acknowledged, 5U);
  EXPECT_EQ(s.present, 5U);
  EXPECT_EQ(s.lost + s.stale + s.duplicate + s.corrupt + s.recovered + s.absent_unknown, 0U);
  EXPECT_EQ(s.phantom, 0U);
  EXPECT_EQ(s.resurrected, 0U);
  EXPECT_TRUE(s.read_back);
  EXPECT_TRUE(c.told.empty());
  EXPECT_TRUE(s.examples.empty());
  EXPECT_EQ(s.rpo_s.resolution, 1.0);
}

// Up to the disaster at 2 s they were due every half second, and the one that is lost every ten.
TEST(Classify, TheResolutionIsThatOfTheTimeThatWasLost) {
  Case c(5);
  c.terms.load_started = at(0);
  c.terms.rate = RateCurve({{.from = 0.1, .to = 0.1, .length = std::chrono::seconds(1)},
                            {.from = 2, .to = 2, .length = std::chrono::seconds(9)}});
  c.terms.disaster = at(3);
  EXPECT_EQ(c.judged().rpo_s.resolution, 0.5);
  c.gone(1);
  c.gone(2);
  EXPECT_EQ(c.judged().rpo_s.worst, 2.0);
  EXPECT_EQ(c.judged().rpo_s.resolution, 0.5);
  c.gone(0);
  EXPECT_EQ(c.judged().rpo_s.resolution, 10.0);
}

TEST(Classify, AnAcknowledgedWriteThatIsNotThereIsLost) {
  Case c(5);
  c.gone(2);
  const auto s = c.judged();
  EXPECT_EQ(s.lost, 1U);
  EXPECT_EQ(s.present, 4U);
  EXPECT_EQ(c.told, Told{"lost " + key(2)});
  EXPECT_EQ(s.examples, Told{"lost " + key(2)});
}

TEST(Classify, AnUnknownWriteIsRecoveredOrAbsentNeverLost) {
  Case c(5);
  c.becomes(1, SampleOutcome::unknown);
  c.becomes(2, SampleOutcome::unknown);
  c.gone(2);
  const auto s = c.judged();
  EXPECT_EQ(s.unknown, 2U);
  EXPECT_EQ(s.acknowledged, 3U);
  EXPECT_EQ(s.recovered, 1U);
  EXPECT_EQ(s.absent_unknown, 1U);
  EXPECT_EQ(s.lost, 0U);
  EXPECT_EQ(c.told, (Told{"recovered " + key(1), "absent_unknown " + key(2)}));
  EXPECT_TRUE(s.examples.empty());
}

TEST(Classify, WhatWasRefusedOrNotSentIsMissedByNobody) {
  Case c(5);
  c.becomes(1, SampleOutcome::refused);
  c.becomes(2, SampleOutcome::not_sent);
  c.gone(1);
  c.gone(2);
  c.read.by_key.clear();
  const auto s = c.judged();
  EXPECT_TRUE(s.read_back);
  EXPECT_EQ(s.acknowledged, 3U);
  EXPECT_EQ(s.present, 3U);
  EXPECT_TRUE(c.told.empty());
}

TEST(Classify, ARefusedWriteThatIsThereAnywayIsRecovered) {
  Case c(2);
  c.becomes(1, SampleOutcome::refused);
  EXPECT_EQ(c.judged().recovered, 1U);
}

TEST(Classify, ADigestThatWeNeverMadeIsCorrupt) {
  Case c(5);
  c.holds(3, std::string(32, 'f'));
  const auto s = c.judged();
  EXPECT_EQ(s.corrupt, 1U);
  EXPECT_EQ(s.present, 4U);
  EXPECT_EQ(s.rpo_s.worst, 0.0);
  EXPECT_EQ(c.told, Told{"corrupt " + key(3)});
}

TEST(Classify, ARowWithoutADigestIsCorruptOnceItWasReadByKey) {
  Case c(2);
  c.holds(1, "");
  c.read.by_key[key(1)] = {""};
  EXPECT_EQ(c.judged().corrupt, 1U);
  c.read.by_key[key(1)] = {digest(1)};
  EXPECT_EQ(c.judged().present, 2U);
}

TEST(Classify, TheDigestOfAnEarlierWriteIsStaleOfALaterOneCorrupt) {
  Case c(5);
  c.holds(3, digest(1));
  EXPECT_EQ(c.judged().stale, 1U);
  EXPECT_EQ(c.told, Told{"stale " + key(3)});
  EXPECT_GT(c.judged().rpo_s.best, 0.0);
  c.holds(3, digest(4));
  EXPECT_EQ(c.judged().corrupt, 1U);
  EXPECT_EQ(c.judged().stale, 0U);
}

TEST(Classify, AKeyListedTwiceIsADuplicate) {
  Case c(5);
  c.read.listed.push_back({key(3), digest(3)});
  c.read.listed.push_back({key(3), digest(3)});
  const auto s = c.judged();
  EXPECT_EQ(s.duplicate, 1U);
  EXPECT_EQ(s.present, 4U);
  EXPECT_EQ(c.told, Told{"duplicate " + key(3)});
}

TEST(Classify, ADoubleWithAnotherDigestIsCorruptFirst) {
  Case c(5);
  c.read.listed.push_back({key(3), "different"});
  EXPECT_EQ(c.judged().corrupt, 1U);
  EXPECT_EQ(c.judged().duplicate, 0U);
}

TEST(Classify, AListedKeyThatWasNeverIntendedIsAPhantom) {
  Case c(5);
  for (const char* row : {"01DRILL-checkout-000009", "01DRILL-checkout-9", "01DRILL-checkout-x"}) {
    c.read.listed.push_back({row, "d"});
    c.read.listed.push_back({row, "d"});
  }
  EXPECT_EQ(c.judged().phantom, 3U);
  EXPECT_EQ(c.told.front(), "phantom 01DRILL-checkout-000009");
}

TEST(Classify, RowsOfOthersAreNoPhantoms) {
  Case c(2);
  for (const char* row : {"01OTHER-checkout-000009", "01DRILL-checkout-b-000001",
                          "01DRILL-browse-000001", "customer-4711"}) {
    c.read.listed.push_back({row, "d"});
  }
  EXPECT_EQ(c.judged().phantom, 0U);
}

TEST(Classify, AnIntendedWriteThatTheRunnerDidNotLiveToRecordIsRecovered) {
  Case c(5);
  c.terms.intended = 10;
  c.read.listed.push_back({key(9), digest(9)});
  c.read.listed.push_back({key(10), digest(10)});
  const auto s = c.judged();
  EXPECT_EQ(s.recovered, 1U);
  EXPECT_EQ(s.phantom, 1U);
}

TEST(Classify, ADeletedWriteThatIsThereIsResurrectedAndOneThatIsGoneIsNotLost) {
  Case c(5);
  c.terms.deleted = {key(1), key(2)};
  c.gone(2);
  const auto s = c.judged();
  EXPECT_EQ(s.resurrected, 1U);
  EXPECT_EQ(s.lost, 0U);
  EXPECT_EQ(c.told, Told{"resurrected " + key(1)});
}

TEST(Classify, WithoutAListPhantomAndResurrectedAreNotAssessed) {
  Case c(2);
  c.read = {};
  c.read.by_key = {{key(0), {digest(0)}}, {key(1), {}}};
  const auto s = c.judged();
  EXPECT_FALSE(s.phantom);
  EXPECT_FALSE(s.resurrected);
  EXPECT_EQ(s.present, 1U);
  EXPECT_EQ(s.lost, 1U);
  EXPECT_TRUE(s.read_back);
}

TEST(Classify, AKeyThatNobodyAskedForMakesItNotReadBack) {
  Case c(3);
  c.read.listed.pop_back();
  const auto s = c.judged();
  EXPECT_FALSE(s.read_back);
  EXPECT_EQ(s.lost, 0U);
  EXPECT_NE(s.problem.find(key(2)), std::string::npos);
}

TEST(Classify, WhoeverIsAskedForTheKeyItselfCountsForMoreThanTheList) {
  Case c(3);
  c.read.by_key[key(1)] = {};
  EXPECT_EQ(c.judged().lost, 1U);
}

TEST(Classify, GivesTwentyExamplesOfAClass) {
  Case c(30);
  for (std::uint64_t i = 0; i < 30; ++i) c.gone(i);
  const auto s = c.judged();
  EXPECT_EQ(s.lost, 30U);
  EXPECT_EQ(s.examples.size(), 20U);
  EXPECT_EQ(c.told.size(), 30U);
}

TEST(Classify, EveryWriteIsInOneClass) {
  Case c(8);
  c.gone(0);
  c.holds(1, "other");
  c.holds(2, digest(0));
  c.read.listed.push_back({key(3), digest(3)});
  c.becomes(4, SampleOutcome::unknown);
  c.becomes(5, SampleOutcome::unknown);
  c.gone(5);
  const auto s = c.judged();
  EXPECT_EQ(s.present + s.lost + s.corrupt + s.stale + s.duplicate + s.recovered + s.absent_unknown,
            8U);
  EXPECT_EQ(s.acknowledged + s.unknown, 8U);
}

// The recovery point. Write n is acknowledged at n + 0.5; the load started at -1.
TEST(Rpo, IsZeroWhereNothingIsLostOrStale) {
  Case c(10);
  c.terms.disaster = at(5);
  EXPECT_EQ(c.judged().rpo_s.best, 0.0);
  EXPECT_EQ(c.judged().rpo_s.worst, 0.0);
}

TEST(Rpo, RunsFromTheLastAcknowledgementOfThePrefixToTheLastBeforeTheDisaster) {
  Case c(20);
  for (std::uint64_t i = 6; i <= 9; ++i) c.gone(i);
  c.terms.disaster = at(12.1);  // the last acknowledgement before is at 11.5
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 11.5 - 5.5);
  c.terms.disaster = at(10);  // ... at 9.5
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 4.0);
}

TEST(Rpo, ReachesBackToTheStartWhereTheFirstWriteIsLost) {
  Case c(10);
  c.gone(0);
  c.terms.disaster = at(1);
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 1.5);
}

TEST(Rpo, ALossAcknowledgedAfterTheDisasterMovesItThere) {
  Case c(20);
  c.gone(6);
  c.gone(15);
  c.terms.disaster = at(10);
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 15.5 - 5.5);
}

TEST(Rpo, WithoutADisasterEndsAtTheLastLoss) {
  Case c(20);
  c.gone(6);
  c.gone(8);
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 8.5 - 5.5);
}

TEST(Rpo, CountsInOrderOfCompletionNotOfSending) {
  Case c(10);
  c.samples[2].end = at(20);  // sent early, acknowledged last
  c.gone(2);
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 20 - 9.5);
}

TEST(Rpo, StaleCountsAsLostCorruptDoesNot) {
  Case c(10);
  c.holds(5, digest(1));
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 1.0);
  c.holds(5, "corrupt");
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 0.0);
}

TEST(Rpo, TheWorstCaseCountsAbsentUnknownsAsLost) {
  Case c(20);
  c.becomes(4, SampleOutcome::unknown);
  c.gone(4);
  c.gone(8);
  c.terms.disaster = at(9);
  const auto s = c.judged();
  EXPECT_DOUBLE_EQ(s.rpo_s.best, 8.5 - 7.5);
  EXPECT_DOUBLE_EQ(s.rpo_s.worst, 8.5 - 3.5);
}

TEST(Rpo, AnUnknownThatIsThereWorsensNothing) {
  Case c(20);
  c.becomes(4, SampleOutcome::unknown);
  c.terms.disaster = at(9);
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.worst, 0.0);
}

TEST(Rpo, ATailLossHasNoHole) {
  Case c(20);
  for (std::uint64_t i = 6; i <= 9; ++i) c.gone(i);
  c.terms.disaster = at(10);  // what survived later was written to the restored copy
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.hole, 0.0);
}

TEST(Rpo, SurvivorsAmongTheLostMakeAHole) {
  Case c(20);
  for (const std::uint64_t i : {5U, 6U, 9U}) c.gone(i);
  c.terms.disaster = at(10);
  // 7 and 8 survived: the hole is from the acknowledgement of 4 to that of 6.
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.hole, 2.0);
}

TEST(Rpo, ASingleWriteMissingInTheMiddleIsAHole) {
  Case c(20);
  c.gone(5);
  c.terms.disaster = at(10);
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.hole, 1.0);
  EXPECT_DOUBLE_EQ(c.judged().rpo_s.best, 9.5 - 4.5);
}

}  // namespace
}  // namespace gameday
