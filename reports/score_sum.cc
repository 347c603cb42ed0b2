#include "reports/score_sum.h"

#include <algorithm>
#include <cmath>

namespace gameday {
namespace {

constexpr double kDust = 1e-9;  // what sums of fractions leave

struct Weights {
  double applicable = 0, assessed = 0, earned = 0, waived = 0;
};

Sum sum_of(const Weights& weights) {
  if (weights.applicable <= 0) return {};
  Sum sum;
  sum.floor = weights.earned / weights.applicable;
  sum.coverage = weights.assessed / weights.applicable;
  sum.ceiling = std::min(1.0, sum.floor + 1 - sum.coverage);
  if (weights.assessed > 0) sum.measured = weights.earned / weights.assessed;
  return sum;
}

bool is_assessed(Outcome outcome) {
  return outcome == Outcome::pass || outcome == Outcome::fail || outcome == Outcome::partial;
}

Sum together(const std::array<Sum, kPillars>& pillars,
             const std::array<double, kPillars>& weights) {
  Sum all{0, 0, 0, {}};
  for (std::size_t i = 0; i < kPillars; ++i) {
    all.floor += weights[i] * pillars[i].floor;
    all.ceiling += weights[i] * pillars[i].ceiling;
    all.coverage += weights[i] * pillars[i].coverage;
  }
  return all;
}

}  // namespace

ScoreSum sum_up(std::span<const Counted> criteria, const Rubric& rubric) {
  std::array<Weights, kPillars> weights;
  for (const auto& one : criteria) {
    Weights& pillar = weights[one.pillar];
    if (one.outcome == Outcome::not_applicable) {
      if (one.waived) pillar.waived += one.weight;
      continue;
    }
    pillar.applicable += one.weight;
    if (!is_assessed(one.outcome)) continue;
    pillar.assessed += one.weight;
    pillar.earned += one.weight * std::clamp(one.score, 0.0, 1.0);
  }
  ScoreSum sum;
  std::array<double, kPillars> alike;
  alike.fill(1.0 / kPillars);
  for (std::size_t i = 0; i < kPillars; ++i) {
    const double whole = weights[i].applicable + weights[i].waived;
    sum.waived_too_much[i] = weights[i].waived > rubric.most_not_applicable * whole + kDust;
    if (!sum.waived_too_much[i]) sum.pillars[i] = sum_of(weights[i]);
  }
  sum.weighted = together(sum.pillars, rubric.weights);
  sum.equal = together(sum.pillars, alike);
  return sum;
}

double points_down(double share) {
  return std::clamp(std::floor(share * 1000 + kDust) / 10, 0.0, 100.0);
}

double points_up(double share) {
  return std::clamp(std::ceil(share * 1000 - kDust) / 10, 0.0, 100.0);
}

double ratio_down(double share) {
  return std::clamp(std::floor(share * 10000 + kDust) / 10000, 0.0, 1.0);
}

}  // namespace gameday
