// `limit` on a host: real bytes between real network namespaces.
#include <algorithm>
#include <thread>

#include "drills/systems/shaping.h"
#include "tests/drills/netns_fixture.h"

namespace gameday {

extern const FaultRow limit_host_fault;

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kRate = 256 << 10;

// Bytes that one end of a connection takes in a second while the other sends all it can.
std::int64_t bytes_between(int from, int to) {
  const std::string much(64 << 10, 'x');
  std::string taken(256 << 10, ' ');
  std::int64_t bytes = 0;
  const auto last = std::chrono::steady_clock::now() + 1s;
  while (std::chrono::steady_clock::now() < last) {
    while (send(from, much.data(), much.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) continue;
    pollfd wait{to, POLLIN, 0};
    if (poll(&wait, 1, 10) == 1) {
      bytes += std::max<ssize_t>(0, recv(to, taken.data(), taken.size(), MSG_DONTWAIT));
    }
  }
  return bytes;
}

class LimitHostTest : public testing::Test {
 protected:
  LimitHostTest() {
    std::filesystem::create_directories(world_.private_folder());
    world_.add_target("near", "host", Json::object({{"netns", near_.path()}}));
  }
  static Deed deed(const char* interface = "east") {
    Json names = Json::array();
    names.push(interface);
    return {"step", "limit-host", "near",
            Json::object({{"bytes_per_second", "256KiB"}, {"interfaces", names}})};
  }
  static Deed everything() {
    return {"step", "limit-host", "near",
            Json::object({{"bytes_per_second", "256KiB"}, {"i_mean", "everything"}})};
  }
  Undo injected(const Deed& deed) {
    const auto undo = limit_host_fault.prepare(deed, world_.context());
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    const auto done = limit_host_fault.inject(deed, undo.value_or(Undo{}), world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo.value_or(Undo{});
  }
  Proof proof(const Undo& undo) {
    const auto seen = limit_host_fault.prove({}, undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  // As another process would undo it, and twice.
  void expect_undone(const Undo& undo) {
    const auto again = undo_from(Json::parse(to_json(undo).dump()).value());
    EXPECT_FALSE(limit_host_fault.gone(*again, world_.context())->held);
    EXPECT_TRUE(limit_host_fault.undo(*again, world_.context()));
    EXPECT_TRUE(limit_host_fault.gone(*again, world_.context())->held);
    EXPECT_TRUE(limit_host_fault.undo(*again, world_.context()));
  }
  std::string refusal(const Deed& deed) {
    const auto may = limit_host_fault.may(deed, world_.context());
    const auto undo = limit_host_fault.prepare(deed, world_.context());
    EXPECT_EQ(may.has_value(), undo.has_value());
    return may ? "" : may.error().text;
  }
  [[nodiscard]] std::string queues() const { return near_.run({"tc", "qdisc", "show"}); }
  // In a second, from the near end and back.
  [[nodiscard]] std::int64_t sends(const std::string& to = "10.77.0.2:80") const {
    const bool inside = to.starts_with("127.");
    const ServerInside server(inside ? near_ : far_, to);
    const ClientInside client(near_, to);
    EXPECT_EQ(client.state(3000), "connected");
    const Descriptor accepted = server.accepted();
    return bytes_between(client.number(), accepted.get());
  }
  [[nodiscard]] std::int64_t gets() const {
    const ServerInside server(near_, "10.77.0.1:80");
    const ClientInside client(far_, "10.77.0.1:80");
    EXPECT_EQ(client.state(3000), "connected");
    const Descriptor accepted = server.accepted();
    return bytes_between(client.number(), accepted.get());
  }

  DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
};

TEST_F(LimitHostTest, WhatItSendsKeepsTheRateWhatItGetsDoesNotAndAllIsFreeAgain) {
  const std::string before = queues();
  const Undo undo = limit_host_fault.prepare(deed(), world_.context()).value();
  EXPECT_EQ(queues(), before) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(limit_host_fault.inject(deed(), undo, world_.context()));
  {
    std::int64_t sent = 0;
    std::jthread traffic([&] { sent = sends(); });
    const Proof bitten = proof(undo);
    EXPECT_TRUE(bitten.held) << bitten.text;
    EXPECT_EQ(bitten.facts.integer("limit", 0), kRate);
    traffic.join();
    EXPECT_GT(sent, kRate / 4);
    EXPECT_LT(sent, 2 * kRate);
  }
  EXPECT_GT(gets(), 8 * kRate);
  EXPECT_GT(sends("127.0.0.1:80"), 8 * kRate) << "what stays inside was not named";
  expect_undone(undo);
  EXPECT_EQ(queues(), before);
  EXPECT_GT(sends(), 8 * kRate);
}

// Its packets are larger than any other's: one that never passed would hang whatever is inside.
TEST_F(LimitHostTest, TheLoopbackIsProvenByDatagramsOfOursAndItsLargestPacketsPass) {
  const std::string before = queues();
  const Undo undo = injected(deed("lo"));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_GT(bitten.facts.integer("held_up", 0), 0);
  const auto sent = sends("127.0.0.1:80");
  EXPECT_GT(sent, kRate / 4);
  EXPECT_LT(sent, 2 * kRate);
  EXPECT_GT(sends(), 8 * kRate) << "the way out was not named";
  expect_undone(undo);
  EXPECT_EQ(queues(), before);
  EXPECT_FALSE(proof(undo).held);
}

TEST_F(LimitHostTest, NobodyElseIsSentAnythingSoThatWithoutTheirTrafficItIsNotProven) {
  const Undo undo = injected(deed());
  const Proof idle = proof(undo);
  EXPECT_FALSE(idle.held);
  EXPECT_TRUE(idle.text.contains("was held up 0 times")) << idle.text;
  expect_undone(undo);
}

TEST_F(LimitHostTest, AQueueOfSomebodyElseIsRefusedAndLeft) {
  const auto theirs = [&](const char* verb) {
    (void)near_.run({"tc", "qdisc", verb, "dev", "east", "root", "handle", "7fff:", "tbf", "rate",
                     "1mbit", "burst", "16000", "latency", "100ms"});
  };
  theirs("add");
  EXPECT_TRUE(refusal(deed()).contains("a queue of somebody else's, tbf 7fff:")) << refusal(deed());
  EXPECT_TRUE(refusal(everything()).contains("somebody else's")) << refusal(everything());
  (void)near_.run({"tc", "qdisc", "del", "dev", "east", "root"});
  const Undo undo = injected(deed());
  EXPECT_TRUE(refusal(deed()).contains("somebody else's")) << "one deed at a time";
  theirs("replace");
  const std::string before = queues();
  const Proof lost = proof(undo);
  EXPECT_FALSE(lost.held);
  EXPECT_TRUE(lost.text.contains("is not limited any more")) << lost.text;
  EXPECT_TRUE(limit_host_fault.undo(undo, world_.context()));
  EXPECT_TRUE(limit_host_fault.gone(undo, world_.context())->held);
  EXPECT_EQ(queues(), before);
}

TEST_F(LimitHostTest, EverythingIsAllButTheLoopbackAndHalfOfItIsNotProven) {
  near_.ip({"link", "add", "spare", "type", "veth", "peer", "name", "more"});
  const std::string before = queues();
  const Undo undo = injected(everything());
  EXPECT_TRUE(queues().contains("dev spare root") && queues().contains("dev east root"));
  EXPECT_TRUE(queues().contains("noqueue 0: dev lo")) << queues();
  (void)near_.run({"tc", "qdisc", "del", "dev", "spare", "root"});
  EXPECT_TRUE(proof(undo).text.contains("is not limited any more")) << proof(undo).text;
  expect_undone(undo);
  EXPECT_EQ(queues(), before);
}

TEST_F(LimitHostTest, AnInterfaceThatGoesTakesItsLimitWithIt) {
  const Undo undo = injected(deed());
  near_.ip({"link", "del", "east"});
  EXPECT_FALSE(proof(undo).held);
  EXPECT_TRUE(limit_host_fault.gone(undo, world_.context())->held);
  EXPECT_TRUE(limit_host_fault.undo(undo, world_.context()));
  near_.close();
  EXPECT_TRUE(limit_host_fault.undo(undo, world_.context()));
  EXPECT_TRUE(limit_host_fault.gone(undo, world_.context())->held);
}

TEST_F(LimitHostTest, AWholeMachineIsRefusedUnlessItIsMeantAndSoIsWhatIsNotThere) {
  const auto fits = [](Json arguments) {
    Step step;
    step.arguments = std::move(arguments);
    return limit_host_fault.fits(step);
  };
  Json names = Json::array();
  names.push("east");
  EXPECT_FALSE(fits(Json::object()));
  EXPECT_TRUE(fits(Json::object({{"i_mean", "everything"}})));
  EXPECT_TRUE(fits(Json::object({{"interfaces", names}})));
  EXPECT_FALSE(fits(Json::object({{"interfaces", names}, {"i_mean", "everything"}})));
  EXPECT_EQ(refusal(everything()), "");
  EXPECT_EQ(refusal(deed("lo")), "");
  EXPECT_TRUE(refusal(deed("west")).contains("no interface west in network namespace"));
  near_.ip({"link", "del", "east"});
  EXPECT_TRUE(refusal(everything()).contains("has no interface but its loopback"));
  EXPECT_TRUE(limit_host_fault.ends_with_instance) << "an interface may be made anew";
}

}  // namespace
}  // namespace gameday
