// A load that runs: Scheduler -> Transport -> Recorder on a thread of its own. Open loop: requests
// are due at times that do not depend on the answers, and latency counts from the due time; but for
// closed users, each of whom is due when he has thought about his last answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/load/histogram.h"
#include "engine/load/ledger.h"
#include "engine/load/sample.h"
#include "engine/load/transport.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"
#include "engine/sys/doors.h"

namespace gameday {

struct LoadTerms {
  LoadSpec spec;  // URLs already have their {target} names filled in
  std::string drill;
  std::uint64_t seed = 0;
  std::uint64_t most_writes = 0;  // limits.writes: 0 for none. Reached: the load stops and says so
  std::string ledger_path;        // empty without a ledger
  // Of a load that speaks no HTTP.
  ConnectLoad connect = {};
  std::size_t connections = 0;
  std::function<Result<std::unique_ptr<LedgerReader>>(const Until& until)> reader = {};
  // Boot time and UTC further apart than this within a second is a jump of the clock.
  Duration clock_apart = std::chrono::milliseconds(50);
};

// What was due in one second, for the journal and the live view. Windows come in order of time and
// without gaps, each once all of its requests have ended.
struct WindowCount {
  Instant from;
  std::uint64_t due = 0, sent = 0, ok = 0, errors = 0;
  double p50_s = 0, p99_s = 0, send_lag_p99_s = 0;
  bool marked = false;  // our own lateness: send lag p99 over 5 ms below 1,000/s (else over 2 ms)
  Histogram response, service, send_lag;  // from due to end, from sent to end, from due to sent
};

// By what, and at which cost.
struct Carried {
  TransportChoice by;
  // Only after end():
  Duration cpu{};  // processor time of the thread that sends
  std::vector<Unanswered> unanswered;
};

class Told;  // told.h

class Load {
 public:
  virtual ~Load() = default;
  // No new request is due after this; those in flight answer or time out. Waits for that, which
  // takes the load's timeout at most.
  virtual void end() = 0;
  // Why it ended by itself (most_writes reached, ledger disk full), empty if it did not.
  [[nodiscard]] virtual std::string problem() const = 0;
  [[nodiscard]] virtual Instant started() const = 0;
  // In order of due time; only after end().
  [[nodiscard]] virtual const std::vector<Sample>& samples() const = 0;
  // Those of them that the ledger keeps: of several requests, one writes.
  [[nodiscard]] virtual const std::vector<Sample>& writes() const = 0;
  // When a jump of the clock was seen, within a second of it; only after end().
  [[nodiscard]] virtual const std::vector<Instant>& clock_jumps() const = 0;
  [[nodiscard]] virtual const Carried& carried() const = 0;
  [[nodiscard]] virtual std::optional<UsersRun> users() const = 0;  // only after end()
  // What is checked of answers, by the numbers that samples have.
  [[nodiscard]] virtual const std::vector<std::string>& checks() const = 0;
  [[nodiscard]] virtual LedgerFile* ledger() = 0;  // null without one
  // Of a load that is carried by a process of its own, what that told; only after end().
  [[nodiscard]] virtual const Told* told() const { return nullptr; }
};

// `each_window` is called once a second from the load's thread. Doors and secrets outlive the load.
[[nodiscard]] Result<std::unique_ptr<Load>> start_load(
    LoadTerms terms, const Doors& doors, const Secrets& secrets,
    std::function<void(const WindowCount&)> each_window);

// Reads every write of the ledger back: by `list` where there is one, and by key all that the list
// did not show. Retries an answer that is no answer until `until`.
[[nodiscard]] Result<ReadBack> read_back(const LoadTerms& terms, const std::vector<Sample>& samples,
                                         const Doors& doors, const Secrets& secrets,
                                         const Until& until);

}  // namespace gameday
