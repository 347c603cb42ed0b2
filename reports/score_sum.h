// The arithmetic of the score, and nothing else. What was not assessed earns nothing and stays in
// the sum: the floor counts it as failed, the ceiling as passed.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "reports/assessment.h"

namespace gameday {

struct Counted {
  std::size_t pillar = 0;
  double weight = 0;
  Outcome outcome = Outcome::not_assessed;
  double score = 0;
  bool waived = false;  // not applicable by the playbook's word, not for want of a need
};

struct Sum {  // shares, from 0 to 1
  double floor = 0, ceiling = 1, coverage = 0;
  std::optional<double> measured;  // of what was assessed alone; none: nothing was
};
struct ScoreSum {
  std::array<Sum, kPillars> pillars;
  std::array<bool, kPillars> waived_too_much{};  // the pillar counts as not assessed
  Sum weighted, equal;                           // by the rubric's weights; each pillar alike
};

[[nodiscard]] ScoreSum sum_up(std::span<const Counted> criteria, const Rubric& rubric);

// As they are printed: a floor and a coverage are never rounded up, a ceiling never down.
[[nodiscard]] double points_down(double share);
[[nodiscard]] double points_up(double share);
[[nodiscard]] double ratio_down(double share);

}  // namespace gameday
