// What the clients of a link tried again while a fault was on it, as its proxy has counted: how
// many connections for each request that was due, whether they came less often with time, and when
// the link was as busy as before again. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/story.h"

namespace gameday {

// More of a link than this is told as busier than before.
struct Calm {
  double attempts_per_s = 10;     // fewer connections a second are no storm, whatever was before
  double margin = 0.5;            // over the busiest second before the first fault
  double bytes_per_s = 64 << 10;  // beside the margin
};

struct Retries {
  std::string fault, link;
  double lasted_s = 0;                 // the fault, from its injection to when it was seen gone
  double attempts = 0;                 // connections opened in that time
  std::int64_t due = 0;                // requests of all loads in that time
  std::optional<double> early_per_s;   // connections a second in its first two seconds
  std::optional<double> late_per_s;    // in its second half; none: it was over too soon
  bool baseline = false;               // it was looked at for long enough before the first fault
  std::optional<double> busy_after_s;  // how long after the fault the link was busier than before
  double seen_after_s = 0;             // how long it was looked at, until the next fault
  std::vector<std::uint64_t> evidence;

  // Connections for each request that was due; none: none was.
  [[nodiscard]] std::optional<double> amplification() const;
};

// One for each link that a fault was on, in the faults' order.
[[nodiscard]] std::vector<Retries> retries_of(const Story& story, const Calm& calm = {});
// "41 connections in 15 s, 0.01 for each request due; 4.5 a second at first, 1.1 later; ..."
[[nodiscard]] std::string in_words(const Retries& retries);

}  // namespace gameday
