#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

#include "engine/proxy/unix_socket.h"
#include "tests/engine/proxy/proxy_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST_F(ProxyTest, PassesBytesBothWaysAndCountsThem) {
  Peer peer = client();
  peer.send("hello");
  EXPECT_EQ(peer.receive(5), "hello");
  const Json now = status();
  EXPECT_EQ(now.integer("bytes_up", 0), 5);
  EXPECT_EQ(now.integer("bytes_down", 0), 5);
  EXPECT_EQ(now.integer("upstream_connects", 0), 1);
  EXPECT_EQ(now.text("name"), "west-to-store");
}

TEST_F(ProxyTest, CarriesMoreThanItsBuffersHold) {
  Peer peer = client();
  std::string much(8 << 20, 'x');
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 7 + i / 4096);
  auto sent = std::async(std::launch::async, [&] { peer.send(much); });
  EXPECT_EQ(peer.receive(much.size()), much);
  sent.get();
}

TEST_F(ProxyTest, ABlockHoldsBytesBackAndDeliversThemAfterwards) {
  Peer peer = client();
  peer.send("a");
  ASSERT_EQ(peer.receive(1), "a");
  ASSERT_TRUE(block("m"));
  peer.send("held back");
  EXPECT_FALSE(peer.readable(150ms));
  EXPECT_EQ(status().integer("bytes_up", 0), 1);
  ASSERT_TRUE(ask({{"op", "remove"}, {"mark", "m"}}));
  EXPECT_EQ(peer.receive(9), "held back");
}

TEST_F(ProxyTest, AnAnswerUnderWayIsHeldBackToo) {
  Peer peer = client();
  peer.send("a");
  ASSERT_EQ(peer.receive(1), "a");
  ASSERT_TRUE(block("m"));
  echo_.say("unasked");
  EXPECT_FALSE(peer.readable(150ms));
  ASSERT_TRUE(ask({{"op", "remove"}, {"mark", "m"}}));
  EXPECT_EQ(peer.receive(7), "unasked");
}

TEST_F(ProxyTest, ANewConnectionWaitsForTheEndOfABlock) {
  ASSERT_TRUE(block("m"));
  Peer peer = client();
  peer.send("early");
  EXPECT_FALSE(peer.readable(150ms));
  EXPECT_EQ(status().integer("upstream_connects", -1), 0);
  EXPECT_EQ(status().integer("waiting", 0), 1);
  ASSERT_TRUE(ask({{"op", "remove"}, {"mark", "m"}}));
  EXPECT_EQ(peer.receive(5), "early");
}

TEST_F(ProxyTest, AClientThatGaveUpDuringABlockNeverReachesUpstream) {
  ASSERT_TRUE(block("m"));
  {
    Peer peer = client();
    peer.send("stale");
  }
  EXPECT_TRUE(eventually([&] {
    return status().integer("accepted", 0) == 1 && status().integer("connections", -1) == 0;
  }));
  ASSERT_TRUE(ask({{"op", "remove"}, {"mark", "m"}}));
  Peer next = client();
  next.send("fresh");
  EXPECT_EQ(next.receive(5), "fresh");
  EXPECT_EQ(status().integer("upstream_connects", 0), 1);
}

TEST_F(ProxyTest, ALeaseThatNobodyRenewsFallsBackToPassing) {
  Peer peer = client();
  ASSERT_TRUE(block("m"));
  const Instant start = clock_.now().boot;
  peer.send("after");
  EXPECT_EQ(peer.receive(5), "after");
  const Duration took = clock_.now().boot - start;
  EXPECT_GT(took, 1900ms);
  EXPECT_LT(took, 3s);
  EXPECT_TRUE(status().items("toxics").empty());
  const auto late = ask({{"op", "renew"}, {"mark", "m"}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::not_found);
}

TEST_F(ProxyTest, RenewingKeepsTheBlock) {
  ASSERT_TRUE(block("m", 0.3));
  Peer peer = client();
  peer.send("x");
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(peer.readable(100ms));
    ASSERT_TRUE(ask({{"op", "renew"}, {"mark", "m"}}));
  }
  EXPECT_TRUE(peer.readable(3s));
}

TEST_F(ProxyTest, OfTwoMarksBothMustGo) {
  ASSERT_TRUE(block("one"));
  ASSERT_TRUE(block("two"));
  Peer peer = client();
  peer.send("x");
  ASSERT_TRUE(ask({{"op", "remove"}, {"mark", "one"}}));
  EXPECT_FALSE(peer.readable(150ms));
  const Json now = status();
  ASSERT_EQ(now.items("toxics").size(), 1u);
  EXPECT_EQ(now.items("toxics")[0].text("mark"), "two");
  EXPECT_EQ(now.items("toxics")[0].text("kind"), "block");
  EXPECT_GT(now.items("toxics")[0].number("lease_left_s", 0), 0);
  ASSERT_TRUE(ask({{"op", "remove"}, {"mark", "two"}}));
  EXPECT_EQ(peer.receive(1), "x");
}

TEST_F(ProxyTest, TheSameMarkAgainIsOneToxic) {
  ASSERT_TRUE(block("m"));
  ASSERT_TRUE(block("m"));
  EXPECT_EQ(status().items("toxics").size(), 1u);
}

TEST_F(ProxyTest, AHalfClosedClientStillGetsItsAnswer) {
  echo_.set_mode(Echo::Mode::answer_at_end);
  Peer peer = client();
  peer.send("question");
  peer.close_sending();
  EXPECT_EQ(peer.receive_all(), "question");
}

TEST_F(ProxyTest, AClosedServerClosesTheClientInOrder) {
  echo_.set_mode(Echo::Mode::close_after_one);
  Peer peer = client();
  peer.send("q");
  EXPECT_EQ(peer.receive_all(), "q");
  EXPECT_TRUE(peer.ended_in_order());
}

TEST_F(ProxyTest, FiveHundredConnectionsAtOnce) {
  std::vector<Peer> peers;
  for (int i = 0; i < 500; ++i) peers.push_back(client());
  for (std::size_t i = 0; i < peers.size(); ++i) peers[i].send(std::to_string(1000 + i));
  ASSERT_TRUE(block("m"));
  ASSERT_TRUE(ask({{"op", "remove"}, {"mark", "m"}}));
  for (std::size_t i = 0; i < peers.size(); ++i) {
    ASSERT_EQ(peers[i].receive(4), std::to_string(1000 + i));
  }
  EXPECT_EQ(status().integer("connections", 0), 500);
  peers.clear();
  EXPECT_TRUE(eventually([&] { return status().integer("connections", -1) == 0; }));
}

TEST_F(ProxyTest, AnUpstreamThatIsDownResetsTheClient) {
  echo_.close();
  Peer peer = client();
  EXPECT_EQ(peer.receive_all(), "");
  EXPECT_TRUE(eventually([&] { return status().integer("upstream_failures", 0) >= 1; }));
  EXPECT_EQ(status().integer("connections", -1), 0);
}

TEST_F(ProxyTest, ABrokenConnectionIsBrokenOnTheOtherSideToo) {
  echo_.set_mode(Echo::Mode::reset_after_one);
  Peer peer = client();
  peer.send("q");
  peer.receive_all();
  EXPECT_FALSE(peer.ended_in_order());
}

TEST_F(ProxyTest, ShutdownEndsItAndTakesItsSocketAway) {
  ASSERT_TRUE(ask({{"op", "shutdown"}}));
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(options_.control); }));
  const auto gone = ask({{"op", "status"}});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::not_found);
}

TEST_F(ProxyTest, AStopEndsItAtOnceAlsoWithStreamsOpen) {
  Peer peer = client();
  peer.send("x");
  ASSERT_EQ(peer.receive(1), "x");
  const Instant start = clock_.now().boot;
  stop_.request();
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(options_.control); }));
  EXPECT_LT(clock_.now().boot - start, 1s);
}

TEST_F(ProxyTest, RequestsItDoesNotKnowAreRefusedByName) {
  EXPECT_EQ(ask({{"op", "explode"}}).error().text,
            "the proxy refuses: no request is called \"explode\"");
  EXPECT_EQ(ask({{"op", "add"}, {"kind", "melt"}, {"mark", "m"}}).error().code, ErrorCode::invalid);
  EXPECT_FALSE(ask({{"op", "add"}, {"kind", "block"}}));
  EXPECT_FALSE(block("m", 3));
  EXPECT_FALSE(block("m", 0));
  EXPECT_TRUE(status().items("toxics").empty());
}

TEST_F(ProxyTest, GarbageOnTheControlSocketHarmsNobody) {
  for (const std::string& garbage :
       {std::string("not json\n"), std::string("[1,2]\n\n\n"), std::string(1 << 20, 'x'),
        std::string("\0\xff\x01\n", 4), std::string("{\"op\":5}\n{\"op\":\"status\""),
        std::string(5000, '[') + "\n"}) {
    Peer asker = Peer::to_unix(options_.control);
    asker.send_some(garbage);
  }
  Peer peer = client();
  peer.send("still here");
  EXPECT_EQ(peer.receive(10), "still here");
  EXPECT_EQ(status().integer("connections", 0), 1);
}

TEST_F(ProxyTest, ManySilentAskersDoNotKeepOthersOut) {
  std::vector<Peer> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(Peer::to_unix(options_.control));
  EXPECT_TRUE(ask({{"op", "status"}}));
}

TEST_F(ProxyTest, TheControlSocketIsForItsOwnerOnly) {
  struct stat found{};
  ASSERT_EQ(stat(options_.control.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

// Bits that somebody has changed let them in, but not ask.
TEST_F(ProxyTest, AStrangerWhoWasLetInIsNotAnswered) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(chmod(options_.control.c_str(), 0666), 0);
  const auto address = unix_address(options_.control);
  const pid_t child = fork();
  if (child == 0) {
    constexpr std::string_view kAsked = "{\"op\": \"status\"}\n";
    if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(3);
    const int stranger = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(stranger, address->get(), address->size()) != 0) _exit(2);
    (void)!send(stranger, kAsked.data(), kAsked.size(), MSG_NOSIGNAL);
    char byte = 0;
    _exit(recv(stranger, &byte, 1, 0) > 0 ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "0x100: it was answered; 0x200: it was not let in";
}

TEST_F(ProxyTest, ASecondProxyOnTheSameAddressIsAConflict) {
  ProxyOptions second = options_;
  second.listen = address_;
  const auto ended = run_proxy(second, clock_, stop_.stop());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::conflict);
  EXPECT_TRUE(ask({{"op", "status"}})) << "the first one must keep its control socket";
}

TEST(ProxyControl, AStaleSocketFileIsReplaced) {
  char pattern[] = "/tmp/gameday-proxy-XXXXXX";
  const std::string folder = mkdtemp(pattern);
  const std::string control = folder + "/c.sock";
  {
    const Descriptor dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = unix_address(control);
    ASSERT_EQ(bind(dead.get(), address->get(), address->size()), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(control));
  SystemClock clock;
  StopSource stop;
  std::thread thread([&] {
    EXPECT_TRUE(run_proxy({"l", "127.0.0.1:0", "127.0.0.1:9", control}, clock, stop.stop()));
  });
  EXPECT_TRUE(eventually([&] {
    return ask_proxy(control, Json::object({{"op", "status"}}), clock, {{}, clock.in(1s)})
        .has_value();
  }));
  stop.request();
  thread.join();
  std::filesystem::remove_all(folder);
}

TEST(ProxyControl, AProxyThatNeverAnswersIsLeftAtTheStop) {
  char pattern[] = "/tmp/gameday-proxy-XXXXXX";
  const std::string folder = mkdtemp(pattern);
  const std::string control = folder + "/c.sock";
  const Descriptor mute(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = unix_address(control);
  ASSERT_EQ(bind(mute.get(), address->get(), address->size()), 0);
  ASSERT_EQ(listen(mute.get(), 4), 0);
  SystemClock clock;
  StopSource stop;
  std::thread later([&] {
    ASSERT_TRUE(clock.pause(50ms, {{}, clock.in(1s)}));
    stop.request();
  });
  const Instant start = clock.now().boot;
  const auto answer =
      ask_proxy(control, Json::object({{"op", "status"}}), clock, {stop.stop(), clock.in(30s)});
  later.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::stopped);
  EXPECT_LT(clock.now().boot - start, 1s);
  std::filesystem::remove_all(folder);
}

TEST(ProxyAddress, OnlyHostAndPortIsAnAddress) {
  EXPECT_EQ(parse_host_port("127.0.0.1:8201")->port, 8201);
  EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
  for (const char* bad : {"", ":80", "a:", "a:b", "a:70000", "::1:80", "a", "[]:80", "a:123456"}) {
    EXPECT_FALSE(parse_host_port(bad)) << bad;
  }
}

}  // namespace
}  // namespace gameday
