// Both transports of HTTP, against the far end of a socket in the test's own hand: what a server
// says and does, and what it must be taken for.
#include "engine/load/transport.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <thread>

#include "engine/load/http_request.h"
#include "engine/load/request_pattern.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kYes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A connection as the server has it.
class FarEnd {
 public:
  explicit FarEnd(int number) : socket_(number) {}
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(socket_); }
  void say(std::string_view text) const {
    while (!text.empty()) {
      const auto taken = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (taken <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(taken));
    }
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

enum class Kind { curl, epoll };

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
    make(4);
  }
  void make(std::size_t most) {
    LoadRequest pattern;
    pattern.url = url_ + "/a";
    const auto plain = plain_http(pattern);
    ASSERT_TRUE(plain);
    auto made = GetParam() == Kind::epoll ? make_epoll_transport(clock_, most, *plain)
                                          : make_curl_transport(clock_, most);
    ASSERT_TRUE(made);
    transport_ = std::move(*made);
  }
  [[nodiscard]] TransportRequest asking(const std::string& method = "GET",
                                        const std::string& body = "", const Headers& headers = {}) {
    const LoadRequest pattern{method, url_ + "/orders/1?all", body, headers};
    patterns_.push_back(std::make_unique<RequestPattern>(pattern, "01J", "checkout", 7, secrets_));
    TransportRequest request;
    request.ticket = ++last_;
    request.pattern = patterns_.back().get();
    request.give_up = clock_.in(seconds(10));
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
      work(milliseconds(5));
    }
    ADD_FAILURE() << "nobody connects";
    return FarEnd(-1);
  }
  [[nodiscard]] bool somebody_connects() {
    work(milliseconds(20));
    return static_cast<bool>(Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  // What became of it, and with which status: "ok 200".
  std::string end_of(std::size_t seq, Duration within = seconds(5)) {
    const Instant last = clock_.in(within);
    while (!answers_.contains(seq) && clock_.now().boot < last) work(milliseconds(2));
    if (!answers_.contains(seq)) return "none";
    const auto& answer = answers_[seq];
    return std::string(name_of(answer.outcome)) + " " + std::to_string(answer.status);
  }
  // Sends one and lets the server hear it, on a new connection.
  FarEnd heard(std::size_t& seq, const std::string& method = "GET") {
    seq = send(asking(method));
    FarEnd far = accepted();
    work(milliseconds(20));
    EXPECT_TRUE(far.hear().starts_with(method + " /orders/1?all HTTP/1.1\r\n"));
    return far;
  }

  SystemClock clock_;
  Descriptor listener_;
  std::string url_;
  Secrets secrets_;
  std::vector<std::unique_ptr<RequestPattern>> patterns_;
  std::unique_ptr<Transport> transport_;
  std::map<std::size_t, TransportAnswer> answers_;
  std::size_t last_ = 0;
};

TEST_P(TransportTest, SaysWhatIsAskedAndTakesTheAnswer) {
  const auto seq = send(asking("PUT", R"({"a":1})", {{"X-One", "1"}, {"X-None", ""}}));
  const FarEnd far = accepted();
  work(milliseconds(20));
  const std::string heard = far.hear("}");
  EXPECT_TRUE(heard.starts_with("PUT /orders/1?all HTTP/1.1\r\nHost: 127.0.0.1:")) << heard;
  for (const char* line : {"\r\nX-One: 1\r\n", "\r\nX-None:", "\r\nContent-Length: 7\r\n",
                           "\r\nContent-Type: application/json\r\n", "\r\n\r\n{\"a\":1}"}) {
    EXPECT_TRUE(heard.contains(line)) << line << " in " << heard;
  }
  EXPECT_FALSE(heard.contains("Expect")) << heard;
  EXPECT_EQ(transport_->in_flight(), 1U);
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_EQ(transport_->in_flight(), 0U);
}

TEST_P(TransportTest, KeepsItsConnectionAndOpensAnotherOneWhileItIsBusy) {
  std::size_t one = 0;
  const FarEnd far = heard(one);
  far.say(kYes);
  EXPECT_EQ(end_of(one), "ok 200");
  const auto two = send(asking());
  work(milliseconds(20));
  EXPECT_FALSE(far.hear().empty());
  EXPECT_FALSE(somebody_connects());
  const auto three = send(asking());
  const FarEnd other = accepted();
  work(milliseconds(20));
  EXPECT_FALSE(other.hear().empty());
  other.say(kYes);
  EXPECT_EQ(end_of(three), "ok 200");
  far.say(kYes);
  EXPECT_EQ(end_of(two), "ok 200");
}

TEST_P(TransportTest, TakesAnAnswerInPiecesAndChunks) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\n\r\n";
  for (const char letter : text) {
    EXPECT_FALSE(answers_.contains(seq));
    far.say({&letter, 1});
    work(milliseconds(1));
  }
  EXPECT_EQ(end_of(seq), "ok 201");
  (void)send(asking());
  EXPECT_FALSE(somebody_connects());
}

TEST_P(TransportTest, AnErrorIsRefusedAndARedirectIsNotFollowed) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end_of(seq), "refused 503");
  const auto next = send(asking());
  work(milliseconds(20));
  far.say("HTTP/1.1 302 Found\r\nLocation: " + url_ + "/b\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end_of(next), "refused 302");
}

TEST_P(TransportTest, AConnectionThatIsClosedAfterTheAnswerIsNotUsedAgain) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_TRUE(far.has_ended());
  std::size_t next = 0;
  FarEnd other = heard(next);
  other.say("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  other.close();
  EXPECT_EQ(end_of(next), "ok 200");
}

TEST_P(TransportTest, OneThatEndedWithoutWorkIsLetGo) {
  std::size_t seq = 0;
  FarEnd far = heard(seq);
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  far.close();
  work(milliseconds(20));
  std::size_t next = 0;
  const FarEnd other = heard(next);
  other.say(kYes);
  EXPECT_EQ(end_of(next), "ok 200");
}

TEST_P(TransportTest, AnAnswerAndTheEndAtOnceAreBothSeen) {
  std::size_t seq = 0;
  FarEnd far = heard(seq);
  far.say(kYes);
  far.close();
  EXPECT_EQ(end_of(seq), "ok 200");
  const auto next = send(asking());
  const FarEnd other = accepted();
  other.say(kYes);
  EXPECT_EQ(end_of(next), "ok 200");
}

// It may have been done, so it is sent to nobody else.
TEST_P(TransportTest, WhatWasHeardAndNotAnsweredIsUnknownAndNotSentAgain) {
  for (const bool reset : {false, true}) {
    std::size_t seq = 0;
    FarEnd far = heard(seq);
    reset ? far.reset() : far.close();
    EXPECT_EQ(end_of(seq), "unknown 0");
    EXPECT_FALSE(somebody_connects());
  }
}

TEST_P(TransportTest, AnAnswerThatIsNoneOrCutOffIsUnknown) {
  for (const std::string text :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n"}) {
    std::size_t seq = 0;
    FarEnd far = heard(seq);
    far.say(text);
    work(milliseconds(20));
    far.close();
    EXPECT_EQ(end_of(seq), "unknown 0") << text;
  }
}

TEST_P(TransportTest, OneThatIsNotAnsweredInTimeIsUnknownThen) {
  TransportRequest request = asking();
  const Instant begun = clock_.now().boot;
  request.give_up = begun + milliseconds(200);
  const auto seq = send(request);
  const FarEnd far = accepted();
  EXPECT_EQ(end_of(seq), "unknown 0");
  EXPECT_GE(answers_[seq].end - begun, milliseconds(199));
  EXPECT_LT(answers_[seq].end - begun, milliseconds(800));
  EXPECT_TRUE(far.hear().starts_with("GET "));
  EXPECT_TRUE(far.has_ended());
}

TEST_P(TransportTest, AnAnswerWithoutEndHoldsUpNobodyAndEndsInTime) {
  TransportRequest request = asking();
  request.give_up = clock_.in(milliseconds(600));
  const auto seq = send(request);
  FarEnd far = accepted();
  std::atomic<bool> over = false;
  std::jthread endless([&] {
    far.say("HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(1 << 20, 'x');
    while (!over) far.say(piece);
  });
  const auto next = send(asking());
  const FarEnd other = accepted();
  other.say(kYes);
  EXPECT_EQ(end_of(next), "ok 200");
  EXPECT_FALSE(answers_.contains(seq));
  EXPECT_EQ(end_of(seq), "unknown 0");
  over = true;
}

TEST_P(TransportTest, ARefusalOfABodyThatWasNotTakenIsSeen) {
  const auto seq = send(asking("POST", std::string(32 << 20, 'x')));
  FarEnd far = accepted();
  work(milliseconds(50));
  far.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end_of(seq), "refused 413");
  EXPECT_FALSE(somebody_connects());
}

TEST_P(TransportTest, WhoDoesNotListenIsSentNothing) {
  listener_.reset();
  EXPECT_EQ(end_of(send(asking())), "not_sent 0");
}

// Nobody takes its connection: it is made, and nothing but the kernel has the request.
TEST_P(TransportTest, AllThatItMayHaveIsFullAndGivenBackInTime) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(transport_->full());
    TransportRequest request = asking();
    request.give_up = clock_.in(milliseconds(150));
    (void)send(request);
  }
  EXPECT_TRUE(transport_->full());
  for (std::size_t seq = 1; seq <= 4; ++seq) EXPECT_EQ(end_of(seq), "unknown 0");
  EXPECT_FALSE(transport_->full());
  EXPECT_EQ(transport_->in_flight(), 0U);
}

TEST_P(TransportTest, ALargeBodyGoesOutAsFastAsItIsTaken) {
  const std::string body(8 << 20, 'x');
  const auto seq = send(asking("POST", body));
  const FarEnd far = accepted();
  std::string heard;
  for (int i = 0; i < 2000 && heard.size() < body.size() + 10; ++i) {
    work(milliseconds(1));
    heard += far.hear("\n\n");
    if (heard.size() > body.size()) break;
  }
  EXPECT_GT(heard.size(), body.size());
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
}

TEST_P(TransportTest, ToHeadThereIsNoBody) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq, "HEAD");
  far.say("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  EXPECT_EQ(end_of(seq), "ok 200");
}

TEST_P(TransportTest, WhoIsWokenReturns) {
  transport_->wake();
  const Instant begun = clock_.now().boot;
  transport_->work(clock_.in(seconds(5)), [](const TransportAnswer&) {});
  EXPECT_LT(clock_.now().boot - begun, seconds(1));
}

INSTANTIATE_TEST_SUITE_P(Each, TransportTest, testing::Values(Kind::curl, Kind::epoll),
                         [](const auto& each) {
                           return each.param == Kind::curl ? "curl" : "epoll";
                         });

}  // namespace
}  // namespace gameday
