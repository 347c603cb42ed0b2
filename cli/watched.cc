#include "cli/watched.h"

#include <algorithm>

namespace gameday {

void WatchedDrill::see(Instant now, std::string_view type, const Json& data) {
  if (type == "window") {
    auto& windows = loads[data.text("load")];
    windows.push_back({static_cast<std::uint64_t>(data.integer("due", 0)),
                       static_cast<std::uint64_t>(data.integer("ok", 0)), data.number("p50_s", 0),
                       data.number("p99_s", 0), data.boolean("marked", false)});
    if (windows.size() > kWindows) windows.pop_front();
  }
  if (type == "sample") {
    probes[data.text("probe")] = {data.boolean("ok", false), data.text("text"),
                                  Instant(Duration(data.integer("end_ns", 0)))};
  }
  if (type == "phase") phase_since = now;
  if (type == "deed") {
    not_after[data.text("deed")] = Instant(Duration(data.integer("not_after_ns", 0)));
  }
}

LoadNow load_now(const std::deque<SeenWindow>& windows, std::size_t last) {
  LoadNow now;
  const std::size_t count = std::min(last, windows.size());
  std::uint64_t due = 0, ok = 0;
  for (std::size_t i = windows.size() - count; i < windows.size(); ++i) {
    due += windows[i].due;
    ok += windows[i].ok;
    // Quantiles of windows do not add up; the worst second is what a person wants to see.
    now.p50_s = std::max(now.p50_s, windows[i].p50_s);
    now.p99_s = std::max(now.p99_s, windows[i].p99_s);
    now.marked = now.marked || windows[i].marked;
  }
  if (count > 0) now.rate = static_cast<double>(due) / static_cast<double>(count);
  if (due > 0) now.success = static_cast<double>(ok) / static_cast<double>(due);
  return now;
}

}  // namespace gameday
