// What a person who watches a drill is shown beside its state: the last windows of each load, the
// last answer of each probe, when the guardian would undo a deed.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/time.h"

namespace gameday {

struct SeenWindow {  // of one second
  std::uint64_t due = 0, ok = 0;
  double p50_s = 0, p99_s = 0;
  bool marked = false;  // we were late, not the system
};

struct SeenAnswer {
  bool ok = false;
  std::string text;
  Instant end;
};

struct WatchedDrill {
  static constexpr std::size_t kWindows = 120;

  std::map<std::string, std::deque<SeenWindow>> loads;  // oldest first
  std::map<std::string, SeenAnswer> probes;
  std::map<std::string, Instant> not_after;  // by a deed's mark
  Instant phase_since;

  void see(Instant now, std::string_view type, const Json& data);
};

// The last windows of a load, taken together.
struct LoadNow {
  double rate = 0;     // due per second
  double success = 1;  // of those due
  double p50_s = 0, p99_s = 0;
  bool marked = false;
};
[[nodiscard]] LoadNow load_now(const std::deque<SeenWindow>& windows, std::size_t last);

}  // namespace gameday
