// The loop of closed users: sends for each one whose thinking is over, and lets him think when he
// has his answer. A request is due when its user would ask, so the send lag is our own lateness
// here too; that a slow system is asked less lies in the nature of a closed loop.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/load/clock_jumps.h"
#include "engine/load/on_their_way.h"
#include "engine/load/recorder.h"
#include "engine/load/request_pattern.h"
#include "engine/load/transport.h"
#include "engine/load/users.h"

namespace gameday {

// Of the thread that calls `run`.
class UserLoop {
 public:
  // All of the references outlive this. `clock_apart`: as in LoadTerms.
  UserLoop(Users users, Duration timeout, const RequestPattern& pattern, Transport& transport,
           Recorder& recorder, const Clock& clock, Duration clock_apart);

  void run();  // until `end`, or until a request cannot be made, and all in flight has ended
  void end();  // from any thread, at any time: who would ask after now does not
  [[nodiscard]] std::string problem() const;  // from any thread
  // Once `run` has returned:
  [[nodiscard]] const std::vector<Instant>& clock_jumps() const { return jumps_.seen(); }
  [[nodiscard]] std::uint64_t spawned() const { return users_.spawned(); }
  [[nodiscard]] Instant until() const;  // who was due later was not to ask any more

 private:
  [[nodiscard]] bool due_by(Instant now) const;
  void ask_for_all_who_are_due();
  void ask(Instant due, Instant now);
  void give_up(Instant due, Instant now);
  void answered(const TransportAnswer& answer);
  void record(const Sample& sample);
  [[nodiscard]] Instant next_look(Instant now) const;
  void stop_because(const std::string& problem);

  Users users_;
  const Duration timeout_;
  const RequestPattern& pattern_;
  Transport& transport_;
  Recorder& recorder_;
  const Clock& clock_;
  ClockJumps jumps_;
  OnTheirWay on_their_way_;
  std::vector<std::size_t> askers_;  // by the tickets of their requests
  std::uint64_t next_ = 0;

  // The last instant at which somebody may be due.
  std::atomic<Duration::rep> last_due_{Instant::max().time_since_epoch().count()};
  std::optional<Instant> stopped_;  // by itself: nobody asks any more
  mutable std::mutex mutex_;
  std::string problem_;
};

}  // namespace gameday
