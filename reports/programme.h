// Several drills scored together: what a quarter of them comes to. Here alone evidence expires,
// actions fall overdue, and a letter is given.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/journal/chain.h"
#include "reports/rubric.h"

namespace gameday {

struct ProgrammeJournal {
  std::string named;  // as the caller named it
  LineSource lines;
  std::string problem;  // why its bundle does not verify; empty: it does
};

// {"as_of","rubric_sha256","grade","score","scenarios","actions","unverifiable"}. The newest drill
// of each scenario counts; of several scenarios, the worst result of a criterion. Pure; in which
// order the journals are given makes no difference.
[[nodiscard]] Json programme_of(const std::vector<ProgrammeJournal>& journals, const Rubric& rubric,
                                Utc as_of);

[[nodiscard]] std::string text_programme(const Json& programme);

}  // namespace gameday
