// A transport with an end: it carries so many requests and no more, and can be told to wait for no
// answer any longer.
#pragma once

#include <atomic>
#include <vector>

#include "engine/load/transport.h"

namespace gameday {

// Of one thread, but for `give_up` and `wake`.
class BoundTransport : public Transport {
 public:
  // `most`: requests in all; 0: no bound. The clock outlives this.
  BoundTransport(std::unique_ptr<Transport> inner, const Clock& clock, std::uint64_t most);

  // What has no answer by then gets none: it ends unknown, and nothing more is sent.
  void give_up(Instant at);

  // Were all of `most` sent, and has each of them ended?
  [[nodiscard]] bool done() const;
  // Is what ends now given up, and no answer?
  [[nodiscard]] bool gave_up() const { return gave_up_; }

  [[nodiscard]] bool full() const override;
  [[nodiscard]] std::size_t in_flight() const override;
  // `stopped` once there is an end: so who sends finds it out.
  [[nodiscard]] Status send(const TransportRequest& request) override;
  void work(Instant until, const std::function<void(const TransportAnswer&)>& each) override;
  void wake() override;

 private:
  void give_all_up(Instant now, const std::function<void(const TransportAnswer&)>& each);

  std::unique_ptr<Transport> inner_;
  const Clock& clock_;
  const std::uint64_t most_;
  std::uint64_t sent_ = 0, ended_ = 0;
  std::vector<char> on_their_way_;  // by ticket
  std::atomic<Duration::rep> give_up_at_{Instant::max().time_since_epoch().count()};
  bool gave_up_ = false;
};

}  // namespace gameday
