// What a load saw that ran by itself, without a drill: counts, errors by kind, histograms, and each
// second. Memory grows with the seconds, not with the requests.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/load/load.h"
#include "engine/load/summary.h"

namespace gameday {

// Requests that were not answered as expected, by what became of them.
struct ErrorKinds {
  std::map<int, std::uint64_t> by_status;  // answered, with a status that is no success
  std::uint64_t connect = 0;               // no connection
  std::uint64_t timed_out = 0;             // no answer within the timeout
  std::uint64_t cut = 0;                   // the connection ended first, or what came was no answer
  std::uint64_t not_sent = 0;              // we never got to it
  std::uint64_t given_up = 0;              // not answered yet when the load was stopped

  // `gave_up`: it ended because the load was stopped.
  void add(const Sample& sample, Duration timeout, bool gave_up);
  [[nodiscard]] std::uint64_t all() const;
};

struct RunSecond {
  double from_s = 0;  // since the start
  std::uint64_t due = 0, sent = 0, ok = 0, errors = 0;
  double p50_s = 0, p99_s = 0, max_s = 0, send_lag_p99_s = 0;
  bool marked = false;  // we were late ourselves, or the clock jumped
};

struct LoadRun {
  Now started;
  Duration length{};  // in which requests were due
  bool closed = false;
  // Until when it was to go: of an open loop so many requests; of a closed one, none if by time.
  std::optional<std::uint64_t> planned;
  std::uint64_t due = 0, sent = 0, ok = 0;
  std::uint64_t late = 0;  // not on their way within 100 ms
  ErrorKinds errors;
  Histogram response, service;  // in seconds that are not marked
  Histogram send_lag;           // in all
  std::vector<RunSecond> seconds;
  std::vector<Sample> samples;  // where they were to be kept
  std::uint64_t marked = 0;
  std::uint64_t clock_jumps = 0;
  Carried carried;
  bool stopped = false;  // before its time
  std::string problem;   // why it ended by itself; empty: it did not

  // As the summary of a load in a drill has it. What never came to be due counts as late.
  [[nodiscard]] LoadSummary summary(const std::string& name) const;
};

// Told of each second once it is known whether it is marked, in order of time.
using EachSecond = std::function<void(const RunSecond&, const Histogram& response)>;

// Puts the seconds together. A jump of the clock is found out within a second, and marks the second
// of it and the one before: each is held back until that is over.
class RunGatherer {
 public:
  RunGatherer(Instant started, EachSecond each) : started_(started), each_(std::move(each)) {}

  void add(WindowCount window, std::vector<Instant> jumps_so_far);
  // The rest, and all of it into `run`.
  void finish(LoadRun& run, std::vector<Instant> jumps);

 private:
  void settle_first();

  const Instant started_;
  const EachSecond each_;
  std::deque<WindowCount> open_;
  std::vector<Instant> jumps_;
  LoadRun run_;
};

}  // namespace gameday
