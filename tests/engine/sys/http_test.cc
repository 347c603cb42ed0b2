#include "engine/sys/http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace gameday {
namespace {

using namespace std::chrono_literals;

// Answers each connection on a raw socket, so that it can answer wrongly too.
class RawServer {
 public:
  // `answer` gets the connection and the request's bytes up to the blank line; then it is closed.
  using Handler = std::function<void(int connection, const std::string& request)>;
  explicit RawServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_.get(), generic, length), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    EXPECT_EQ(getsockname(listener_.get(), generic, &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int connections() const { return connections_; }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd wait{listener_.get(), POLLIN, 0};
      if (poll(&wait, 1, 5) <= 0) continue;
      const Descriptor connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      ++connections_;
      const timeval patience{0, 20000};
      setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      while (!stop.stop_requested() && serve_one(connection.get(), stop)) continue;
    }
  }
  bool serve_one(int connection, const std::stop_token& stop) {
    std::string request;
    char byte = 0;
    while (!request.ends_with("\r\n\r\n")) {
      const ssize_t got = recv(connection, &byte, 1, 0);
      pollfd next{listener_.get(), POLLIN, 0};
      const bool wanted = got >= 0 || poll(&next, 1, 0) > 0;  // an idle one gives way
      if (!wanted && errno == EAGAIN && !stop.stop_requested()) continue;
      if (got <= 0) return false;
      request += byte;
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    handler_(connection, request);
    return keep_;
  }

 public:
  std::atomic<bool> keep_ = false;

 private:
  Handler handler_;
  Descriptor listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

bool say(int connection, std::string_view bytes) {
  return send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}
RawServer::Handler saying(const std::string& bytes) {
  return [bytes](int connection, const std::string&) { say(connection, bytes); };
}
// Reads on until the other side hangs up.
void never_answer(int connection, const std::string&) {
  char block[4096];
  ssize_t got = 0;
  for (int i = 0; i < 1000 && (got > 0 || i == 0 || errno == EAGAIN); ++i) {
    got = recv(connection, block, sizeof block, 0);
    if (got == 0) return;
  }
}

class HttpTest : public testing::Test {
 protected:
  Until within(Duration d) const { return {{}, clock_.in(d)}; }
  Result<HttpAnswer> get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return http_->send(request, within(10s));
  }
  ErrorCode code_of(const Result<HttpAnswer>& answer) {
    EXPECT_FALSE(answer);
    return answer ? ErrorCode::corrupt : answer.error().code;
  }
  SystemClock clock_;
  std::unique_ptr<Http> http_ = make_curl_http(clock_);
};

TEST_F(HttpTest, AnAnswerHasStatusHeadersAndBody) {
  RawServer server(
      saying("HTTP/1.1 503 Busy\r\nX-Reason:  full \r\nContent-Length: 4\r\n\r\nwait"));
  const auto answer = get(server.url("/healthz?x=1"));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "wait");
  const std::pair<std::string, std::string> reason{"x-reason", "full"};
  ASSERT_FALSE(answer->headers.empty());
  EXPECT_EQ(answer->headers.front(), reason);
  EXPECT_TRUE(server.requests().at(0).starts_with("GET /healthz?x=1 HTTP/1.1\r\n"));
}

TEST_F(HttpTest, AChunkedAnswerIsPutTogether) {
  RawServer server(saying(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  EXPECT_EQ(get(server.url())->body, "abcde");
}

TEST_F(HttpTest, OnlyTheFinalAnswersHeadersCount) {
  RawServer server(
      saying("HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\nHTTP/1.1 204 None\r\nX-Late: 1\r\n\r\n"));
  const auto answer = get(server.url());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  ASSERT_EQ(answer->headers.size(), 1U);
  EXPECT_EQ(answer->headers[0].first, "x-late");
}

TEST_F(HttpTest, MethodHeadersAndBodyAreSentAsGiven) {
  RawServer server([](int connection, const std::string&) {
    char body[8] = {};
    say(connection, recv(connection, body, 5, MSG_WAITALL) == 5 && std::string(body) == "hello"
                        ? "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"
                        : "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
  });
  const HttpRequest request{"PUT", server.url(), {{"X-Drill", "01J"}, {"X-Empty", ""}}, "hello"};
  const auto answer = http_->send(request, within(10s));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 201);
  const auto sent = server.requests().at(0);
  EXPECT_TRUE(sent.starts_with("PUT / HTTP/1.1\r\n"));
  EXPECT_TRUE(sent.contains("X-Drill: 01J\r\nX-Empty:\r\n")) << sent;
  EXPECT_TRUE(sent.contains("Content-Length: 5\r\n"));
  EXPECT_FALSE(sent.contains("Content-Type")) << sent;
  EXPECT_FALSE(sent.contains("Accept-Encoding")) << sent;
  EXPECT_FALSE(sent.contains("Expect")) << sent;
}

TEST_F(HttpTest, HeadBringsNoBodyAndDeleteSendsNone) {
  RawServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"));
  EXPECT_EQ(http_->send({"HEAD", server.url()}, within(10s))->body, "");
  RawServer other(saying("HTTP/1.1 204 No\r\n\r\n"));
  EXPECT_EQ(http_->send({"DELETE", other.url()}, within(10s))->status, 204);
  EXPECT_FALSE(other.requests().at(0).contains("Content-Length"));
}

TEST_F(HttpTest, APeerThatNeverAnswersIsLeftAtTheStop) {
  RawServer server(&never_answer);
  StopSource source;
  auto sent = std::async(std::launch::async, [&] {
    HttpRequest request;
    request.url = server.url();
    return http_->send(request, {source.stop(), clock_.in(60s)});
  });
  while (server.requests().empty()) std::this_thread::yield();
  const Instant asked = clock_.now().boot;
  source.request();
  EXPECT_EQ(code_of(sent.get()), ErrorCode::stopped);
  EXPECT_LT(clock_.now().boot - asked, Duration(200ms));
}

TEST_F(HttpTest, TheDeadlineEndsTheWaiting) {
  RawServer server(&never_answer);
  HttpRequest request;
  request.url = server.url();
  EXPECT_EQ(code_of(http_->send(request, within(30ms))), ErrorCode::timed_out);
}

TEST_F(HttpTest, AStopBeforehandAsksNobody) {
  RawServer server(saying("HTTP/1.1 200 OK\r\n\r\n"));
  StopSource source;
  source.request();
  HttpRequest request;
  request.url = server.url();
  EXPECT_EQ(code_of(http_->send(request, {source.stop(), clock_.in(5s)})), ErrorCode::stopped);
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(HttpTest, AnEndlessBodyIsCutOffAtTheBound) {
  RawServer server([](int connection, const std::string&) {
    say(connection, "HTTP/1.1 200 OK\r\n\r\n");
    while (say(connection, std::string(65536, 'x'))) continue;
  });
  HttpRequest request;
  request.url = server.url();
  request.largest_answer = 100000;
  const auto answer = http_->send(request, within(20s));
  EXPECT_EQ(code_of(answer), ErrorCode::invalid);
  EXPECT_EQ(answer.error().text,
            "GET " + server.url() + ": the answer is longer than 100000 bytes");
}

TEST_F(HttpTest, EndlessHeadersAreCutOffAtTheBound) {
  RawServer server([](int connection, const std::string&) {
    say(connection, "HTTP/1.1 200 OK\r\n");
    while (say(connection, "X-More: " + std::string(1000, 'x') + "\r\n")) continue;
  });
  const auto answer = get(server.url());
  EXPECT_EQ(code_of(answer), ErrorCode::invalid);
  EXPECT_TRUE(answer.error().text.contains("headers are longer")) << answer.error().text;
}

TEST_F(HttpTest, ABodyShorterThanItsLengthIsNoAnswer) {
  RawServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
  EXPECT_EQ(code_of(get(server.url())), ErrorCode::failed);
}

TEST_F(HttpTest, WhatIsNoHttpIsNoAnswer) {
  RawServer server(saying("220 mail.example ready\r\n"));
  EXPECT_EQ(code_of(get(server.url())), ErrorCode::invalid);
  RawServer silent([](int, const std::string&) {});
  EXPECT_EQ(code_of(get(silent.url())), ErrorCode::failed);
}

TEST_F(HttpTest, ALengthThatCannotBeCountedIsNoHttp) {
  for (const char* length : {"99999999999999999999", "-1", "many", "", "0x10"}) {
    RawServer server(
        saying("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(length) + "\r\n\r\nabc"));
    EXPECT_EQ(code_of(get(server.url())), ErrorCode::invalid) << length;
  }
}

TEST_F(HttpTest, ARedirectIsAnAnswerAndNotFollowed) {
  RawServer target(saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  RawServer server(
      saying("HTTP/1.1 302 Found\r\nLocation: " + target.url() + "\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(get(server.url())->status, 302);
  EXPECT_EQ(target.requests().size(), 0U);
}

TEST_F(HttpTest, ARefusedConnectionIsAnError) {
  std::string url;
  {
    url = RawServer([](int, const std::string&) {}).url();
  }
  EXPECT_EQ(code_of(get(url)), ErrorCode::failed);
}

TEST_F(HttpTest, AResetConnectionIsAnError) {
  RawServer server([](int connection, const std::string&) {
    say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    const linger now{1, 0};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  });
  EXPECT_EQ(code_of(get(server.url())), ErrorCode::failed);
}

TEST_F(HttpTest, AProxyFromTheEnvironmentIsNotUsed) {
  RawServer proxy(saying("HTTP/1.1 502 Proxy\r\nContent-Length: 0\r\n\r\n"));
  RawServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  setenv("http_proxy", proxy.url().c_str(), 1);
  setenv("ALL_PROXY", proxy.url().c_str(), 1);
  const auto answer = get(server.url());
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(proxy.requests().size(), 0U);
}

TEST_F(HttpTest, RequestsThatCannotBeSentAreRefusedUnsent) {
  for (const char* url : {"", "ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "http://",
                          "http://127.0.0.1:99999/", "http://127.0.0.1/\r\nX: y"}) {
    EXPECT_EQ(code_of(get(url)), ErrorCode::invalid) << url;
  }
  RawServer server(saying("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_EQ(code_of(http_->send({"GET /x HTTP/1.1\r\n", server.url()}, within(1s))),
            ErrorCode::invalid);
  EXPECT_EQ(code_of(http_->send({"GET", server.url(), {{"X", "a\r\nY: b"}}}, within(1s))),
            ErrorCode::invalid);
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(HttpTest, AnErrorShowsNeitherPasswordNorQuery) {
  const auto answer =
      http_->send({"GET", "http://me:canary@127.0.0.1:1/a?token=canary"}, within(5s));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().text.starts_with("GET http://127.0.0.1:1/a: "));
  EXPECT_FALSE(answer.error().text.contains("canary"));
}

TEST_F(HttpTest, ReadsShareAConnection) {
  RawServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  server.keep_ = true;
  ASSERT_TRUE(get(server.url()));
  ASSERT_TRUE(get(server.url()));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, AWriteThatGotNoAnswerIsNotSentAgain) {
  RawServer server([&](int connection, const std::string& request) {
    if (request.starts_with("GET")) {
      say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    } else {
      shutdown(connection, SHUT_RDWR);
    }
  });
  server.keep_ = true;
  ASSERT_TRUE(get(server.url()));
  EXPECT_EQ(code_of(http_->send({"POST", server.url()}, within(10s))), ErrorCode::failed);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(HttpTest, TheObserverSeesWritesAndNoReads) {
  std::vector<Side> seen;
  const auto http = make_curl_http(clock_, [&](std::string_view door, Side side) {
    EXPECT_EQ(door, "http");
    seen.push_back(side);
  });
  RawServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  ASSERT_TRUE(http->send({"GET", server.url()}, within(10s)));
  ASSERT_TRUE(http->send({"HEAD", server.url()}, within(10s)));
  EXPECT_TRUE(seen.empty());
  ASSERT_TRUE(http->send({"POST", server.url()}, within(10s)));
  EXPECT_EQ(seen, (std::vector<Side>{Side::before, Side::after}));
}

TEST_F(HttpTest, ThreadsMaySendAtOnce) {
  RawServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(std::async(std::launch::async, [&] { return get(server.url()).has_value(); }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
}

TEST_F(HttpTest, PercentEncodingKeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encoded("aZ0-._~ /?&=\xc3\xa9"), "aZ0-._~%20%2F%3F%26%3D%C3%A9");
}

}  // namespace
}  // namespace gameday
