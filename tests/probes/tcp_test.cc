#include "drills/systems/link.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow tcp_probe;

namespace {

using namespace std::chrono_literals;

// Answers what it hears with `pieces`, sent one by one; `closes`: and ends.
TcpPeer::Serve saying(std::vector<std::string> pieces, bool closes = true) {
  return [pieces = std::move(pieces), closes](Descriptor line) {
    char heard[4096];
    if (recv(line.get(), heard, sizeof heard, 0) <= 0) return Descriptor();
    for (const auto& piece : pieces) {
      send(line.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
      (void)poll(nullptr, 0, 5);  // so that each is a segment of its own
    }
    return closes ? Descriptor() : std::move(line);
  };
}

class TcpProbeTest : public testing::Test {
 protected:
  Answer ask(const Json& arguments, Duration d = 10s) {
    return tcp_probe.ask(arguments, world_.context(d));
  }
  Answer ask_ping(const TcpPeer& peer, Duration d = 10s) { return ask(ping(peer), d); }
  static Json ping(const TcpPeer& peer) {
    return Json::object({{"address", peer.address()}, {"send", "PING\r\n"}, {"expect", "PONG"}});
  }
  ProbeWorld world_;
};

TEST_F(TcpProbeTest, WhoAcceptsIsGood) {
  const LoopbackSocket listener(SOCK_STREAM);
  const auto answer = ask(Json::object({{"address", listener.address()}}));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "connected");
}

TEST_F(TcpProbeTest, WhoRefusesIsNot) {
  const LoopbackSocket bound(SOCK_STREAM, false);
  const auto answer = ask(Json::object({{"address", bound.address()}}));
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
  const auto answer = ask(Json::object({{"address", bound.address()}}), 100ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "not connected (the deadline passed)");
}

TEST_F(TcpProbeTest, TheExpectedTextIsGoodHoweverItComes) {
  EXPECT_TRUE(ask_ping(TcpPeer(saying({"+PONG\r\n"}))).ok);
  EXPECT_TRUE(ask_ping(TcpPeer(saying({"+P", "ON", "G\r\n"}, false))).ok);
  const std::string much(64'000, 'x');
  const auto answer = ask_ping(TcpPeer(saying({much, "PONG"})));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "the peer said 'PONG'");
}

TEST_F(TcpProbeTest, AnotherTextIsNot) {
  const auto answer = ask_ping(TcpPeer(saying({"-ERR\r\n"})));
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "connected, but 'PONG' is not in the 6 bytes that came (the peer closed)");
}

TEST_F(TcpProbeTest, TheTextAfterTheBoundIsNot) {
  const std::string much(64 << 10, 'x');
  const auto answer = ask_ping(TcpPeer(saying({much, "PONG"})));
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text,
            "connected, but 'PONG' is not in the 65536 bytes that came (the peer sent more)");
}

TEST_F(TcpProbeTest, WhoAcceptsAndSaysNothingIsNot) {
  const TcpPeer silent([](Descriptor line) { return line; });
  const auto answer = ask_ping(silent, 100ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text,
            "connected, but 'PONG' is not in the 0 bytes that came (the deadline passed)");
  EXPECT_LT(world_.after_its_stop([&](const auto& context) {
    EXPECT_FALSE(tcp_probe.ask(ping(silent), context).ok);
  }),
            200ms);
}

TEST_F(TcpProbeTest, WhoDoesNotReadWhatIsSentIsNot) {
  const LoopbackSocket deaf(SOCK_STREAM);
  const auto answer =
      ask(Json::object({{"address", deaf.address()}, {"send", std::string(64 << 20, 'x')}}), 200ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "connected, but not everything could be sent (the deadline passed)");
}

// In a child as well: the C library's threads that look names up do not come along into one.
TEST_F(TcpProbeTest, ANameIsLookedUp) {
  EXPECT_TRUE(with_a_silent_name_server([&] {
    const LoopbackSocket listener(SOCK_STREAM);
    const std::string port = ":" + std::to_string(listener.port());
    // Too long for a part of a name, so that no server is asked.
    const auto unknown = ask(Json::object({{"address", std::string(64, 'x') + port}}));
    return ask(Json::object({{"address", "localhost" + port}})).ok && !unknown.ok &&
           unknown.text.starts_with("not connected (cannot find the address of ");
  }));
}

TEST_F(TcpProbeTest, ANameThatNobodyAnswersForEndsInTime) {
  const Json arguments = Json::object({{"address", "shop.example:80"}});
  EXPECT_TRUE(with_a_silent_name_server([&] {
    const auto answer = ask(arguments, 100ms);
    const bool late = answer.text == "not connected (looking up shop.example: the deadline passed)";
    const auto after = world_.after_its_stop(
        [&](const auto& context) { (void)tcp_probe.ask(arguments, context); });
    return !answer.ok && late && after < 200ms;
  }));
}

TEST_F(TcpProbeTest, ASecretIsSentAndNotTold) {
  world_.secrets().learn("env:SHOP_TOKEN", "canary");
  const TcpPeer echo([](Descriptor line) {
    char heard[4096];
    const ssize_t size = recv(line.get(), heard, sizeof heard, 0);
    if (size > 0) send(line.get(), heard, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    return line;
  });
  const auto with = [&](const std::string& said, const std::string& expected) {
    return Json::object({{"address", echo.address()}, {"send", said}, {"expect", expected}});
  };
  EXPECT_TRUE(ask(with("AUTH ${env:SHOP_TOKEN}\r\n", "AUTH canary\r\n")).ok);
  const auto refused = ask(with("AUTH ${env:SHOP_TOKEN}\r\n", "nothing of it"), 100ms);
  EXPECT_FALSE(refused.ok);
  EXPECT_FALSE(refused.text.contains("canary")) << refused.text;
  const auto unknown = ask(with("AUTH ${env:GAMEDAY_NO_SUCH}\r\n", "x"));
  EXPECT_FALSE(unknown.ok);
  EXPECT_TRUE(unknown.text.contains("GAMEDAY_NO_SUCH")) << unknown.text;
}

}  // namespace
}  // namespace gameday
