// A load as whoever watches sees it: one line, drawn anew each second, on a terminal; elsewhere a
// plain line every ten seconds, which a log keeps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/line.h"
#include "cli/terminal.h"
#include "engine/load/bare_load.h"

namespace gameday {

// What was seen so far.
struct LoadSeen {
  double length_s = 0;     // as planned; 0: until so many requests
  std::uint64_t most = 0;  // of which there are so many; 0: by time
  double passed_s = 0;
  std::uint64_t due = 0, ok = 0, errors = 0;
  std::uint64_t last_sent = 0;  // in the newest second
  double p50_s = 0, p99_s = 0;  // of that second
  bool marked = false;          // that second: we were late ourselves
  std::vector<double> p99s;     // the newest seconds', the newest last
};

[[nodiscard]] std::string load_line(const LoadSeen& seen, const TerminalTerms& terms);

class LoadLive {
 public:
  // `started` is the first second's.
  LoadLive(const BareTerms& terms, const Clock& clock, bool quiet);
  ~LoadLive() { end(); }
  LoadLive(const LoadLive&) = delete;
  LoadLive& operator=(const LoadLive&) = delete;

  void see(const WindowCount& second);
  void end();  // takes the line away

 private:
  const Clock& clock_;
  const bool quiet_;
  std::optional<Terminal> terminal_;
  std::optional<Instant> began_;
  std::uint64_t told_ = 0;  // seconds, when a plain line was written last
  LoadSeen seen_;
};

}  // namespace gameday
