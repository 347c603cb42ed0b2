#include "engine/load/dialing.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "engine/load/sources.h"

namespace gameday {
namespace {

constexpr std::size_t kMostLookUps = 8;  // that nobody answers; each has a thread
// An address that says nothing has so much of the time at most while there is another one: enough
// for a first packet that was lost.
constexpr Duration kLongestShare = std::chrono::milliseconds(1100);
constexpr Duration kStarves = std::chrono::milliseconds(10);

// Whether we have an address of our own from which that one is reached. Nothing is sent.
bool has_source(const SocketAddress& to) {
  const Descriptor tried(socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return connect(tried.get(), to.get(), to.size) == 0;
}

// What of ours has run out where a connection cannot even be begun; "": it is not ours.
std::string_view ran_out(int error, const SocketAddress& to) {
  switch (error) {
    case EADDRNOTAVAIL: return has_source(to) ? "our ports ran out" : "";
    case EMFILE:
    case ENFILE: return "our descriptors ran out";
    case ENOBUFS:
    case ENOMEM: return "our memory for sockets ran out";
    default: return "";
  }
}

}  // namespace

// On a thread that may outlive us.
struct Dialing::LookUp {
  std::atomic<bool> ended = false;
  std::shared_ptr<const Addresses> found;  // null: `problem` tells why
  std::string problem;
};

std::string why_not_connected(int error) {
  return std::string("connecting: ") + std::strerror(error);
}

Dialing::Dialing(const PlainHttp& to, const Clock& clock, std::shared_ptr<const Descriptor> wake)
    : clock_(clock),
      host_(to.host),
      port_(to.port),
      by_name_(to.address.size == 0),
      wake_(std::move(wake)) {
  if (!by_name_) known_ = std::make_shared<const Addresses>(Addresses{to.address});
  if (by_name_) look_up(clock_.now().boot);
}

Dialing::~Dialing() = default;

bool Dialing::knows(Instant now) {
  if (!by_name_) return true;
  hear(now);
  if (known_at_ && now - *known_at_ <= kNameHolds) return true;
  look_up(now);
  return false;
}

void Dialing::look_up(Instant now) {
  if (asked_at_ && now - *asked_at_ < kNameHolds) return;
  asked_at_ = now;
  if (asked_.size() >= kMostLookUps) return;
  const auto look_up = std::make_shared<LookUp>();
  asked_.push_back(look_up);
  look_up_behind(host_, port_, [look_up, wake = wake_](Result<Addresses> found) {
    if (found) {
      look_up->found = std::make_shared<const Addresses>(std::move(*found));
    } else {
      look_up->problem = found.error().text;
    }
    look_up->ended = true;
    eventfd_write(wake->get(), 1);
  });
}

// The one that was asked last, of those that have ended, says what holds; older ones are old news.
void Dialing::hear(Instant now) {
  const auto has_ended = [](const auto& look_up) { return look_up->ended.load(); };
  const auto last = std::find_if(asked_.rbegin(), asked_.rend(), has_ended);
  if (last == asked_.rend()) return;
  const auto heard = *last;
  asked_.erase(asked_.begin(), last.base());
  known_at_ = now;
  unknown_ = heard->problem;
  // The order in which they are tried stays as long as they are the same.
  const bool same = known_ != nullptr && heard->found != nullptr &&
                    std::ranges::is_permutation(*known_, *heard->found);
  if (!same) known_ = heard->found;
}

Dialing::Way Dialing::begin(Connection& connection) {
  const Instant now = clock_.now().boot;
  connection.dial = ++dials_;
  if (connection.addresses == nullptr) {
    if (!knows(now)) {
      waiting_.push_back({connection.number, connection.dial});
      return Way::waits;
    }
    if (known_ == nullptr) {
      problem_ = unknown_;
      return Way::fails;
    }
    connection.addresses = known_;
    connection.tried = 0;
  }
  return connect_it(connection, now);
}

Dialing::Way Dialing::connect_it(Connection& connection, Instant now) {
  const SocketAddress& to = (*connection.addresses)[connection.tried];
  int error = connects(connection, to);
  while (error == EADDRNOTAVAIL && another_source(to)) error = connects(connection, to);
  if (error != 0) return failed(connection, error, now);
  without_port_ = 0;
  if (!connection.starved_of.empty()) connection.sent_at = now;
  connection.starved_of = "";
  if (has_another(connection)) give_share(connection, now);
  return Way::goes;
}

// An errno value, or 0: it is on its way.
int Dialing::connects(Connection& connection, const SocketAddress& to) {
  connection.socket =
      Descriptor(socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  const int descriptor = connection.socket.get(), on = 1;
  int error = 0;
  if (!connection.socket || setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    error = errno;
  } else if (source_ > 0 && sources_for_ == to) {
    error = connect_from(descriptor, sources_[source_ - 1]);
  }
  if (error == 0 && connect(descriptor, to.get(), to.size) != 0 && errno != EINPROGRESS) {
    error = errno;
  }
  if (error != 0) connection.socket.reset();
  return error;
}

// The next one in turn is tried from now on. False: each of them was, and none has a port left;
// then one at a time is tried again, as each costs the kernel a look at all ports.
bool Dialing::another_source(const SocketAddress& to) {
  if (!(sources_for_ == to)) {
    sources_ = other_sources(to);
    sources_for_ = to;
    source_ = without_port_ = 0;
  }
  source_ = (source_ + 1) % (sources_.size() + 1);
  return ++without_port_ <= sources_.size();
}

Dialing::Way Dialing::failed(Connection& connection, int error, Instant now) {
  const auto what = ran_out(error, (*connection.addresses)[connection.tried]);
  if (what.empty()) {
    problem_ = why_not_connected(error);
    return Way::fails;
  }
  connection.starved_of = what;
  starving_.push_back({connection.number, connection.dial});
  feed_at_ = std::min(feed_at_, now + kStarves);
  return Way::waits;
}

bool Dialing::has_another(const Connection& connection) {
  return connection.addresses != nullptr && connection.tried + 1 < connection.addresses->size();
}

// What is left of its time is shared by those that are left.
void Dialing::give_share(const Connection& connection, Instant now) {
  const auto left = static_cast<Duration::rep>(connection.addresses->size() - connection.tried);
  const Duration share = std::max<Duration>(connection.give_up - now, Duration(0)) / left;
  shares_.push(
      {now + std::min<Duration>(share, kLongestShare), {connection.number, connection.dial}});
}

void Dialing::reached(Connection& connection) {
  const auto tried = std::exchange(connection.addresses, nullptr);
  if (connection.tried == 0 || known_ == nullptr) return;
  const auto at = std::ranges::find(*known_, (*tried)[connection.tried]);
  if (at == known_->begin() || at == known_->end()) return;
  Addresses order = *known_;
  std::rotate(order.begin(), order.begin() + (at - known_->begin()), order.end());
  known_ = std::make_shared<const Addresses>(std::move(order));
}

void Dialing::each_ready(Instant now, const Each& begins, const Each& tries_another) {
  if (!waiting_.empty() && knows(now)) {
    for (const Due& due : std::exchange(waiting_, {})) begins(due);
  }
  if (feed_at_ <= now) {
    feed_at_ = Instant::max();
    auto hungry = std::exchange(starving_, {});
    while (!hungry.empty() && starving_.empty()) {
      begins(hungry.front());
      hungry.pop_front();
    }
    // Where there is none for one of them, there is none for those behind it.
    starving_.insert(starving_.end(), hungry.begin(), hungry.end());
  }
  while (!shares_.empty() && shares_.top().until <= now) {
    const Due due = shares_.top().due;
    shares_.pop();
    tries_another(due);
  }
}

Instant Dialing::next_look() const {
  Instant next = feed_at_;
  if (!shares_.empty()) next = std::min(next, shares_.top().until);
  // Where nobody answers, somebody is asked again.
  if (!waiting_.empty()) next = std::min(next, *asked_at_ + kNameHolds);
  return next;
}

}  // namespace gameday
