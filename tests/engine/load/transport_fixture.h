// The transports of HTTP, against the far end of a socket in the test's own hand.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <thread>

#include "engine/load/answer_checks.h"
#include "engine/load/http_request.h"
#include "engine/load/request_pattern.h"
#include "engine/load/transport.h"
#include "engine/sys/descriptor.h"
#include "tests/engine/load/tls_far_end.h"

namespace gameday {

constexpr const char* kYes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A connection as the server has it, with TLS around what is said or without.
class FarEnd {
 public:
  explicit FarEnd(int number, std::unique_ptr<TlsFarEnd> tls = nullptr)
      : socket_(number), tls_(std::move(tls)) {}
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(socket_); }
  [[nodiscard]] TlsFarEnd& tls() const { return *tls_; }
  // False: nobody takes all of it.
  bool say(std::string_view text) const {
    if (tls_ != nullptr) return tls_->say(text);
    while (!text.empty()) {
      const auto taken = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (taken <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(taken));
    }
    return true;
  }
  // What has come until it ends with that.
  [[nodiscard]] std::string hear(const std::string& end = "\r\n\r\n") const {
    std::string heard;
    char bytes[65536];
    bool ended = false;
    while (!heard.ends_with(end) && has_come(100)) {
      const auto got = take(bytes, sizeof bytes, ended);
      if (got <= 0) break;
      heard.append(bytes, static_cast<std::size_t>(got));
    }
    return heard;
  }
  // From where it comes: "127.0.0.1".
  [[nodiscard]] std::string peer() const {
    SocketAddress from;
    from.size = sizeof from.bytes;
    EXPECT_EQ(getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&from.bytes), &from.size), 0);
    return from.number();
  }
  // Within two seconds.
  [[nodiscard]] bool has_ended() const {
    char byte = 0;
    bool ended = false;
    return has_come(2000) && take(&byte, 1, ended) <= 0 && ended;
  }
  void close() {
    if (tls_ != nullptr) tls_->say_bye();
    socket_.reset();
  }
  void cut() { socket_.reset(); }  // without a word of TLS
  void reset() {
    const linger now{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
  }

 private:
  [[nodiscard]] bool has_come(int milliseconds) const {
    pollfd wait{socket_.get(), POLLIN, 0};
    return (tls_ != nullptr && tls_->has_some()) || poll(&wait, 1, milliseconds) == 1;
  }
  long take(char* to, std::size_t size, bool& ended) const {
    if (tls_ != nullptr) return tls_->hear(to, size, ended);
    const auto got = recv(socket_.get(), to, size, 0);
    ended = got <= 0;
    return got;
  }

  Descriptor socket_;
  std::unique_ptr<TlsFarEnd> tls_;
};

enum class Kind { curl, epoll, epoll_tls, uring, uring_tls };

inline bool is_uring(Kind kind) { return kind >= Kind::uring; }
inline bool is_tls(Kind kind) { return kind == Kind::epoll_tls || kind == Kind::uring_tls; }

// Those from that one on that this machine has.
inline std::vector<Kind> kinds_here(Kind first = Kind::curl) {
  const bool ring = static_cast<bool>(make_uring_transport(SystemClock(), 1, {}));
  std::vector<Kind> kinds;
  for (const Kind kind : {Kind::curl, Kind::epoll, Kind::epoll_tls, Kind::uring, Kind::uring_tls}) {
    if (kind >= first && (ring || !is_uring(kind))) kinds.push_back(kind);
  }
  return kinds;
}

inline std::vector<Kind> plain_kinds_here() {
  auto kinds = kinds_here(Kind::epoll);
  std::erase_if(kinds, is_tls);
  return kinds;
}
inline std::vector<Kind> tls_kinds_here() {
  auto kinds = kinds_here();
  std::erase_if(kinds, [](Kind kind) { return !is_tls(kind); });
  return kinds;
}

class TransportTest : public testing::TestWithParam<Kind> {
 protected:
  TransportTest() {
    listener_ = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_.get(), any, size), 0);
    EXPECT_EQ(listen(listener_.get(), 64), 0);
    EXPECT_EQ(getsockname(listener_.get(), any, &size), 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    if (!is_tls(GetParam())) return;
    url_.insert(4, "s");
    trust_test_authority();
    serves({});
  }
  // With TLS: so from now on.
  void serves(const TlsFarTerms& terms) { tls_ = std::make_unique<TlsFarServer>(terms); }
  void SetUp() override { make(4); }
  void make(std::size_t most) {
    LoadRequest pattern;
    pattern.url = url_ + "/a";
    const auto plain = plain_http(pattern);
    ASSERT_TRUE(plain);
    to_ = *plain;
    auto made = made_by(GetParam(), most, to_);
    ASSERT_TRUE(made) << made.error().text;
    transport_ = std::move(*made);
  }
  [[nodiscard]] Result<std::unique_ptr<Transport>> made_by(Kind kind, std::size_t most,
                                                           const PlainHttp& to) const {
    if (kind == Kind::curl) return make_curl_transport(clock_, most);
    if (is_uring(kind)) return make_uring_transport(clock_, most, to);
    return make_epoll_transport(clock_, most, to);
  }
  [[nodiscard]] TransportRequest asking(const std::string& method = "GET",
                                        const std::string& body = "", const Headers& headers = {}) {
    const LoadRequest pattern{method, url_ + "/orders/1?all", body, headers};
    patterns_.push_back(std::make_unique<RequestPattern>(pattern, "01J", "checkout", 7, secrets_));
    TransportRequest request;
    request.ticket = ++last_;
    request.pattern = patterns_.back().get();
    request.give_up = clock_.in(std::chrono::seconds(10));
    return request;
  }
  std::size_t send(const TransportRequest& request) {
    EXPECT_TRUE(transport_->send(request));
    return request.ticket;
  }
  void work(Duration length) {
    const Instant end = clock_.in(length);
    while (clock_.now().boot < end) {
      transport_->work(end, [this](const TransportAnswer& a) { answers_[a.ticket] = a; });
    }
  }
  // The connection that the transport opens next.
  FarEnd accepted() {
    for (int i = 0; i < 600; ++i) {
      const int number = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (number >= 0) return is_tls(GetParam()) ? shaken(number) : FarEnd(number);
      work(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "nobody connects";
    return FarEnd(-1);
  }
  // One that nothing is said on.
  Descriptor silently_accepted() {
    for (int i = 0; i < 600; ++i) {
      Descriptor made(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (made) return made;
      work(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "nobody connects";
    return {};
  }
  // What is heard on it by turns with our own work.
  std::string hears_while_we_work(const FarEnd& far) {
    std::string heard;
    for (int i = 0; i < 20 && !heard.ends_with("\r\n\r\n"); ++i) {
      work(std::chrono::milliseconds(10));
      heard += far.hear();
    }
    return heard;
  }
  // Hands are shaken on it, or it says what was wrong.
  FarEnd shaken(int number) {
    fcntl(number, F_SETFL, O_NONBLOCK);
    auto tls = std::make_unique<TlsFarEnd>(*tls_, number);
    auto how = TlsFarEnd::Shaken::no;
    for (int i = 0; i < 2000 && how == TlsFarEnd::Shaken::no; ++i) {
      how = tls->shake();
      if (how == TlsFarEnd::Shaken::no) work(std::chrono::milliseconds(1));
    }
    fcntl(number, F_SETFL, 0);
    const timeval most{0, 100'000};
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    return FarEnd(number, std::move(tls));
  }
  [[nodiscard]] bool somebody_connects() {
    work(std::chrono::milliseconds(20));
    return static_cast<bool>(Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  // What became of it, and with which status: "ok 200".
  std::string end_of(std::size_t seq, Duration within = std::chrono::seconds(5)) {
    const Instant last = clock_.in(within);
    while (!answers_.contains(seq) && clock_.now().boot < last) work(std::chrono::milliseconds(2));
    if (!answers_.contains(seq)) return "none";
    const auto& answer = answers_[seq];
    return std::string(name_of(answer.outcome)) + " " + std::to_string(answer.status);
  }
  // Sends one and lets the server hear it, on a new connection.
  FarEnd heard(std::size_t& seq, const std::string& method = "GET") {
    seq = send(asking(method));
    FarEnd far = accepted();
    work(std::chrono::milliseconds(20));
    EXPECT_TRUE(far.hear().starts_with(method + " /orders/1?all HTTP/1.1\r\n"));
    return far;
  }

  SystemClock clock_;
  Descriptor listener_;
  std::string url_;
  PlainHttp to_;
  std::unique_ptr<TlsFarServer> tls_;
  Secrets secrets_;
  std::vector<std::unique_ptr<RequestPattern>> patterns_;
  std::unique_ptr<Transport> transport_;
  std::map<std::size_t, TransportAnswer> answers_;
  std::size_t last_ = 0;
};

inline std::string name_of_kind(const testing::TestParamInfo<Kind>& each) {
  switch (each.param) {
    case Kind::curl: return "curl";
    case Kind::epoll: return "epoll";
    case Kind::epoll_tls: return "epoll_tls";
    case Kind::uring: return "uring";
    case Kind::uring_tls: return "uring_tls";
  }
  return "";
}

}  // namespace gameday
