// What a load saw, summed up: phases, outages, recovery and ledger. Pure functions of samples and
// of the spans in which faults were open; the same for a drill, a rehearsal and a report made
// later.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/load/sample.h"

namespace gameday {

// A fault's life, as the conductor knows it.
struct FaultSpan {
  std::string id;
  Instant injected;
  std::optional<Instant> proven;
  std::optional<Instant> reverted;  // proven gone, or superseded; none: still open
};

// An outage: a maximal interval without sustained success. `hi` and `lo` bound the time to recover:
// hi = end of the first sustained good - due of the last good before the first bad;
// lo = max(0, due of the last bad - end of the first bad).
struct Outage {
  std::vector<std::string> faults;  // open at its start, or reverted less than `hold` before
  Instant from;               // due of the last good before the first bad (else of the first bad)
  std::optional<Instant> to;  // end of the first sustained good; none: not over when the load ended
  Duration lo{};
  Duration hi{};  // until the last sample's end where it is not over
};

// Samples in order of due time (a probe's: of start). A success is sustained when no sample whose
// due time lies in the `hold` after it is bad, and the samples reach that far.
[[nodiscard]] std::vector<Outage> outages_in(std::span<const Sample> samples, Duration hold,
                                             std::span<const FaultSpan> faults);

struct Quantiles {  // seconds; zeros where nothing was counted
  double p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;
};

struct PhaseSummary {
  std::string phase;  // "steady", or the id of the newest fault open (or of the outage's fault)
  std::uint64_t due = 0, sent = 0, ok = 0, errors = 0;
  double rate = 0;      // due per second of the phase's time
  Quantiles latency_s;  // from due to end, over all due in windows that are not marked
  double send_lag_p99_s = 0;
  std::uint64_t windows = 0, marked = 0;  // of one second; marked: we were late, not the system
  std::uint64_t late = 0;                 // due, but not sent within 100 ms of the due time
  // false when fewer than 95 % were sent within 100 ms of their due time, or over 5 % are marked.
  bool valid = true;
};

struct LoadSummary {
  std::string load;
  std::vector<PhaseSummary> phases;
  std::vector<Outage> outages;
  Instant started, ended;
  std::uint64_t clock_jumps = 0;
};

struct LoadWindow {    // what the summary of a load counts over
  Instant first_step;  // `steady` counts from here
  Instant end;
};
[[nodiscard]] LoadSummary summarise(const std::string& load, std::span<const Sample> samples,
                                    Duration hold, std::span<const FaultSpan> faults,
                                    const LoadWindow& window);

// The nine classes of a ledger (what each means: ledger.h), and the recovery point.
struct RpoSummary {
  double best = 0, worst = 0;  // seconds; worst counts every absent unknown as lost
  double hole = 0;             // extent of lost writes before the newest survivor
  double resolution = 0;       // 1/rate
};
struct LedgerSummary {
  std::string load;
  std::uint64_t acknowledged = 0, unknown = 0;
  std::uint64_t present = 0, lost = 0, stale = 0, duplicate = 0, corrupt = 0, recovered = 0,
                absent_unknown = 0;
  std::optional<std::uint64_t> phantom, resurrected;  // none: not assessed
  RpoSummary rpo_s;
  bool read_back = false;  // every key was read to an answer; false: `problem` says why not
  std::string problem;
  std::vector<std::string> examples;  // up to 20 keys of each class that is a finding: "lost KEY"
};

[[nodiscard]] Json to_json(const LoadSummary& summary, Utc (*utc_of)(Instant, const void*),
                           const void* clock);
[[nodiscard]] Json to_json(const LedgerSummary& summary);

}  // namespace gameday
