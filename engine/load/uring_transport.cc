// HTTP/1.1 over our own sockets and io_uring(7): sends go to the kernel with the wait
// that follows them, and a wait ends when many answers are there, or after a millisecond. When each
// of them came, the kernel notes, so that waiting for others is in no latency.
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "engine/load/connections.h"
#include "engine/load/dialing.h"
#include "engine/load/ring.h"
#include "engine/load/transport.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

using Stage = Connection::Stage;

constexpr Duration kTick = std::chrono::milliseconds(1);
constexpr unsigned kAtOnce = 32;  // more answers than these make a wait no cheaper

// What the kernel has been asked for with a connection, and what it said that is to be judged when
// all that it said has been heard.
struct Asked {
  explicit Asked(std::uint32_t in_life = 0) : life(in_life) {}

  std::uint32_t life;  // which of its lives: what is told of an earlier one is old news
  bool receiving = false;
  bool writing = false;       // waits until there is room, or until it is connected
  bool shaking = false;       // hands, and is counted as such
  bool fresh = true;          // has answered nothing yet
  bool unsent = false;        // no byte of its request was taken
  std::optional<int> ended;   // no more is received: an errno value, 0 for a plain end
  std::uint64_t said_in = 0;  // the round in which it was given bytes last
};

class UringTransport : public Transport {
 public:
  UringTransport(const Clock& clock, std::size_t most, const PlainHttp& to,
                 std::unique_ptr<TlsClient> tls, std::shared_ptr<const Descriptor> wake,
                 std::unique_ptr<Ring> ring)
      : clock_(clock),
        tls_(std::move(tls)),
        wake_(std::move(wake)),
        dialing_(to, clock, wake_),
        connections_(clock, most),
        ring_(std::move(ring)),
        handler_([this](const Ring::Event& event) { happened(event); }) {
    ring_->readable(wake_->get());
  }

  ~UringTransport() override {
    // A server has an end of its own to tell of each; the ring lets go of them when it may.
    for (std::uint32_t i = 0; i < asked_.size(); ++i) {
      if (connections_[i].socket) shutdown(connections_[i].socket.get(), SHUT_RDWR);
    }
  }

  bool full() const override { return connections_.full(); }
  std::size_t in_flight() const override { return connections_.in_flight(); }

  Status send(const TransportRequest& request) override {
    TRY(connection, connections_.loaded(request));
    put_on_its_way(*connection);
    return {};
  }

  void work(Instant until, const std::function<void(const TransportAnswer&)>& each) override {
    wait(until);
    const Instant looked = std::exchange(now_, clock_.now()).boot;
    not_before_ = looked;
    ++round_;
    ring_->each(handler_);
    judge();
    dialing_.each_ready(now_.boot, begins_, tries_another_);
    while (Connection* late = connections_.overdue(now_.boot)) {
      ended(*late, why_late(*late));
    }
    ring_->flush();  // the thread may have other things to do before it waits again
    connections_.give_out(each);
  }

  void wake() override { eventfd_write(wake_->get(), 1); }
  std::vector<Unanswered> unanswered() const override { return connections_.unanswered(); }

 private:
  // For so many answers, and for so long, that they come late to nobody: what is to be sent next
  // and what is to be given up is in `until`, and only those wait whose time is noted.
  void wait(Instant until) {
    const Instant at = std::min({until, connections_.next_give_up(), dialing_.next_look()});
    auto left = std::max<Duration>(at - clock_.now().boot, Duration(0));
    if (connections_.has_told()) left = Duration(0);
    const auto half = static_cast<unsigned>(connections_.in_flight() / 2);
    unsigned answers = left <= kTick ? kAtOnce : std::clamp(half, 1U, kAtOnce);
    if (writing_ > 0 || shaking_ > 0 || dialing_.waits_for_a_name())
      answers = 1;  // bytes of ours wait for it
    ring_->wait(answers, answers > 1 ? std::min(left, kTick) : left);
  }

  void put_on_its_way(Connection& connection) {
    if (asked_.size() <= connection.number) asked_.resize(connection.number + 1);
    if (connection.stage == Stage::closed) {
      connections_.takes(connection, Stage::connecting);
      return connect_it(connection);
    }
    connections_.takes(connection, Stage::busy);
    write_out(connection);
  }

  void connect_it(Connection& connection) {
    asked_[connection.number] = Asked(asked_[connection.number].life);
    const auto way = dialing_.begin(connection);
    if (way == Dialing::Way::waits) return;
    if (way == Dialing::Way::fails) return not_reached(connection, dialing_.problem());
    const int on = 1;
    (void)setsockopt(connection.socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    wait_for_room(connection);
  }

  // Where there is another address, another connection tries that.
  void not_reached(Connection& connection, std::string_view why) {
    if (!Dialing::has_another(connection)) return ended(connection, why);
    Connection& other = connections_.loaded_again(connection);
    if (other.stage == Stage::closed) other.dials_after(connection);
    shut(connection);
    put_on_its_way(other);
  }

  void wait_for_room(Connection& connection) {
    asked_[connection.number].writing = true;
    ++writing_;
    ring_->writable(connection.socket.get(), tag_of(connection));
  }

  void receive(Connection& connection) {
    asked_[connection.number].receiving = true;
    ring_->receive(connection.socket.get(), tag_of(connection));
  }

  // All that can be said now, as far as we know before there is an event that says otherwise. That
  // would come before any event of something asked for later: so what there is to say beyond it
  // waits for such a one, and until then the bytes stay where they are.
  void write_out(Connection& connection) {
    Asked& asked = asked_[connection.number];
    if (asked.writing) return;
    if (asked.said_in == round_) return wait_for_room(connection);
    const auto bytes = connection.next();
    if (bytes.empty()) return;
    ring_->send(connection.socket.get(), bytes, tag_of(connection));
    connection.took(bytes.size());
    asked.said_in = round_;
    if (connection.has_more()) wait_for_room(connection);
  }

  void count_shaking(const Connection& connection) {
    Asked& asked = asked_[connection.number];
    const bool shaking = connection.socket && connection.shakes_hands();
    if (shaking != asked.shaking) shaking ? ++shaking_ : --shaking_;
    asked.shaking = shaking;
  }

  [[nodiscard]] std::uint64_t tag_of(const Connection& connection) const {
    constexpr std::uint32_t kLives = 1U << 24;
    const std::uint64_t life = asked_[connection.number].life % kLives;
    return life << 32 | connection.number;
  }

  void happened(const Ring::Event& event) {
    if (event.did == Ring::Did::wake) {
      eventfd_t count = 0;
      (void)eventfd_read(wake_->get(), &count);
      return ring_->readable(wake_->get());
    }
    Connection& connection = connections_[static_cast<std::uint32_t>(event.tag)];
    Asked& asked = asked_[connection.number];
    const bool old = tag_of(connection) != event.tag;
    if (event.did == Ring::Did::send) {
      if (!old) not_all_sent(connection, event);
      return;
    }
    if (event.did == Ring::Did::receive) asked.receiving = !event.over;
    if (event.did == Ring::Did::writable) {
      asked.writing = false;
      --writing_;
    }
    if (connection.stage == Stage::closing) return drained(connection);
    event.did == Ring::Did::receive ? received(connection, event) : writable(connection);
  }

  void not_all_sent(Connection& connection, const Ring::Event& event) {
    if (connection.stage == Stage::idle) return shut(connection);
    if (connection.stage != Stage::busy) return;  // answered before it was all said
    Asked& asked = asked_[connection.number];
    connection.took_only(event.sent);
    if (event.error == 0 || event.error == EAGAIN) {
      if (!asked.writing) wait_for_room(connection);
      return;
    }
    // With a part of it, an answer may have come before the end, and of both there are events.
    if (connection.said_some()) return;
    asked.unsent = true;
    unsent_.push_back(connection.number);
  }

  void writable(Connection& connection) {
    asked_[connection.number].said_in = 0;
    if (connection.stage == Stage::connecting) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return not_reached(connection, why_not_connected(error));
      dialing_.reached(connection);
      connections_.takes(connection, Stage::busy);
      if (tls_ != nullptr) connection.speaks_tls(*tls_);
      count_shaking(connection);
      receive(connection);
    }
    if (connection.stage == Stage::busy) write_out(connection);
  }

  void received(Connection& connection, const Ring::Event& event) {
    const bool none = event.bytes.empty();
    if (!none) heard(connection, event);
    if (!event.over || connection.stage == Stage::closing || connection.stage == Stage::closed)
      return;
    if (event.error == ENOBUFS || !none) return receive(connection);
    asked_[connection.number].ended = event.error;
    ended_.push_back(connection.number);
  }

  void heard(Connection& connection, const Ring::Event& event) {
    const auto state = connection.take(event.bytes);
    count_shaking(connection);
    if (connection.stage == Stage::idle) {
      if (state != HttpReader::State::more) shut(connection);  // nobody asked
      return;
    }
    if (state == HttpReader::State::broken) return ended(connection, why_broken(connection));
    if (state == HttpReader::State::whole) return answered(connection, when(event));
    if (connection.has_more()) write_out(connection);
  }

  // By the kernel's word where it gives one. The clock of that may have been set meanwhile; but it
  // came after we looked last.
  [[nodiscard]] Instant when(const Ring::Event& event) const {
    if (!event.at) return now_.boot;
    return std::clamp(now_.boot - (now_.utc - *event.at), not_before_, now_.boot);
  }

  // Connections that have come to an end, once all that they said before has been heard.
  void judge() {
    for (const std::uint32_t number : std::exchange(ended_, {})) {
      Connection& connection = connections_[number];
      const Asked& asked = asked_[number];
      if (!asked.ended || asked.unsent) continue;
      if (connection.stage == Stage::idle) {
        shut(connection);
      } else if (connection.stage == Stage::busy) {
        const bool whole = *asked.ended == 0 && connection.end() == HttpReader::State::whole;
        if (whole) connections_.answered(connection, now_.boot);
        whole ? shut(connection) : ended(connection, kClosed);
      }
    }
    for (const std::uint32_t number : std::exchange(unsent_, {})) {
      Connection& connection = connections_[number];
      if (connection.stage != Stage::busy) continue;
      if (asked_[number].fresh) {
        ended(connection, kClosed);
        continue;
      }
      // It had ended while it had no work: another one may have the request.
      Connection& other = connections_.loaded_again(connection);
      shut(connection);
      put_on_its_way(other);
    }
  }

  void answered(Connection& connection, Instant at) {
    connections_.answered(connection, at);
    asked_[connection.number].fresh = false;
    connection.keeps() ? connections_.rests(connection) : shut(connection);
  }

  void ended(Connection& connection, std::string_view why) {
    connections_.lost(connection, why);
    shut(connection);
  }

  // The other side is told at once. What the kernel still waits for holds the socket, and would go
  // on receiving from who does not listen: that ends as well, and is told of.
  void shut(Connection& connection) {
    connections_.leaves(connection);
    Asked& asked = asked_[connection.number];
    if (!asked.writing && asked.said_in != round_) say_farewell(connection);
    if (connection.socket) shutdown(connection.socket.get(), SHUT_RDWR);
    if (asked.receiving) ring_->no_more(Ring::Did::receive, tag_of(connection));
    if (asked.writing) ring_->no_more(Ring::Did::writable, tag_of(connection));
    ++asked.life;
    // All this must have reached the kernel before the next connection may be given the number of
    // this descriptor.
    ring_->flush();
    connection.socket.reset();
    count_shaking(connection);
    connection.stage = Stage::closing;
    drained(connection);
  }

  static void say_farewell(Connection& connection) {
    const auto words = connection.farewell();
    if (words.empty()) return;
    (void)::send(connection.socket.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void drained(Connection& connection) {
    const Asked& asked = asked_[connection.number];
    if (!asked.receiving && !asked.writing) connections_.closed(connection);
  }

  const Clock& clock_;
  const std::unique_ptr<TlsClient> tls_;  // none: without TLS
  const std::shared_ptr<const Descriptor> wake_;
  Dialing dialing_;
  Connections connections_;
  std::vector<Asked> asked_;  // by the number of the connection
  std::size_t writing_ = 0, shaking_ = 0;
  std::uint64_t round_ = 1;  // of `work`
  std::vector<std::uint32_t> ended_, unsent_;
  Now now_{};
  Instant not_before_;
  // What it has been given is in the parts above.
  std::unique_ptr<Ring> ring_;
  const Ring::Handler handler_;
  const Dialing::Each begins_ = [this](const Dialing::Due& due) {
    Connection& connection = connections_[due.number];
    if (due.still(connection)) connect_it(connection);
  };
  const Dialing::Each tries_another_ = [this](const Dialing::Due& due) {
    Connection& connection = connections_[due.number];
    if (due.still(connection)) not_reached(connection, kSilent);
  };
};

}  // namespace

Result<std::unique_ptr<Transport>> make_uring_transport(const Clock& clock,
                                                        std::size_t most_connections,
                                                        const PlainHttp& to, unsigned pieces) {
  TRY(ring, Ring::open(pieces));
  TRY(tls, tls_for(to));
  TRY(wake, wake_up());
  return std::make_unique<UringTransport>(clock, most_connections, to, std::move(tls),
                                          std::move(wake), std::move(ring));
}

}  // namespace gameday
