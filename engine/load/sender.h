// The loop of a load: sends what is due, never waiting for an answer, and records how each request
// ended. Runs on the thread that calls `run`.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "engine/load/clock_jumps.h"
#include "engine/load/on_their_way.h"
#include "engine/load/recorder.h"
#include "engine/load/request_pattern.h"
#include "engine/load/scheduler.h"
#include "engine/load/transport.h"

namespace gameday {

// The ledger's word on what may be sent: below `durable()`, as long as there is no problem.
struct SendLimits {
  std::function<std::uint64_t()> durable;   // none: everything
  std::function<std::string()> problem;     // none: never one
  std::function<void(std::uint64_t)> next;  // told the index that is due next
  std::uint64_t most = 0;                   // requests in all; 0: no bound
  // How far boot time and UTC may go apart within a second before that counts as a jump.
  Duration apart = std::chrono::milliseconds(50);
};

class Sender {
 public:
  // All outlive this.
  Sender(const Schedule& schedule, Duration timeout, const RequestPattern& pattern,
         Transport& transport, Recorder& recorder, const Clock& clock, SendLimits limits);

  void run();  // until `end`, or until it must end by itself, and all in flight has ended
  void end();  // from any thread, at any time: nothing due after now is sent
  [[nodiscard]] std::string problem() const;
  // When each was seen, a second after it at most; only once `run` has returned.
  [[nodiscard]] const std::vector<Instant>& clock_jumps() const { return jumps_.seen(); }

 private:
  void send_what_is_due();
  [[nodiscard]] bool may_send() const;
  void send_one(Instant now);
  void give_up_one(Instant now);
  void step_on();
  void answered(const TransportAnswer& answer);
  void record(const Sample& sample);
  [[nodiscard]] Instant next_look(Instant now) const;
  [[nodiscard]] bool due_by(Instant now) const;
  void stop_because(const std::string& problem);

  const Duration timeout_;
  const RequestPattern& pattern_;
  Transport& transport_;
  Recorder& recorder_;
  const Clock& clock_;
  SendLimits limits_;
  Scheduler scheduler_;
  ClockJumps jumps_;
  OnTheirWay on_their_way_;

  // The last instant at which a request may be due.
  std::atomic<Duration::rep> last_due_{Instant::max().time_since_epoch().count()};
  mutable std::mutex mutex_;
  std::string problem_;
};

}  // namespace gameday
