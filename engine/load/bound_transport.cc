#include "engine/load/bound_transport.h"

#include <algorithm>

namespace gameday {

BoundTransport::BoundTransport(std::unique_ptr<Transport> inner, const Clock& clock,
                               std::uint64_t most)
    : inner_(std::move(inner)), clock_(clock), most_(most) {}

void BoundTransport::give_up(Instant at) {
  give_up_at_ = at.time_since_epoch().count();
  inner_->wake();
}

bool BoundTransport::done() const { return most_ > 0 && ended_ == most_; }

// At the end it is not: who has more to send is to be told, and not to wait.
bool BoundTransport::full() const {
  if (gave_up_ || done()) return false;
  return (most_ > 0 && sent_ == most_) || inner_->full();
}

std::size_t BoundTransport::in_flight() const { return gave_up_ ? 0 : inner_->in_flight(); }

Status BoundTransport::send(const TransportRequest& request) {
  if (gave_up_) return fail(ErrorCode::stopped, "stopped");
  if (done()) return fail(ErrorCode::stopped, "all requests were sent");
  TRY_OK(inner_->send(request));
  ++sent_;
  if (request.ticket >= on_their_way_.size()) on_their_way_.resize(request.ticket + 1);
  on_their_way_[request.ticket] = 1;
  return {};
}

void BoundTransport::work(Instant until, const std::function<void(const TransportAnswer&)>& each) {
  const Instant last{Duration(give_up_at_.load())};
  inner_->work(std::min(until, last), [this, &each](const TransportAnswer& answer) {
    on_their_way_[answer.ticket] = 0;
    ++ended_;
    each(answer);
  });
  if (last == Instant::max()) return;
  if (const Instant now = clock_.now().boot; now >= last) give_all_up(now, each);
}

void BoundTransport::give_all_up(Instant now,
                                 const std::function<void(const TransportAnswer&)>& each) {
  gave_up_ = true;
  for (std::size_t ticket = 0; ticket < on_their_way_.size(); ++ticket) {
    if (on_their_way_[ticket] == 0) continue;
    on_their_way_[ticket] = 0;
    each({ticket, now, SampleOutcome::unknown, 0});
  }
}

void BoundTransport::wake() { inner_->wake(); }

}  // namespace gameday
