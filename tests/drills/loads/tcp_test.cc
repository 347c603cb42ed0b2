#include <atomic>

#include "tests/drills/redis_fixture.h"
#include "tests/drills/row_load.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const LoadRow tcp_load;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Answers each line by `reply` of it, until that gives nothing: then it ends the connection.
class LineServer {
 public:
  using Reply = std::function<std::string(const std::string& line)>;
  explicit LineServer(Reply reply)
      : reply_(std::move(reply)), server_([this](int line, const std::stop_token& stop) {
          ++connections;
          serve(line, stop);
        }) {}
  [[nodiscard]] std::string address() const { return server_.address(); }
  std::atomic<int> connections = 0;

 private:
  void serve(int line, const std::stop_token& stop) const {
    while (true) {
      const std::string heard = TestServer::received(line, stop);
      const std::string said = heard.empty() ? "" : reply_(heard);
      if (said.empty() || !TestServer::give(line, said, stop)) return;
    }
  }
  const Reply reply_;
  TestServer server_;
};

class TcpLoadTest : public testing::Test {
 protected:
  static Json echo(const std::string& address) {
    return Json::object({{"address", address},
                         {"send", "ask {key} {digest}\n"},
                         {"expect", "{digest}"},
                         {"ends", "\n"}});
  }
  DeedWorld world_;
};

TEST_F(TcpLoadTest, WhatCannotWorkIsFoundByCheck) {
  const auto wrong = [&](std::string_view field, const std::string& text) {
    Json arguments = echo("127.0.0.1:1");
    arguments.set(field, text);
    return RowLoad(world_, tcp_load, arguments).wrong();
  };
  EXPECT_EQ(RowLoad(world_, tcp_load, echo("127.0.0.1:1")).wrong(), "");
  EXPECT_TRUE(wrong("send", "").contains("not empty"));
  EXPECT_TRUE(wrong("expect", "").contains("not empty"));
  EXPECT_TRUE(wrong("ends", "").contains("not empty"));
  EXPECT_TRUE(wrong("expect", "${env:WORD}").contains("no secrets"));
}

TEST_F(TcpLoadTest, KeptConnectionsCarryOneRequestAfterAnother) {
  LineServer server([](const std::string& line) { return line; });
  RowLoad load(world_, tcp_load, echo(server.address()));
  load.run(seconds(1));
  EXPECT_GT(load.count(SampleOutcome::ok), 50U);
  EXPECT_EQ(load.count(SampleOutcome::ok), load.samples().size());
  EXPECT_LE(server.connections.load(), 8 + 1) << "and one that looked whether it may";
  EXPECT_TRUE(load.undo());
  EXPECT_TRUE(load.gone().held);
}

TEST_F(TcpLoadTest, WithoutAnEndEachHasItsOwnConnection) {
  LineServer server([](const std::string& line) { return line; });
  Json arguments = echo(server.address());
  arguments.set("ends", "");
  RowLoad load(world_, tcp_load, arguments);
  load.run(milliseconds(300));
  EXPECT_GT(load.samples().size(), 10U);
  EXPECT_EQ(load.count(SampleOutcome::ok), load.samples().size());
  EXPECT_EQ(static_cast<std::size_t>(server.connections.load()), load.samples().size() + 1);
}

TEST_F(TcpLoadTest, AnotherAnswerIsNoAcknowledgement) {
  LineServer server([](const std::string&) { return std::string("busy\n"); });
  RowLoad load(world_, tcp_load, echo(server.address()));
  load.run(milliseconds(300));
  EXPECT_GT(load.samples().size(), 10U);
  EXPECT_EQ(load.count(SampleOutcome::refused), load.samples().size());
}

// Else the rest of one answer would be taken for the next one.
TEST_F(TcpLoadTest, WhoSaysMoreThanAnAnswerIsNotHeardAgain) {
  LineServer server([](const std::string& line) { return line + line; });
  RowLoad load(world_, tcp_load, echo(server.address()));
  load.run(milliseconds(300));
  EXPECT_GT(load.samples().size(), 10U);
  EXPECT_EQ(load.count(SampleOutcome::ok), load.samples().size());
  EXPECT_EQ(static_cast<std::size_t>(server.connections.load()), load.samples().size() + 1);
}

TEST_F(TcpLoadTest, AConnectionThatWasClosedMeanwhileIsMadeAnew) {
  TestServer once([](int line, const std::stop_token& stop) {
    const std::string heard = TestServer::received(line, stop);
    if (!heard.empty()) TestServer::give(line, heard, stop);
  });
  RowLoad load(world_, tcp_load, echo(once.address()));
  load.spec().rate = 20;
  load.run(seconds(1));
  EXPECT_GT(load.samples().size(), 10U);
  EXPECT_EQ(load.count(SampleOutcome::ok), load.samples().size());
}

TEST_F(TcpLoadTest, WhoClosesInsteadOfAnsweringLeavesItUnknown) {
  LineServer server([](const std::string&) { return std::string(); });
  RowLoad load(world_, tcp_load, echo(server.address()));
  load.run(milliseconds(300));
  EXPECT_GT(load.samples().size(), 10U);
  EXPECT_EQ(load.count(SampleOutcome::unknown), load.samples().size());
}

TEST_F(TcpLoadTest, WhoIsNotThereIsNotSentTo) {
  auto server = std::make_unique<LineServer>([](const std::string& line) { return line; });
  RowLoad load(world_, tcp_load, echo(server->address()));
  load.start();
  load.rest(milliseconds(200));
  server.reset();
  load.rest(milliseconds(300));
  load.end();
  EXPECT_GT(load.count(SampleOutcome::ok), 5U);
  EXPECT_GT(load.count(SampleOutcome::not_sent), 5U);
}

TEST_F(TcpLoadTest, WhoCannotBeReachedIsFoundBeforeTheDrill) {
  const LoopbackSocket bound(SOCK_STREAM, false);
  RowLoad load(world_, tcp_load, echo(bound.address()));
  load.prepare();
  const Status may = load.may();
  ASSERT_FALSE(may);
  EXPECT_TRUE(may.error().text.contains("Connection refused")) << may.error().text;
}

class TcpLoadOnRedisTest : public RedisTest {
 protected:
  // With the password of its user, which is a secret of the environment.
  [[nodiscard]] Json authorised() const {
    setenv("REDIS_PASSWORD", RedisProcess::kPassword, 1);
    return Json::object({{"address", address()},
                         {"send", "AUTH gameday ${env:REDIS_PASSWORD}\r\nPING {digest}\r\n"},
                         {"expect", "+OK\r\n$32\r\n{digest}\r\n"}});
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(redis_.port()); }
};

TEST_F(TcpLoadOnRedisTest, SpeaksToARealServerInItsWords) {
  RowLoad load(
      world_, tcp_load,
      Json::object(
          {{"address", address()}, {"send", "PING\r\n"}, {"expect", "+PONG"}, {"ends", "\r\n"}}));
  load.run(seconds(1));
  EXPECT_GT(load.count(SampleOutcome::ok), 50U);
  EXPECT_EQ(load.count(SampleOutcome::ok), load.samples().size());
}

TEST_F(TcpLoadOnRedisTest, SaysASecretWithoutShowingIt) {
  RowLoad load(world_, tcp_load, authorised());
  load.run(milliseconds(500));
  EXPECT_GT(load.count(SampleOutcome::ok), 20U);
  EXPECT_EQ(load.count(SampleOutcome::ok), load.samples().size());
}

TEST_F(TcpLoadOnRedisTest, AServerThatRefusesAcknowledgesNothing) {
  redis_.cli("ACL SETUSER gameday resetpass '>another'");
  RowLoad load(world_, tcp_load, authorised());
  load.run(milliseconds(300));
  EXPECT_GT(load.samples().size(), 10U);
  EXPECT_EQ(load.count(SampleOutcome::ok), 0U) << "its password is another one now";
}

}  // namespace
}  // namespace gameday
