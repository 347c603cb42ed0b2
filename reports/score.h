// The score of one drill: a pure function of its journal and a rubric. The same lines and the same
// rubric give the same bytes, here and anywhere.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "reports/assessment.h"
#include "reports/score_sum.h"

namespace gameday {

// The rubric that the journal says the drill is scored by; where it says none, the built-in one.
[[nodiscard]] Result<Rubric> rubric_of(const Story& story);

// The `score` of the result document; `result` holds what the drill measured.
[[nodiscard]] Json score_of(const Story& story, const Json& result, const Rubric& rubric);
// Everything not assessed, for a rubric that cannot be read.
[[nodiscard]] Json unassessed_score(const std::string& reason);

// What else the score of a programme goes by.
struct Scored {
  const Criterion* criterion = nullptr;
  Assessment assessment;
  bool waived = false;
};
[[nodiscard]] std::vector<Scored> scored(const Story& story, const Json& result,
                                         const Rubric& rubric);
[[nodiscard]] Json gates_of(const Story& story, const Json& result, const Rubric& rubric);
[[nodiscard]] Json score_document(const std::vector<Scored>& all, Json gates, const Rubric& rubric);

}  // namespace gameday
