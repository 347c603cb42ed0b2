// A load as fast as it goes: as many requests on their way as there are connections, and the next
// one as soon as one has ended. Closed loop: a server that stalls is asked less for as long, so
// what it says of latency flatters the system; it finds out how much there is, and no more.
#pragma once

#include <atomic>
#include <string>

#include "engine/load/on_their_way.h"
#include "engine/load/recorder.h"
#include "engine/load/request_pattern.h"
#include "engine/load/transport.h"

namespace gameday {

// Of the thread that calls `run`.
class ClosedLoop {
 public:
  // All outlive this. A request is due when it is sent, and given up `timeout` later.
  ClosedLoop(Duration timeout, const RequestPattern& pattern, Transport& transport,
             Recorder& recorder, const Clock& clock);

  void run();  // until `end`, or until a request cannot be made, and all in flight has ended
  void end();  // from any thread, at any time
  [[nodiscard]] const std::string& problem() const { return problem_; }  // once `run` returned
  [[nodiscard]] std::uint64_t sent() const { return next_; }

 private:
  void send_as_many_as_go();
  void answered(const TransportAnswer& answer);

  const Duration timeout_;
  const RequestPattern& pattern_;
  Transport& transport_;
  Recorder& recorder_;
  const Clock& clock_;
  std::uint64_t next_ = 0;
  OnTheirWay on_their_way_;
  std::atomic<bool> ending_ = false;
  std::string problem_;
};

}  // namespace gameday
