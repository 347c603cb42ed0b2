#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>
#include <thread>

#include "engine/rows.h"

namespace gameday {

extern const ProbeRow http_probe;

namespace {

using namespace std::chrono_literals;

// Gives every connection the same answer; an empty one is none at all.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {
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
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/healthz"; }

 private:
  void serve(const std::stop_token& stop) {
    std::vector<Descriptor> silent;
    while (!stop.stop_requested()) {
      pollfd wait{listener_.get(), POLLIN, 0};
      if (poll(&wait, 1, 5) <= 0) continue;
      Descriptor connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char request[4096];
      if (recv(connection.get(), request, sizeof request, 0) <= 0) continue;
      send(connection.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      if (answer_.empty()) silent.push_back(std::move(connection));
    }
  }
  std::string answer_;
  Descriptor listener_;
  int port_ = 0;
  std::jthread thread_;
};

std::string answer_of(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpProbeTest : public testing::Test {
 protected:
  Answer ask(const Json& arguments, Duration d = 10s) {
    const Doors doors{clock_, files_, *processes_, *http_, {}};
    return http_probe.ask(arguments, {doors, system_, secrets_, "01J", "", "", {{}, clock_.in(d)}});
  }
  SystemClock clock_;
  Files files_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::unique_ptr<Http> http_ = make_curl_http(clock_);
  System system_;
  Secrets secrets_;
};

TEST_F(HttpProbeTest, TheExpectedAnswerIsGood) {
  OneAnswer server(answer_of(200, "all is well"));
  const auto plain = ask(Json::object({{"url", server.url()}}));
  EXPECT_TRUE(plain.ok);
  EXPECT_EQ(plain.text, "status 200");
  const auto body = ask(
      Json::object({{"url", server.url()},
                    {"method", "GET"},
                    {"expect", Json::object({{"status", 200}, {"body_contains", "is well"}})}}));
  EXPECT_TRUE(body.ok) << body.text;
}

TEST_F(HttpProbeTest, AnotherStatusIsNot) {
  OneAnswer server(answer_of(503, ""));
  const auto answer = ask(Json::object({{"url", server.url()}}));
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "status 503, expected 200");
  EXPECT_TRUE(
      ask(Json::object({{"url", server.url()}, {"expect", Json::object({{"status", 503}})}})).ok);
}

TEST_F(HttpProbeTest, ABodyWithoutTheTextIsNot) {
  OneAnswer server(answer_of(200, "degraded"));
  const auto answer = ask(Json::object(
      {{"url", server.url()}, {"expect", Json::object({{"body_contains", "is well"}})}}));
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "status 200, but the body does not contain 'is well'");
}

TEST_F(HttpProbeTest, NoAnswerInTimeIsNot) {
  OneAnswer server("");
  const auto answer = ask(Json::object({{"url", server.url()}}), 50ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "no answer (no answer in time), expected status 200");
}

TEST_F(HttpProbeTest, ARefusedConnectionIsNot) {
  const std::string url = OneAnswer("").url();
  const auto answer = ask(Json::object({{"url", url}}));
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.starts_with("no answer (")) << answer.text;
}

TEST_F(HttpProbeTest, ASecretInTheUrlIsSentAndNotTold) {
  secrets_.learn("env:SHOP_TOKEN", "canary");
  const auto refused = ask(Json::object({{"url", "http://127.0.0.1:1/${env:SHOP_TOKEN}"}}));
  EXPECT_FALSE(refused.ok);
  EXPECT_FALSE(refused.text.contains("canary")) << refused.text;
  const auto unknown = ask(Json::object({{"url", "http://127.0.0.1:1/${env:GAMEDAY_NO_SUCH}"}}));
  EXPECT_FALSE(unknown.ok);
  EXPECT_TRUE(unknown.text.contains("GAMEDAY_NO_SUCH")) << unknown.text;
}

}  // namespace
}  // namespace gameday
