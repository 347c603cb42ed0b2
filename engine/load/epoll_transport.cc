// HTTP/1.1 over our own sockets and one epoll(7): what the load's thread spends on a
// request is a send, a receive and its share of a wait.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/load/connections.h"
#include "engine/load/dialing.h"
#include "engine/load/transport.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

constexpr std::size_t kPiece = 65536;
constexpr int kMostPieces = 16;  // that one connection may take up before the others

using Stage = Connection::Stage;

class EpollTransport : public Transport {
 public:
  EpollTransport(const Clock& clock, std::size_t most, const PlainHttp& to,
                 std::unique_ptr<TlsClient> tls, std::shared_ptr<const Descriptor> wake)
      : clock_(clock),
        tls_(std::move(tls)),
        wake_(std::move(wake)),
        dialing_(to, clock, wake_),
        connections_(clock, most) {}

  Status open() {
    epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return std::unexpected(system_error(errno, "load"));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWake;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_->get(), &event) != 0) {
      return std::unexpected(system_error(errno, "load"));
    }
    return {};
  }

  bool full() const override { return connections_.full(); }
  std::size_t in_flight() const override { return connections_.in_flight(); }

  Status send(const TransportRequest& request) override {
    TRY(connection, connections_.loaded(request));
    put_on_its_way(*connection);
    return {};
  }

  void work(Instant until, const std::function<void(const TransportAnswer&)>& each) override {
    std::array<epoll_event, 256> events;
    const int seen = wait(events, until);
    for (int i = 0; i < seen; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWake) {
        eventfd_t count = 0;
        (void)eventfd_read(wake_->get(), &count);
      } else {
        happened(event);
      }
    }
    for (const auto& [number, ending] : std::exchange(unread_, {})) {
      Connection& connection = connections_[number];
      if (connection.stage == Stage::busy) read_in(connection, ending);
    }
    const Instant now = clock_.now().boot;
    dialing_.each_ready(now, begins_, tries_another_);
    while (Connection* late = connections_.overdue(now)) ended(*late, why_late(*late));
    connections_.give_out(each);
  }

  void wake() override { eventfd_write(wake_->get(), 1); }
  std::vector<Unanswered> unanswered() const override { return connections_.unanswered(); }

 private:
  static constexpr std::uint64_t kWake = ~std::uint64_t{0};

  int wait(std::array<epoll_event, 256>& events, Instant until) {
    const Instant at = std::min({until, connections_.next_give_up(), dialing_.next_look()});
    const bool idle = !connections_.has_told() && unread_.empty();
    const auto left = idle ? std::max<Duration>(at - clock_.now().boot, Duration(0)) : Duration(0);
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const timespec most{whole.count(), (left - whole).count()};
    const int size = static_cast<int>(events.size());
    const int seen = epoll_pwait2(epoll_.get(), events.data(), size, &most, nullptr);
    if (seen >= 0 || errno == EINTR) return seen;
    // Where the call is not allowed, to the millisecond.
    return epoll_wait(epoll_.get(), events.data(), size,
                      static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }

  void put_on_its_way(Connection& first) {
    Connection* connection = &first;
    while (connection->stage == Stage::idle) {
      if (write_out(*connection)) return connections_.takes(*connection, Stage::busy);
      // It had ended while it had no work, and took no byte: another one may have the request.
      Connection& other = connections_.loaded_again(*connection);
      shut(*connection);
      connection = &other;
    }
    connections_.takes(*connection, Stage::connecting);
    connect_it(*connection);
  }

  void connect_it(Connection& connection) {
    const auto way = dialing_.begin(connection);
    if (way == Dialing::Way::waits) return;
    if (way == Dialing::Way::fails) return not_reached(connection, dialing_.problem());
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = connection.number;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.socket.get(), &event) != 0) {
      ended(connection, "waiting for a connection: " + system_error(errno, "epoll").text);
    }
  }

  // Where there is another address, another connection tries that.
  void not_reached(Connection& connection, std::string_view why) {
    if (!Dialing::has_another(connection)) return ended(connection, why);
    Connection& other = connections_.loaded_again(connection);
    if (other.stage == Stage::closed) other.dials_after(connection);
    shut(connection);
    put_on_its_way(other);
  }

  // All of it, or as much as goes now. False: the other side had closed before a byte of the
  // request was taken.
  static bool write_out(Connection& connection) {
    for (auto bytes = connection.next(); !bytes.empty(); bytes = connection.next()) {
      const auto taken = ::send(connection.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (taken >= 0) {
        connection.took(static_cast<std::size_t>(taken));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return true;
      // With a part of it, an answer may have come before the end, and an event tells of both.
      return connection.said_some();
    }
    return true;
  }

  void happened(const epoll_event& event) {
    Connection& connection = connections_[static_cast<std::uint32_t>(event.data.u64)];
    if (connection.stage == Stage::closed) return;  // by an event before this one
    if (connection.stage == Stage::connecting) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return not_reached(connection, why_not_connected(error));
      if ((event.events & EPOLLOUT) == 0) return;
      dialing_.reached(connection);
      connections_.takes(connection, Stage::busy);
      if (tls_ != nullptr) connection.speaks_tls(*tls_);
    }
    if (connection.stage == Stage::busy && connection.has_more() && !write_out(connection)) {
      return ended(connection, kClosed);
    }
    read_in(connection, (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
  }

  // `ending`: the other side says no more after what is there, and of that there is no event again.
  void read_in(Connection& connection, bool ending) {
    for (int pieces = 0; pieces < kMostPieces; ++pieces) {
      const auto got = recv(connection.socket.get(), piece_.data(), piece_.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return heard_the_end(connection, got == 0);
      if (!heard(connection, {piece_.data(), static_cast<std::size_t>(got)}, ending)) return;
      // Less than there was room for: nothing is left, and more would be another event.
      if (static_cast<std::size_t>(got) < piece_.size() && !ending) return;
    }
    unread_.emplace_back(connection.number, ending);  // others have their turn first
  }

  // False: nothing more is to be heard of it.
  bool heard(Connection& connection, std::string_view bytes, bool ending) {
    const bool idle = connection.stage == Stage::idle;
    const auto state = connection.take(bytes);
    if (state == HttpReader::State::broken) {
      idle ? shut(connection) : ended(connection, why_broken(connection));
    } else if (state == HttpReader::State::whole) {
      answered(connection, ending);
    } else if (!idle && connection.has_more() && !write_out(connection)) {
      ended(connection, kClosed);
    } else {
      return true;
    }
    return false;
  }

  void heard_the_end(Connection& connection, bool plain_end) {
    if (connection.stage == Stage::idle) return shut(connection);  // tired of it
    const bool whole = plain_end && connection.end() == HttpReader::State::whole;
    whole ? answered(connection, true) : ended(connection, kClosed);
  }

  void answered(Connection& connection, bool ending) {
    connections_.answered(connection, clock_.now().boot);
    ending || !connection.keeps() ? shut(connection) : connections_.rests(connection);
  }

  void ended(Connection& connection, std::string_view why) {
    connections_.lost(connection, why);
    shut(connection);
  }

  void shut(Connection& connection) {
    if (const auto words = connection.farewell(); !words.empty()) {
      (void)::send(connection.socket.get(), words.data(), words.size(), MSG_NOSIGNAL);
    }
    connections_.leaves(connection);
    connection.socket.reset();
    connections_.closed(connection);
  }

  const Clock& clock_;
  const std::unique_ptr<TlsClient> tls_;  // none: without TLS
  const std::shared_ptr<const Descriptor> wake_;
  Descriptor epoll_;
  Dialing dialing_;
  Connections connections_;
  const Dialing::Each begins_ = [this](const Dialing::Due& due) {
    Connection& connection = connections_[due.number];
    if (due.still(connection)) connect_it(connection);
  };
  const Dialing::Each tries_another_ = [this](const Dialing::Due& due) {
    Connection& connection = connections_[due.number];
    if (due.still(connection)) not_reached(connection, kSilent);
  };
  std::vector<std::pair<std::uint32_t, bool>> unread_;
  std::array<char, kPiece> piece_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_epoll_transport(const Clock& clock,
                                                        std::size_t most_connections,
                                                        const PlainHttp& to) {
  TRY(tls, tls_for(to));
  TRY(wake, wake_up());
  auto transport = std::make_unique<EpollTransport>(clock, most_connections, to, std::move(tls),
                                                    std::move(wake));
  TRY_OK(transport->open());
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace gameday
