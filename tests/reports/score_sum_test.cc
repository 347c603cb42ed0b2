// The arithmetic of the score, by its properties: on thousands of drawn assessments.
#include "reports/score_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace gameday {
namespace {

constexpr int kRounds = 3000;
constexpr double kDust = 1e-9;

class ScoreSumProperties : public testing::Test {
 protected:
  std::mt19937 random_{20261122};

  int below(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }

  Counted one() {
    const auto outcome = static_cast<Outcome>(below(6));
    const double score = outcome == Outcome::pass      ? 1
                         : outcome == Outcome::partial ? below(100) / 100.0
                                                       : 0;
    return {static_cast<std::size_t>(below(5)), 1.0 + below(3), outcome, score, below(4) == 0};
  }
  std::vector<Counted> some() {
    std::vector<Counted> all;
    for (int i = below(40); i >= 0; --i) all.push_back(one());
    return all;
  }
};

void expect_bounded(const Sum& sum) {
  EXPECT_GE(sum.floor, -kDust);
  EXPECT_LE(sum.floor, sum.ceiling + kDust);
  EXPECT_LE(sum.ceiling, 1 + kDust);
  EXPECT_GE(sum.coverage, -kDust);
  EXPECT_LE(sum.coverage, 1 + kDust);
  if (!sum.measured) return;
  EXPECT_LE(sum.floor, *sum.measured + kDust);
  EXPECT_GE(sum.ceiling, *sum.measured - kDust);
}

TEST_F(ScoreSumProperties, StaysBetweenNoneAndAll) {
  for (int round = 0; round < kRounds; ++round) {
    const auto sum = sum_up(some(), default_rubric());
    expect_bounded(sum.weighted);
    expect_bounded(sum.equal);
    for (const auto& pillar : sum.pillars) expect_bounded(pillar);
  }
}

TEST_F(ScoreSumProperties, APassInsteadOfAFailNeverLowersIt) {
  int changed = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto all = some();
    const auto before = sum_up(all, default_rubric());
    auto& one = all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
    if (one.outcome != Outcome::fail && one.outcome != Outcome::partial) continue;
    ++changed;
    one.outcome = Outcome::pass;
    one.score = 1;
    const auto after = sum_up(all, default_rubric());
    EXPECT_GE(after.weighted.floor, before.weighted.floor - kDust);
    EXPECT_GE(after.weighted.ceiling, before.weighted.ceiling - kDust);
    EXPECT_NEAR(after.weighted.coverage, before.weighted.coverage, kDust);
    EXPECT_GE(after.equal.floor, before.equal.floor - kDust);
  }
  EXPECT_GT(changed, 500);
}

TEST_F(ScoreSumProperties, ABlankNeverHelps) {
  int changed = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto all = some();
    const auto before = sum_up(all, default_rubric());
    auto& one = all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
    if (one.outcome == Outcome::not_applicable) continue;
    ++changed;
    one.outcome = below(2) == 0 ? Outcome::not_assessed : Outcome::invalid;
    const auto after = sum_up(all, default_rubric());
    EXPECT_LE(after.weighted.floor, before.weighted.floor + kDust);
    EXPECT_LE(after.weighted.coverage, before.weighted.coverage + kDust);
    EXPECT_LE(after.equal.floor, before.equal.floor + kDust);
  }
  EXPECT_GT(changed, 500);
}

TEST_F(ScoreSumProperties, TheOrderOfCriteriaMakesNoDifference) {
  for (int round = 0; round < kRounds; ++round) {
    auto all = some();
    const auto before = sum_up(all, default_rubric());
    std::ranges::shuffle(all, random_);
    const auto after = sum_up(all, default_rubric());
    EXPECT_EQ(points_down(before.weighted.floor), points_down(after.weighted.floor));
    EXPECT_EQ(points_up(before.weighted.ceiling), points_up(after.weighted.ceiling));
    EXPECT_EQ(ratio_down(before.weighted.coverage), ratio_down(after.weighted.coverage));
  }
}

TEST(ScoreSum, ByHand) {
  // Weights 3 and 2 assessed, one of them passed; 1 not assessed: 3/6, 5/6, 4/6.
  const Counted all[] = {{2, 3, Outcome::pass, 1, false},
                         {2, 2, Outcome::fail, 0, false},
                         {2, 1, Outcome::not_assessed, 0, false},
                         {2, 9, Outcome::not_applicable, 0, false}};
  const auto sum = sum_up(all, default_rubric());
  EXPECT_DOUBLE_EQ(sum.pillars[2].floor, 3.0 / 6);
  EXPECT_DOUBLE_EQ(sum.pillars[2].coverage, 5.0 / 6);
  EXPECT_DOUBLE_EQ(sum.pillars[2].ceiling, 4.0 / 6);
  EXPECT_DOUBLE_EQ(*sum.pillars[2].measured, 3.0 / 5);
  EXPECT_FALSE(sum.pillars[0].measured);
  EXPECT_DOUBLE_EQ(sum.weighted.floor, 0.40 * 3 / 6);
  EXPECT_DOUBLE_EQ(sum.weighted.ceiling, 0.40 * 4 / 6 + 0.60);
  EXPECT_DOUBLE_EQ(sum.equal.floor, 0.20 * 3 / 6);
}

TEST(ScoreSum, APillarThatIsWaivedTooMuchIsNotAssessed) {
  std::vector<Counted> all{{1, 3, Outcome::pass, 1, false},
                           {1, 1, Outcome::not_applicable, 0, true}};
  EXPECT_DOUBLE_EQ(sum_up(all, default_rubric()).pillars[1].floor, 1);  // a quarter may be
  all.push_back({1, 1, Outcome::not_applicable, 0, true});
  const auto sum = sum_up(all, default_rubric());
  EXPECT_TRUE(sum.waived_too_much[1]);
  EXPECT_DOUBLE_EQ(sum.pillars[1].floor, 0);
  EXPECT_DOUBLE_EQ(sum.pillars[1].coverage, 0);
  EXPECT_FALSE(sum.pillars[1].measured);
  // What the system has none of is no waiver.
  all.back().waived = false;
  EXPECT_FALSE(sum_up(all, default_rubric()).waived_too_much[1]);
}

TEST(ScoreSum, IsNeverRoundedInItsOwnFavour) {
  EXPECT_EQ(points_down(0.89999), 89.9);
  EXPECT_EQ(points_up(0.50001), 50.1);
  EXPECT_EQ(ratio_down(0.99999), 0.9999);
  EXPECT_EQ(points_down(0.1 + 0.2), 30.0);
  EXPECT_EQ(points_up(0.1 + 0.2), 30.0);
}

}  // namespace
}  // namespace gameday
