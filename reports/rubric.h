// What a drill is scored by, as data: criteria, weights, gates, grades. A user can replace it; the
// one that is built in is reports/rubric.yaml.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace gameday {

inline constexpr std::size_t kPillars = 5;
struct PillarName {
  std::string_view prefix;  // of its criteria's ids
  std::string_view name;
};
inline constexpr std::array<PillarName, kPillars> kPillarNames{{{"OPS", "operational excellence"},
                                                                {"SEC", "security"},
                                                                {"REL", "reliability"},
                                                                {"PERF", "performance efficiency"},
                                                                {"COST", "cost optimization"}}};

// E0 asserted by a person, E1 configuration read, E2 reported by the tool under test, E3 observed
// by gameday itself, E4 tried what is forbidden and was refused.
inline constexpr int kLevels = 5;

enum class JudgedBy {
  objective,
  restored,
  intact,
  no_surplus,
  drained,
  unattended,
  budget,
  latency_regained,
  on_schedule,
  restraint,
  no_residue,
  no_secrets,
  committed,
  approval,
  acknowledged,
  probe,
  fact,
  owned,
  fresh
};
enum class When { always, after, detects, quiet, informs };

struct Criterion {
  std::string id;  // "REL-1"
  std::size_t pillar = 0;
  std::string title;
  std::string tier;  // required, good, best
  double weight = 0;
  int level = 3;
  JudgedBy judged_by = JudgedBy::probe;
  std::string objective;     // rto, rpo, success_rate, latency: all of that beginning
  std::optional<When> when;  // of a probe
  std::optional<Duration> within, slack;
  double margin = 0;      // of latency_regained and restraint: a share of the baseline
  double most = 0;        // of restraint: attempts for each request that is due
  double calm_per_s = 0;  // of restraint: fewer attempts a second are no storm
  double allowance = 0;   // of budget: a share of 30 days' errors
  std::string fact;       // "backup.encrypted"
  std::vector<std::string> needs;
  std::array<double, kLevels> partial{};  // the score on evidence of a lower level; 0: none
  std::vector<std::string> aws;
};

enum class GateWhen {
  fault_not_proven,
  not_steady_again,
  data_wrong,
  data_lost,
  residue,
  outside_the_plan
};
struct Gate {
  std::string id;
  GateWhen when = GateWhen::residue;
  std::string then;  // no-grade, or the best grade that is left
};
struct Grade {
  std::string grade;
  double floor = 0, coverage = 0, every_pillar = 0;
};

struct Rubric {
  std::string source;  // the file's bytes
  std::string sha256;
  std::string name;
  Duration valid_for{}, fix_within{};
  double most_not_applicable = 0, incomplete_below = 0;
  std::array<double, kPillars> weights{};  // their sum is 1
  std::vector<Criterion> criteria;         // as they stand in the file
  std::vector<Gate> gates;
  std::vector<Grade> grades;  // best first
};

// Nothing, and what is wrong as FILE:LINE:COLUMN with the line.
struct ReadRubric {
  std::optional<Rubric> rubric;
  std::string problems;
};
[[nodiscard]] ReadRubric read_rubric(std::string_view file, std::string source);

[[nodiscard]] std::string_view default_rubric_text();
[[nodiscard]] const Rubric& default_rubric();

}  // namespace gameday
