// A load by itself: to one server, without a drill, a ledger or a journal. Open as a drill's loads
// are, or closed: as fast as so many connections go, which finds out how much there is and flatters
// every latency.
#pragma once

#include "engine/load/load_run.h"
#include "engine/secrets.h"

namespace gameday {

struct BareTerms {
  LoadRequest request;
  Duration timeout = std::chrono::seconds(1);
  Duration length{};  // how long requests are due; 0: until `most`
  double rate = 0;    // per second; 0: closed
  Arrivals arrivals = Arrivals::constant;
  std::uint64_t seed = 1;
  std::size_t connections = 0;  // at most; 0: as many as the rate wants. A closed one needs some
  std::uint64_t most = 0;       // of a closed one: requests in all; 0: no bound
  bool keeps_samples = false;   // each request too, at 64 bytes or so
};

struct BareWatch {
  std::function<bool()> stop_wanted;  // asked often; true: end soon, with what was measured
  std::function<void(const WindowCount&)> each_window;  // as soon as all of it has ended
  EachSecond each_settled;
};

// So long an answer is waited for once the load was told to stop.
inline constexpr Duration kStopGrace = std::chrono::milliseconds(500);

// Returns when it is over. Whatever is called is called on this thread; the load has its own. An
// error: it did not begin.
[[nodiscard]] Result<LoadRun> run_bare_load(const BareTerms& terms, const Clock& clock,
                                            const Secrets& secrets, const BareWatch& watch);

// Requests of a constant rate that are due in less than `length` from the start.
[[nodiscard]] std::uint64_t due_within(double rate, Duration length);

}  // namespace gameday
