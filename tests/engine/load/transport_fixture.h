// The transports of HTTP, against the far end of a socket in the test's own hand.
#pragma once

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

namespace gameday {

constexpr const char* kYes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A connection as the server has it.
class FarEnd {
 public:
  explicit FarEnd(int number) : socket_(number) {}
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(socket_); }
  // False: nobody takes all of it.
  bool say(std::string_view text) const {
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
    pollfd wait{socket_.get(), POLLIN, 0};
    while (!heard.ends_with(end) && poll(&wait, 1, 0) >= 0 && poll(&wait, 1, 100) == 1) {
      const auto got = recv(socket_.get(), bytes, sizeof bytes, 0);
      if (got <= 0) break;
      heard.append(bytes, static_cast<std::size_t>(got));
    }
    return heard;
  }
  // Within two seconds.
  [[nodiscard]] bool has_ended() const {
    char byte = 0;
    pollfd wait{socket_.get(), POLLIN, 0};
    return poll(&wait, 1, 2000) == 1 && recv(socket_.get(), &byte, 1, 0) <= 0;
  }
  void close() { socket_.reset(); }
  void reset() {
    const linger now{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
  }

 private:
  Descriptor socket_;
};

enum class Kind { curl, epoll, uring };

// Those from that one on that this machine has.
inline std::vector<Kind> kinds_here(Kind first = Kind::curl) {
  std::vector<Kind> kinds;
  for (const Kind kind : {Kind::curl, Kind::epoll}) {
    if (kind >= first) kinds.push_back(kind);
  }
  if (make_uring_transport(SystemClock(), 1, {})) kinds.push_back(Kind::uring);
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
  }
  void SetUp() override { make(4); }
  void make(std::size_t most) {
    LoadRequest pattern;
    pattern.url = url_ + "/a";
    const auto plain = plain_http(pattern);
    ASSERT_TRUE(plain);
    to_ = *plain;
    auto made = GetParam() == Kind::curl    ? make_curl_transport(clock_, most)
                : GetParam() == Kind::epoll ? make_epoll_transport(clock_, most, *plain)
                                            : make_uring_transport(clock_, most, *plain);
    ASSERT_TRUE(made) << made.error().text;
    transport_ = std::move(*made);
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
    for (int i = 0; i < 200; ++i) {
      const int number = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (number >= 0) return FarEnd(number);
      work(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "nobody connects";
    return FarEnd(-1);
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
    case Kind::uring: return "uring";
  }
  return "";
}

}  // namespace gameday
