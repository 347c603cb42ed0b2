// HTTP/1.1 without TLS over our own sockets and one epoll(7): what the load's thread spends on a
// request is a send, a receive and its share of a wait. For addresses alone: names are looked up by
// libcurl's transport, which waits for no name server.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>

#include "engine/base/assert.h"
#include "engine/load/http_reader.h"
#include "engine/load/http_request.h"
#include "engine/load/transport.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

constexpr std::size_t kPiece = 65536;
constexpr int kMostPieces = 16;  // that one connection may take up before the others

struct Connection {
  std::uint64_t number = 0;
  enum class Stage { closed, connecting, idle, busy };
  Descriptor socket;
  Stage stage = Stage::closed;
  HttpReader answer;
  // The request that it carries:
  std::uint64_t seq = 0;
  Instant give_up;
  std::string out;
  std::size_t sent = 0;  // bytes of it
};

class EpollTransport : public Transport {
 public:
  EpollTransport(const Clock& clock, std::size_t most, PlainHttp to)
      : clock_(clock), most_(most), to_(std::move(to)) {}

  Status open() {
    epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
    wake_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!epoll_ || !wake_) return std::unexpected(system_error(errno, "load"));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWake;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
      return std::unexpected(system_error(errno, "load"));
    }
    return {};
  }

  bool full() const override { return in_flight_ >= most_; }
  std::size_t in_flight() const override { return in_flight_; }

  void send(TransportRequest request) override {
    GD_ASSERT(!full());
    ++in_flight_;
    auto written = written_out(request, to_);
    if (!written) return told({request.seq, clock_.now().boot, SampleOutcome::not_sent, 0, {}});
    next_give_up_ = std::min(next_give_up_, request.give_up);
    while (true) {
      Connection& connection = free_connection();
      connection.seq = request.seq;
      connection.give_up = request.give_up;
      connection.out = *written;
      connection.sent = 0;
      connection.answer.expect(request.method == "HEAD");
      if (connection.stage == Connection::Stage::closed) return connect_it(connection);
      connection.stage = Connection::Stage::busy;
      if (write_out(connection)) return;
      // It had ended while it had no work, and took no byte: another one may have the request.
    }
  }

  void work(Instant until, const std::function<void(const TransportAnswer&)>& each) override {
    std::array<epoll_event, 256> events;
    const int seen = wait(events, until);
    for (int i = 0; i < seen; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWake) {
        eventfd_t count = 0;
        (void)eventfd_read(wake_.get(), &count);
      } else {
        happened(event);
      }
    }
    for (const auto& [number, ending] : std::exchange(unread_, {})) {
      Connection& connection = connections_[number];
      if (connection.stage == Connection::Stage::busy) read_in(connection, ending);
    }
    if (clock_.now().boot >= next_give_up_) give_up();
    given_.clear();
    std::swap(given_, told_);
    for (const auto& answer : given_) each(answer);
  }

  void wake() override { eventfd_write(wake_.get(), 1); }

 private:
  static constexpr std::uint64_t kWake = ~std::uint64_t{0};

  int wait(std::array<epoll_event, 256>& events, Instant until) {
    const Instant at = std::min(until, next_give_up_);
    const bool idle = told_.empty() && unread_.empty();
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

  void told(const TransportAnswer& answer) {
    --in_flight_;
    told_.push_back(answer);
  }

  // The one without work that had some last; else one that is to be opened.
  Connection& free_connection() {
    auto& some = idle_.empty() ? closed_ : idle_;
    if (some.empty()) {
      Connection& made = connections_.emplace_back();
      made.number = connections_.size() - 1;
      return made;
    }
    Connection& connection = connections_[some.back()];
    some.pop_back();
    return connection;
  }

  void connect_it(Connection& connection) {
    connection.socket = Descriptor(
        socket(to_.address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    const int on = 1;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = connection.number;
    const int descriptor = connection.socket.get();
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        (connect(descriptor, to_.address.get(), to_.address.size) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
      return ended(connection, SampleOutcome::not_sent);
    }
    connection.stage = Connection::Stage::connecting;
  }

  // All of it, or as much as goes now. False: the other side had closed before a byte was taken.
  bool write_out(Connection& connection) {
    while (connection.sent < connection.out.size()) {
      const auto taken = ::send(connection.socket.get(), connection.out.data() + connection.sent,
                                connection.out.size() - connection.sent, MSG_NOSIGNAL);
      if (taken >= 0) {
        connection.sent += static_cast<std::size_t>(taken);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return true;
      if (connection.sent == 0) {
        shut(connection);
        return false;
      }
      return true;  // an answer may have come before the end, and an event tells of both
    }
    return true;
  }

  void happened(const epoll_event& event) {
    Connection& connection = connections_[event.data.u64];
    if (connection.stage == Connection::Stage::closed) return;  // by an event before this one
    if (connection.stage == Connection::Stage::connecting) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return ended(connection, SampleOutcome::not_sent);
      if ((event.events & EPOLLOUT) == 0) return;
      connection.stage = Connection::Stage::busy;
    }
    if (connection.stage == Connection::Stage::busy && connection.sent < connection.out.size() &&
        !write_out(connection)) {
      return told({connection.seq, clock_.now().boot, SampleOutcome::not_sent, 0, {}});
    }
    if (connection.stage == Connection::Stage::closed) return;
    read_in(connection, (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
  }

  // `ending`: the other side says no more after what is there, and of that there is no event again.
  void read_in(Connection& connection, bool ending) {
    for (int pieces = 0; pieces < kMostPieces; ++pieces) {
      const auto got = recv(connection.socket.get(), piece_.data(), piece_.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (connection.stage == Connection::Stage::idle) return forget(connection);
      if (got <= 0) {
        const bool whole = got == 0 && connection.answer.end() == HttpReader::State::whole;
        return whole ? answered(connection, true) : ended(connection, lost(connection));
      }
      const auto state = connection.answer.take({piece_.data(), static_cast<std::size_t>(got)});
      if (state == HttpReader::State::broken) return ended(connection, lost(connection));
      if (state == HttpReader::State::whole) return answered(connection, ending);
      // Less than there was room for: nothing is left, and more would be another event.
      if (static_cast<std::size_t>(got) < piece_.size() && !ending) return;
    }
    unread_.emplace_back(connection.number, ending);  // others have their turn first
  }

  static SampleOutcome lost(const Connection& connection) {
    return connection.sent > 0 ? SampleOutcome::unknown : SampleOutcome::not_sent;
  }

  void answered(Connection& connection, bool ending) {
    const int status = connection.answer.status();
    told({connection.seq, clock_.now().boot, outcome_of(status), status, {}});
    if (ending || !connection.answer.keeps() || connection.sent < connection.out.size()) {
      return shut(connection);
    }
    connection.stage = Connection::Stage::idle;
    idle_.push_back(connection.number);
  }

  void ended(Connection& connection, SampleOutcome outcome) {
    told({connection.seq, clock_.now().boot, outcome, 0, {}});
    shut(connection);
  }

  // One that had no work; the other side is tired of it.
  void forget(Connection& connection) {
    std::erase(idle_, connection.number);
    shut(connection);
  }

  void shut(Connection& connection) {
    connection.socket.reset();
    connection.stage = Connection::Stage::closed;
    closed_.push_back(connection.number);
  }

  // Each that carries a request which is to wait no longer; and when the next one is.
  void give_up() {
    const Instant now = clock_.now().boot;
    next_give_up_ = Instant::max();
    for (auto& connection : connections_) {
      if (connection.stage != Connection::Stage::connecting &&
          connection.stage != Connection::Stage::busy) {
        continue;
      }
      if (connection.give_up <= now) {
        ended(connection, lost(connection));
      } else {
        next_give_up_ = std::min(next_give_up_, connection.give_up);
      }
    }
  }

  const Clock& clock_;
  const std::size_t most_;
  const PlainHttp to_;
  Descriptor epoll_, wake_;
  std::deque<Connection> connections_;        // by number; they stay where they are
  std::vector<std::uint64_t> idle_, closed_;  // the last that was used is at the end
  std::size_t in_flight_ = 0;
  Instant next_give_up_ = Instant::max();  // or later: those that were answered stay in it
  std::vector<std::pair<std::uint64_t, bool>> unread_;
  std::vector<TransportAnswer> told_, given_;  // those that nobody has been given yet
  std::array<char, kPiece> piece_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_epoll_transport(const Clock& clock,
                                                        std::size_t most_connections,
                                                        const PlainHttp& to) {
  auto transport = std::make_unique<EpollTransport>(clock, most_connections, to);
  TRY_OK(transport->open());
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace gameday
