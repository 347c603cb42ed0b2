// What the toxics do to real connections.
#include <gtest/gtest.h>

#include <future>

#include "tests/engine/proxy/proxy_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

std::string much(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 4096);
  return bytes;
}

// A proxy before a listener of the test's own, and a toxic that is renewed until it is dropped.
class ToxicTest : public ProxyTest {
 protected:
  void SetUp() override { start(far_.address()); }
  void TearDown() override {
    drop();
    ProxyTest::TearDown();
  }

  void put(const std::string& kind, std::initializer_list<Json::Member> own) {
    Json request = Json::object({{"op", "add"}, {"kind", kind}, {"mark", kind}, {"lease_s", 2.0}});
    for (const auto& [name, value] : own) request.set(name, value);
    const auto added = ask_proxy(options_.control, request, clock_, {stop_.stop(), clock_.in(5s)});
    ASSERT_TRUE(added) << added.error().text;
    if (renewer_.joinable()) return;
    renewer_ = std::jthread([this](const std::stop_token& stopped) {
      while (!stopped.stop_requested()) {
        const Json seen = status();
        for (const Json& toxic : seen.items("toxics")) {
          (void)ask({{"op", "renew"}, {"mark", toxic.text("mark")}});
        }
        poll(nullptr, 0, 200);
      }
    });
  }
  void put(const std::string& kind) {
    if (kind == "delay") put("delay", {{"latency_s", 0.05}, {"jitter_s", 0.02}});
    if (kind == "limit") put("limit", {{"bytes_per_second", 20e6}});
    if (kind == "slice") put("slice", {{"size", 65536}, {"pause_s", 0.001}});
  }
  void drop() {
    if (!renewer_.joinable()) return;
    renewer_.request_stop();
    renewer_.join();
    const Json seen = status();
    for (const Json& toxic : seen.items("toxics")) (void)remove(toxic.text("mark"));
  }
  Duration since(Instant begun) const { return clock_.now().boot - begun; }
  Instant now() const { return clock_.now().boot; }

  Listener far_;
  std::jthread renewer_;
};

class EachToxic : public ToxicTest, public testing::WithParamInterface<const char*> {};

TEST_P(EachToxic, TenMegabytesArriveWholeAndInOrderBothWays) {
  put(GetParam());
  const std::string bytes = much(10 << 20);
  const Peer near = client();
  const Peer far = far_.accept();
  auto up = std::async(std::launch::async, [&] { near.send(bytes); });
  auto down = std::async(std::launch::async, [&] { far.send(bytes); });
  auto upstream = std::async(std::launch::async, [&] { return far.receive(bytes.size()); });
  EXPECT_TRUE(near.receive(bytes.size()) == bytes);
  EXPECT_TRUE(upstream.get() == bytes);
  EXPECT_EQ(status().integer("bytes_up", 0), 10 << 20);
}

TEST_P(EachToxic, EndingInTheMiddleItLosesAndReordersNothing) {
  for (const bool by_lease : {false, true}) {
    put(GetParam());
    const std::string bytes = much(10 << 20);
    const Peer near = client();
    const Peer far = far_.accept();
    auto up = std::async(std::launch::async, [&] { near.send(bytes); });
    std::string got = far.receive(1 << 20);
    if (by_lease) {
      renewer_.request_stop();
      renewer_.join();
    } else {
      drop();
    }
    got += far.receive(bytes.size() - got.size());
    EXPECT_TRUE(got == bytes);
    up.get();
    EXPECT_TRUE(eventually([&] { return status().items("toxics").empty(); }));
  }
}

TEST_P(EachToxic, AHalfClosedClientStillGetsItsWholeAnswer) {
  put(GetParam());
  const std::string bytes = much(300000);
  Peer near = client();
  near.send(bytes);
  near.close_sending();  // before it is joined
  Peer far = far_.accept();
  EXPECT_TRUE(far.receive_all() == bytes);
  EXPECT_TRUE(far.ended_in_order());
  far.send(bytes);
  far.close_sending();
  EXPECT_TRUE(near.receive_all() == bytes);
  EXPECT_TRUE(near.ended_in_order());
  EXPECT_TRUE(eventually([&] { return status().integer("connections", -1) == 0; }));
}

TEST_P(EachToxic, WhatAClientSentBeforeItLeftArrives) {
  put(GetParam());
  const std::string bytes = much(300000);
  {
    const Peer near = client();
    near.send(bytes);
  }
  Peer far = far_.accept();
  EXPECT_TRUE(far.receive_all() == bytes);
  EXPECT_TRUE(far.ended_in_order());
}

TEST_P(EachToxic, APeerThatNeverReadsHoldsBackItsSenderAndNobodyElse) {
  put(GetParam());
  const Peer near = client();
  const Peer deaf = far_.accept();
  constexpr std::size_t kFarTooMuch = 200 << 20;
  EXPECT_LT(near.send_what_fits(kFarTooMuch, 500ms), 40u << 20);
  EXPECT_TRUE(status().items("toxics").size() == 1);
  const Peer other = client();
  const Peer answers = far_.accept();
  other.send("question");
  EXPECT_EQ(answers.receive(8), "question");
}

TEST_P(EachToxic, ItHurtsTheDirectionItIsToldAlone) {
  const auto direction_of = [this](const std::string& direction) {
    const std::string kind = GetParam();
    if (kind == "delay") {
      put(kind, {{"latency_s", 0.6}, {"jitter_s", 0.0}, {"direction", direction}});
    } else if (kind == "limit") {
      put(kind, {{"bytes_per_second", 6000}, {"direction", direction}});
    } else {
      put(kind, {{"size", 1000}, {"pause_s", 0.2}, {"direction", direction}});
    }
  };
  const std::string bytes = much(4000);
  const auto took = [&](const Peer& from, const Peer& to) {
    const Instant begun = now();
    from.send(bytes);
    EXPECT_TRUE(to.receive(bytes.size()) == bytes);
    return since(begun);
  };
  const Peer near = client();
  const Peer far = far_.accept();
  direction_of("up");
  EXPECT_GE(took(near, far), 580ms);
  EXPECT_LT(took(far, near), 500ms);
  direction_of("down");
  EXPECT_LT(took(near, far), 500ms);
  EXPECT_GE(took(far, near), 580ms);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EachToxic, testing::Values("delay", "limit", "slice"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_F(ToxicTest, DelayHoldsTheJoiningBackToo) {
  put("delay", {{"latency_s", 0.3}, {"jitter_s", 0.0}});
  const Instant begun = now();
  const Peer near = client();
  near.send("x");
  EXPECT_EQ(status().integer("upstream_connects", -1), 0);
  const Peer far = far_.accept();
  EXPECT_GE(since(begun), 300ms);
  EXPECT_EQ(far.receive(1), "x");
  EXPECT_GE(since(begun), 600ms);
}

TEST_F(ToxicTest, DelayKeepsTheThroughput) {
  const Peer near = client();
  const Peer far = far_.accept();
  put("delay", {{"latency_s", 0.2}, {"jitter_s", 0.0}});
  const std::string bytes = much(3 << 20);
  const Instant begun = now();
  auto up = std::async(std::launch::async, [&] { near.send(bytes); });
  EXPECT_TRUE(far.receive(bytes.size()) == bytes);
  // One chunk after the other would take 48 times the latency.
  EXPECT_LT(since(begun), 2s);
}

TEST_F(ToxicTest, WhatIsDelayedGoesOnAtOnceWhenTheDelayIsTakenAway) {
  const Peer near = client();
  const Peer far = far_.accept();
  put("delay", {{"latency_s", 60.0}, {"jitter_s", 0.0}});
  const Peer late = client();
  near.send("x");
  EXPECT_FALSE(far.readable(100ms));
  drop();
  EXPECT_EQ(far.receive(1), "x");
  (void)far_.accept();
}

TEST_F(ToxicTest, TheLatenciesOfTwoDelaysAddUp) {
  const Peer near = client();
  const Peer far = far_.accept();
  put("delay", {{"latency_s", 0.2}, {"jitter_s", 0.0}});
  put("delay", {{"latency_s", 0.2}, {"jitter_s", 0.0}, {"mark", "another"}});
  const Instant begun = now();
  near.send("x");
  EXPECT_EQ(far.receive(1), "x");
  EXPECT_GE(since(begun), 400ms);
}

TEST_F(ToxicTest, AServerThatBreaksOffDoesSoAfterTheAnswerItGave) {
  put("delay", {{"latency_s", 0.2}, {"jitter_s", 0.0}});
  Peer near = client();
  near.send("unread");
  {
    const Peer far = far_.accept();
    EXPECT_TRUE(far.readable(5s));
    far.send("answer");
  }  // with something unread: this resets
  EXPECT_EQ(near.receive_all(), "answer");
  EXPECT_FALSE(near.ended_in_order());
}

TEST_F(ToxicTest, AllConnectionsShareTheRate) {
  put("limit", {{"bytes_per_second", 100000}, {"direction", "up"}});
  const Peer one = client();
  const Peer far_one = far_.accept();
  const Peer two = client();
  const Peer far_two = far_.accept();
  const std::string bytes = much(25000);
  const Instant begun = now();
  one.send(bytes);
  two.send(bytes);
  auto first = std::async(std::launch::async, [&] {
    EXPECT_TRUE(far_one.receive(bytes.size()) == bytes);
    return since(begun);
  });
  EXPECT_TRUE(far_two.receive(bytes.size()) == bytes);
  EXPECT_GE(since(begun), 400ms);
  EXPECT_GE(first.get(), 400ms) << "neither waits for the other's end";
}

TEST_F(ToxicTest, SliceMakesTheReaderSeePieces) {
  put("slice", {{"size", 10}, {"pause_s", 0.05}});
  const Peer near = client();
  const Peer far = far_.accept();
  near.send("0123456789abcdefghij01234");
  EXPECT_EQ(far.receive_once(), "0123456789");
  EXPECT_EQ(far.receive(15), "abcdefghij01234");
}

TEST_F(ToxicTest, ResetBreaksConnectionsOnBothSidesAndNewOnesToo) {
  const Peer near = client();
  const Peer far = far_.accept();
  put("reset", {{"after_s", 0.0}});
  EXPECT_TRUE(near.is_reset());
  EXPECT_TRUE(far.is_reset());
  EXPECT_TRUE(client().is_reset());
  EXPECT_EQ(status().integer("upstream_connects", 0), 1) << "a new one must not reach upstream";
  drop();
  const Peer next = client();
  next.send("x");
  EXPECT_EQ(far_.accept().receive(1), "x");
}

TEST_F(ToxicTest, ResetComesWhenAConnectionHasLivedSoLong) {
  const Peer old = client();
  poll(nullptr, 0, 600);
  const Instant begun = now();
  put("reset", {{"after_s", 0.5}});
  EXPECT_TRUE(old.is_reset()) << "it has lived longer already";
  EXPECT_LT(since(begun), 400ms);
  const Instant born = now();
  const Peer fresh = client();
  (void)far_.accept();
  const Peer far = far_.accept();
  fresh.send("x");
  EXPECT_EQ(far.receive(1), "x");
  EXPECT_TRUE(fresh.is_reset());
  EXPECT_GE(since(born), 500ms);
}

TEST_F(ToxicTest, ADetourLeadsOneConnectionElsewhereAndCountsAsNoTraffic) {
  const Listener ours;
  const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto any = resolve_address("127.0.0.1:0");
  ASSERT_EQ(bind(probe.get(), any->get(), any->size), 0);
  ASSERT_TRUE(
      ask({{"op", "divert"}, {"from", bound_address(probe.get())}, {"to", ours.address()}}));
  const Peer other = client();
  const Peer others_far = far_.accept();
  const auto where = resolve_address(address_);
  ASSERT_EQ(connect(probe.get(), where->get(), where->size), 0);
  const Peer far = ours.accept();
  ASSERT_EQ(::send(probe.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(far.receive(1), "x");
  EXPECT_EQ(status().integer("accepted", 0), 1);
  EXPECT_EQ(status().integer("upstream_connects", 0), 1);
  EXPECT_EQ(status().integer("bytes_up", -1), 0);
  EXPECT_FALSE(ask({{"op", "divert"}, {"from", "x"}, {"to", "nonsense"}}));
}

TEST_F(ToxicTest, WhatAToxicCannotDoIsRefusedByName) {
  const auto refused = [this](const std::string& kind, const std::string& name, const Json& value,
                              Json request) {
    request.set("op", "add").set("kind", kind).set("mark", "m").set(name, value);
    const auto answer = ask_proxy(options_.control, request, clock_, {{}, clock_.in(5s)});
    ASSERT_FALSE(answer) << request.dump();
    EXPECT_EQ(answer.error().code, ErrorCode::invalid);
    EXPECT_NE(answer.error().text.find(name), std::string::npos) << answer.error().text;
  };
  const Json delay = Json::object({{"latency_s", 1.0}, {"jitter_s", 0.0}});
  refused("delay", "latency_s", -1.0, delay);
  refused("delay", "latency_s", 1e9, delay);
  refused("delay", "jitter_s", "long", delay);
  refused("delay", "direction", "sideways", delay);
  refused("limit", "bytes_per_second", 0, Json::object());
  refused("reset", "after_s", nullptr, Json::object());
  refused("slice", "size", 0, Json::object({{"pause_s", 0.1}}));
  refused("slice", "pause_s", -0.1, Json::object({{"size", 10}}));
  EXPECT_TRUE(status().items("toxics").empty());
}

}  // namespace
}  // namespace gameday
