// What a load saw, summed up: phases, outages, recovery and ledger. Pure functions of samples and
// of the spans in which faults were open; the same for a drill, a rehearsal and a report made
// later.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/rate_curve.h"
#include "engine/load/sample.h"

namespace gameday {

// A fault's life, as the conductor knows it.
struct FaultSpan {
  std::string id;
  Instant injected;  // when the deed began: what it breaks may break before it has returned
  std::optional<Instant> proven;
  std::optional<Instant> reverted;  // proven gone, or superseded; none: still open
};

// An outage: a maximal interval without sustained success. `hi` and `lo` bound the time to recover:
// hi = end of the first sustained good - due of the last good before the first bad;
// lo = max(0, due of the last bad - end of the first bad).
struct Outage {
  // Open at its start, or reverted less than `hold` before `from`. It started somewhere between
  // `from` and the end of the first bad, so a fault injected in between was open at its start.
  std::vector<std::string> faults;
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

struct FailedCheck {
  std::string check;  // "body_contains 'paid'"
  std::uint64_t times = 0;
};

struct RequestCount {  // of one of a load's requests
  std::string request;
  std::uint64_t due = 0, sent = 0, ok = 0, errors = 0;
};

inline constexpr Duration kOnTime = std::chrono::milliseconds(100);

struct PhaseSummary {
  std::string phase;  // "steady", or the id of the newest fault open (or of the outage's fault)
  std::uint64_t due = 0, sent = 0, ok = 0, errors = 0;  // sent: bytes left us; errors: due - ok
  double rate = 0;                                      // due per second of the phase's time
  Quantiles latency_s;  // from due to end, over all due in windows that are not marked
  double send_lag_p99_s = 0;
  // Of one second; marked: we were late, not the system, or the clock jumped.
  std::uint64_t windows = 0, marked = 0;
  std::uint64_t late = 0;  // due, but not put on its way within 100 ms
  // false when fewer than 95 % were on their way within 100 ms of their due time, or over 5 % of
  // the windows are marked; or the whole load is not valid.
  bool valid = true;
  // Those of the load's checks that answers failed, each answer the first that it failed; none
  // where the load checks nothing beside success.
  std::optional<std::vector<FailedCheck>> failed_checks;
  std::vector<RequestCount> requests;  // each of them, in the playbook's order; none: there is one
  // Of a closed loop: the share of its requests that it did not send because its users waited for
  // an answer. 1 where that is not known.
  std::optional<double> held_back = std::nullopt;
};

// The rule behind `valid`, from the counts of the phase. In whole numbers: exactly 95 % on time, or
// 5 % marked, is still as planned.
[[nodiscard]] bool offered_as_planned(const PhaseSummary& phase);

struct CarriedBy {  // which transport a load had, why that one, and what its thread cost
  std::string transport;
  std::string why;
  double cpu_s = 0;
  std::vector<Unanswered> unanswered = {};
};

// Of closed users: how many there were to be, how many had asked by the end, and when that was.
struct UsersRun {
  std::uint64_t users = 0, spawned = 0;
  Instant until;
};

// What a closed loop can tell of outages: it asks less while the system is slow or gone, so one may
// lie between two requests.
struct UsersSummary {
  std::uint64_t users = 0, spawned = 0;
  // The longest time, from the first fault on, in which no request shows that the system answered:
  // an outage that nobody met may have been as long. Those that somebody met are not in it.
  Duration longest_gap{};
};

// What a load says of itself that is carried by a process of its own (told.h).
struct RequestsTold {
  std::string name;
  std::uint64_t ok = 0, errors = 0;
  std::string example;  // of an error
};
struct TellersSummary {
  std::uint64_t users = 0;
  std::uint64_t processes = 0, lost = 0;  // that were to send, and that ended early
  std::uint64_t dropped = 0;              // requests that could not be told of
  std::vector<RequestsTold> requests;
};

struct LoadSummary {
  std::string load;
  bool closed = false;  // its users wait for an answer before they ask again
  std::string invalid;  // why nothing of it counts; empty: it does
  std::optional<TellersSummary> tellers;
  std::optional<CarriedBy> carried;  // none: nothing was sent, as in a rehearsal
  // "steady" first, always there; then the faults in order of injection, those with requests due.
  std::vector<PhaseSummary> phases;
  std::vector<Outage> outages;
  std::optional<UsersSummary> users;  // of a closed loop
  Instant started, ended;
  std::uint64_t clock_jumps = 0;

  [[nodiscard]] const PhaseSummary* phase(std::string_view name) const;
};

// What plan and result say of a load's `loop` where its users wait for an answer before they ask
// again; all others are open.
inline constexpr std::string_view kClosedLoop = "closed";

// How much a closed loop could have sent.
struct ClosedTerms {
  double users = 0;             // the fewest that there were once all were there
  std::optional<Instant> full;  // when that was first; none: never
  Duration timeout{};
};

struct LoadWindow {    // what the summary of a load counts over
  Instant first_step;  // `steady` counts from here
  Instant end;
  // Where the windows of one second begin to count, and the rate that was to be offered; as the
  // samples have them where not given.
  std::optional<Instant> started = std::nullopt;
  std::optional<RateCurve> rate = std::nullopt;
  // When jumps of the clock were seen: the window of each, and the one before, are marked.
  std::vector<Instant> clock_jumps = {};
  std::vector<std::string> checks = {};  // of answers, by their numbers from 1
  // The names of the load's requests, and which of them that of a place in the schedule was.
  std::vector<std::string> requests = {};
  std::function<std::size_t(std::uint64_t seq)> request_of = {};
  std::optional<UsersRun> users = std::nullopt;      // of a closed loop
  std::optional<ClosedTerms> closed = std::nullopt;  // none: it is an open loop
};

// A request belongs to the newest fault open when it was due; else to the newest fault of the
// outage that ran then; else to `steady`, which an outage without a fault is part of: it is the
// steady state that failed. Those due outside of the window belong to no phase.
[[nodiscard]] LoadSummary summarise(const std::string& load, std::span<const Sample> samples,
                                    Duration hold, std::span<const FaultSpan> faults,
                                    const LoadWindow& window);

// Nothing of it counts, in any phase; an empty reason is none.
void mark_invalid(LoadSummary& summary, const std::string& why);

// A window whose send lag p99 is over this is marked: 5 ms below 1,000/s, else 2 ms; of a rate that
// changes in it, the highest counts.
[[nodiscard]] Duration longest_send_lag(double rate);

// The nine classes of a ledger (what each means: ledger.h), and the recovery point.
struct RpoSummary {
  double best = 0, worst = 0;  // seconds; worst counts every absent unknown as lost
  // From the last acknowledged write before the first lost one to the last lost one before the
  // newest survivor that was acknowledged before the disaster; over 0: not a point in time.
  double hole = 0;
  double resolution = 0;  // 1/rate, of the lowest rate in the time that worst covers
};
struct LedgerSummary {
  std::string load;
  std::uint64_t acknowledged = 0, unknown = 0;
  std::uint64_t present = 0, lost = 0, stale = 0, duplicate = 0, corrupt = 0, recovered = 0,
                absent_unknown = 0;
  std::optional<std::uint64_t> phantom, resurrected;  // none: not assessed
  RpoSummary rpo_s;
  bool counted = true;     // false: not even what was acknowledged is known
  bool read_back = false;  // every key was read to an answer; false: `problem` says why not
  std::string problem;
  std::vector<std::string> examples;  // up to 20 keys of each class that is a finding: "lost KEY"
};

// In the shapes of the result document: load[], outages[], ledgers[]. What was not measured is
// null: latencies without a counted request, everything that needs a read-back that failed.
using UtcOf = std::function<Utc(Instant)>;
[[nodiscard]] Json to_json(const LoadSummary& summary);
[[nodiscard]] Json to_json(const Outage& outage, std::string_view source, const UtcOf& utc_of);
[[nodiscard]] Json to_json(const LedgerSummary& summary);

}  // namespace gameday
