// Samples written down in seconds, for tables of what outages and phases must come out of them.
#pragma once

#include <vector>

#include "engine/load/summary.h"

namespace gameday::made {

inline Instant at(double s) { return Instant(from_seconds(s)); }

// One request due at `due` that was answered `took` later.
inline Sample good(double due, double took = 0.001) {
  return {0, at(due), at(due), at(due + took), SampleOutcome::ok, 200};
}
inline Sample bad(double due, double took = 0.001) {
  return {0, at(due), at(due), at(due + took), SampleOutcome::refused, 503};
}

// Ten a second from `from` up to but without `to`, each answered 10 ms later; those due in
// [bad_from, bad_to) are bad.
inline std::vector<Sample> run(double from, double to, double bad_from = 0, double bad_to = 0) {
  std::vector<Sample> samples;
  for (int tenth = static_cast<int>(from * 10 + 0.5); tenth < static_cast<int>(to * 10 + 0.5);
       ++tenth) {
    const double due = tenth / 10.0;
    const bool is_bad = due > bad_from - 0.001 && due < bad_to - 0.001;
    samples.push_back(is_bad ? bad(due, 0.01) : good(due, 0.01));
    samples.back().seq = samples.size() - 1;
  }
  return samples;
}

inline FaultSpan fault(const std::string& id, double injected, double reverted = -1) {
  FaultSpan span{id, at(injected), at(injected), std::nullopt};
  if (reverted >= 0) span.reverted = at(reverted);
  return span;
}

}  // namespace gameday::made
