#include "drills/systems/link.h"
#include "tests/probes/probe_world.h"
#include "tests/silent_name_server.h"

namespace gameday {

extern const ProbeRow tcp_probe;

namespace {

using namespace std::chrono_literals;

// Answers what it hears with `pieces`, sent one by one; `closes`: and ends.
TestServer::Serve saying(std::vector<std::string> pieces, bool closes = true) {
  return [pieces = std::move(pieces), closes](int line, const std::stop_token& stop) {
    if (TestServer::received(line, stop).empty()) return;
    for (const auto& piece : pieces) {
      TestServer::give(line, piece, stop);
      (void)poll(nullptr, 0, 5);  // so that each is a segment of its own
    }
    if (!closes) TestServer::keep(line, stop);
  };
}

class TcpProbeTest : public ProbeTest {
 protected:
  TcpProbeTest() : ProbeTest(tcp_probe) {}

  Answer ask_ping(const TestServer& peer, Duration d = 10s) { return attempt(ping(peer), d); }
  static Json ping(const TestServer& peer) {
    return Json::object({{"address", peer.address()}, {"send", "PING\r\n"}, {"expect", "PONG"}});
  }
};

TEST_F(TcpProbeTest, WhoAcceptsIsGood) {
  const LoopbackSocket listener(SOCK_STREAM);
  const auto answer = attempt(Json::object({{"address", listener.address()}}));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "connected");
}

TEST_F(TcpProbeTest, WhoRefusesIsNot) {
  const LoopbackSocket bound(SOCK_STREAM, false);
  const auto answer = attempt(Json::object({{"address", bound.address()}}));
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text,
            "not connected (cannot connect to " + bound.address() + ": Connection refused)");
}

TEST_F(TcpProbeTest, WhoNeverAcceptsIsNot) {
  // A full queue of connections: the kernel answers no more of them.
  const LoopbackSocket bound(SOCK_STREAM, false);
  ASSERT_EQ(listen(bound.get(), 0), 0);
  const auto first = connect_to(bound.address(), world_.context());
  ASSERT_TRUE(first);
  const auto answer = attempt(Json::object({{"address", bound.address()}}), 100ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "not connected (the deadline passed)");
}

TEST_F(TcpProbeTest, TheExpectedTextIsGoodHoweverItComes) {
  EXPECT_TRUE(ask_ping(TestServer(saying({"+PONG\r\n"}))).ok);
  EXPECT_TRUE(ask_ping(TestServer(saying({"+P", "ON", "G\r\n"}, false))).ok);
  const std::string much(64'000, 'x');
  const auto answer = ask_ping(TestServer(saying({much, "PONG"})));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "the peer said 'PONG'");
}

TEST_F(TcpProbeTest, AnotherTextIsNot) {
  const auto answer = ask_ping(TestServer(saying({"-ERR\r\n"})));
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "connected, but 'PONG' is not in the 6 bytes that came (the peer closed)");
}

TEST_F(TcpProbeTest, TheTextAfterTheBoundIsNot) {
  const std::string much(64 << 10, 'x');
  const auto answer = ask_ping(TestServer(saying({much, "PONG"})));
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text,
            "connected, but 'PONG' is not in the 65536 bytes that came (the peer sent more)");
}

TEST_F(TcpProbeTest, WhoAcceptsAndSaysNothingIsNot) {
  const TestServer silent(TestServer::keep);
  const auto answer = ask_ping(silent, 100ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text,
            "connected, but 'PONG' is not in the 0 bytes that came (the deadline passed)");
  EXPECT_LT(after_stop(ping(silent)), 200ms);
}

TEST_F(TcpProbeTest, WhoDoesNotReadWhatIsSentIsNot) {
  const LoopbackSocket deaf(SOCK_STREAM);
  const auto answer = attempt(
      Json::object({{"address", deaf.address()}, {"send", std::string(64 << 20, 'x')}}), 200ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "connected, but not everything could be sent (the deadline passed)");
}

// In a child as well: the C library's threads that look names up do not come along into one.
TEST_F(TcpProbeTest, ANameIsLookedUp) {
  EXPECT_TRUE(with_a_silent_name_server([&] {
    const LoopbackSocket listener(SOCK_STREAM);
    const std::string port = ":" + std::to_string(listener.port());
    // Too long for a part of a name, so that no server is asked.
    const auto unknown = attempt(Json::object({{"address", std::string(64, 'x') + port}}));
    return attempt(Json::object({{"address", "localhost" + port}})).ok && !unknown.ok &&
           unknown.text.starts_with("not connected (cannot find the address of ");
  }));
}

TEST_F(TcpProbeTest, ANameThatNobodyAnswersForEndsInTime) {
  const Json arguments = Json::object({{"address", "shop.example:80"}});
  EXPECT_TRUE(with_a_silent_name_server([&] {
    const auto answer = attempt(arguments, 100ms);
    const bool late = answer.text == "not connected (looking up shop.example: the deadline passed)";
    return !answer.ok && late && after_stop(arguments) < 200ms;
  }));
}

TEST_F(TcpProbeTest, ASecretIsSentAndNotTold) {
  secrets_.learn("env:SHOP_TOKEN", "canary");
  const TestServer echo([](int line, const std::stop_token& stop) {
    TestServer::give(line, TestServer::received(line, stop), stop);
    TestServer::keep(line, stop);
  });
  const auto with = [&](const std::string& said, const std::string& expected) {
    return Json::object({{"address", echo.address()}, {"send", said}, {"expect", expected}});
  };
  EXPECT_TRUE(attempt(with("AUTH ${env:SHOP_TOKEN}\r\n", "AUTH canary\r\n")).ok);
  const auto refused = attempt(with("AUTH ${env:SHOP_TOKEN}\r\n", "nothing of it"), 100ms);
  EXPECT_FALSE(refused.ok);
  EXPECT_FALSE(refused.text.contains("canary")) << refused.text;
  const auto unknown = attempt(with("AUTH ${env:GAMEDAY_NO_SUCH}\r\n", "x"));
  EXPECT_FALSE(unknown.ok);
  EXPECT_TRUE(unknown.text.contains("GAMEDAY_NO_SUCH")) << unknown.text;
}

}  // namespace
}  // namespace gameday
