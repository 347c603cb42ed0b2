// What came out of judging one criterion, and what it goes by. Internal to the score.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "reports/rubric.h"
#include "reports/story.h"

namespace gameday {

enum class Outcome {
  pass,
  fail,
  partial,
  not_assessed,    // never looked at, or no data: earns nothing and stays in the sum
  not_applicable,  // leaves the sum
  invalid          // the drill itself was bad: as not assessed, and listed first
};
[[nodiscard]] std::string_view name_of(Outcome outcome);

struct Assessment {
  Outcome outcome = Outcome::not_assessed;
  double score = 0;  // 0 to 1, of what was assessed
  int level = -1;    // of the evidence; -1: there is none
  std::string reason;
  std::vector<std::uint64_t> evidence;  // numbers of events

  [[nodiscard]] bool assessed() const {
    return outcome == Outcome::pass || outcome == Outcome::fail || outcome == Outcome::partial;
  }
};

[[nodiscard]] Assessment passed(std::string reason, std::vector<std::uint64_t> evidence,
                                int level = 3);
[[nodiscard]] Assessment failed(std::string reason, std::vector<std::uint64_t> evidence,
                                int level = 3);
[[nodiscard]] Assessment unassessed(std::string reason);

// What judging goes by: the journal's story, and the parts of the result that the drill measured.
struct Case {
  const Story& story;
  const Json& result;
};

// Numbers of the events of a type, in order; at most kMostEvidence.
inline constexpr std::size_t kMostEvidence = 20;
[[nodiscard]] std::vector<std::uint64_t> events_of(const Story& story, std::string_view type);

// When the first fault was injected; when the last one was put back. None: never.
[[nodiscard]] std::optional<double> first_fault(const Story& story);
[[nodiscard]] std::optional<double> all_put_back(const Story& story);

// One criterion by the drill's events alone. Whether it applies, whether its evidence is of a
// sufficient level and whether the drill was a valid test is not decided here.
[[nodiscard]] Assessment judged(const Case& drill, const Criterion& criterion);
// The same of the ways that are a file of their own each.
[[nodiscard]] Assessment judged_data(const Case& drill, const Criterion& criterion);
[[nodiscard]] Assessment judged_load(const Case& drill, const Criterion& criterion);
[[nodiscard]] Assessment judged_retries(const Case& drill, const Criterion& criterion);
[[nodiscard]] Assessment judged_probes(const Case& drill, const Criterion& criterion);

// "12 events" in words for reasons, and figures without a locale.
[[nodiscard]] std::string counted(std::int64_t count, std::string_view one, std::string_view many);

}  // namespace gameday
