// `limit` of containers: real bytes between real containers.
#include <thread>

#include "tests/drills/container_queues.h"

namespace gameday {

extern const FaultRow limit_container_fault;

namespace {

// Sends for ever to whoever connects to one port, and takes what comes to the other.
constexpr const char* kServes =
    "busybox sh -c '(while :; do busybox nc -l -p 7001 >/dev/null; done) & "
    "while :; do busybox nc -l -p 7000 </dev/zero; done'";

// Somebody else, on the network of the one that is slowed.
class Neighbour {
 public:
  Neighbour(const TestContainer& box, const TestContainer& own) {
    const std::string address = box.is("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
    inside_ = "nsenter --net=/proc/" + own.is("{{.State.Pid}}") + "/ns/net bash -c '" +
              // Whoever served the last one is about to listen again.
              "for i in $(seq 50); do exec 3<>/dev/tcp/" + address +
              "/$0 && break; sleep 0.1; done; ";
  }
  // Bytes in a second, over two.
  [[nodiscard]] std::int64_t gets() const {
    const std::string counted = told(inside_ + "timeout 2 cat <&3 | wc -c' 7000 2>/dev/null");
    return std::atoll(counted.c_str()) / 2;
  }
  // For three seconds, beside what the test does.
  [[nodiscard]] std::jthread getting() const {
    return std::jthread([words = inside_ + "timeout 3 cat <&3 | wc -c' 7000"] { told(words); });
  }
  [[nodiscard]] std::jthread sending() const {
    return std::jthread(
        [words = inside_ + "timeout 3 cat /dev/zero >&3; true' 7001"] { told(words); });
  }

 private:
  std::string inside_;
};

class LimitContainerOnDocker : public ContainerQueuesFixture {
 protected:
  LimitContainerOnDocker() : ContainerQueuesFixture(limit_container_fault) { aim_at(box_); }
  static Deed to(const std::string& rate, const std::string& direction = "both") {
    return {"fault-1", "limit-container", "cache",
            Json::object({{"bytes_per_second", rate}, {"direction", direction}})};
  }
  TestPart network_{"network", "--subnet " + own_addresses() + "0/24"};
  TestContainer box_{"--network " + network_.name(), kServes};
  TestContainer other_{"--network " + network_.name()};
  Neighbour neighbour_{box_, other_};
};

TEST_F(LimitContainerOnDocker, WhatItSendsKeepsTheRateAndIsFreeAgain) {
  const std::string before = queues(box_);
  const Undo undo = prepared(to("64KiB"));
  EXPECT_EQ(queues(box_), before);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(to("64KiB"), undo, world_.context()));
  {
    const auto traffic = neighbour_.getting();
    const Proof bitten = proof(undo);
    EXPECT_TRUE(bitten.held) << bitten.text;
    EXPECT_GT(bitten.facts.integer("held_up", 0), 0);
    EXPECT_EQ(bitten.facts.integer("limit", 0), 65536);
  }
  const auto slowed = neighbour_.gets();
  EXPECT_GT(slowed, 10'000);
  EXPECT_LT(slowed, 2 * 65536);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(queues(box_), before);
  EXPECT_GT(neighbour_.gets(), 1 << 20);
  expect_undone(undo);
}

TEST_F(LimitContainerOnDocker, OneWayLeavesTheOtherAsItIs) {
  const Undo in = injected(to("64KiB", "in"));
  EXPECT_GT(neighbour_.gets(), 1 << 20);
  EXPECT_FALSE(tc(box_, "show").contains("tbf"));
  {
    const auto traffic = neighbour_.sending();
    const Proof bitten = proof(in);
    EXPECT_TRUE(bitten.held) << bitten.text;
  }
  expect_undone(in);
  const Undo out = injected(to("64KiB", "out"));
  EXPECT_TRUE(tc(box_, "show").contains("tbf"));
  EXPECT_LT(neighbour_.gets(), 2 * 65536);
  expect_undone(out);
}

TEST_F(LimitContainerOnDocker, OneThatWantsLessThanItMayIsNotProven) {
  const Undo undo = injected(to("64KiB"));
  const Proof idle = proof(undo);
  EXPECT_FALSE(idle.held);
  EXPECT_TRUE(idle.text.contains("was held up 0 times")) << idle.text;
  expect_undone(undo);
}

TEST_F(LimitContainerOnDocker, AQueueOfSomebodyElseIsRefusedAndLeft) {
  const std::string theirs = "root handle 7fff: tbf rate 1mbit burst 16000 latency 100ms";
  (void)tc(box_, "add dev " + own_name(box_) + " " + theirs);
  const auto refused = row_.may(to("64KiB"), world_.context());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_TRUE(refused.error().text.contains("somebody else's, tbf 7fff:")) << refused.error().text;
  (void)tc(box_, "del dev " + own_name(box_) + " root");
  const Undo undo = injected(to("64KiB"));
  (void)tc(box_, "replace dev " + own_name(box_) + " " + theirs);
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
  EXPECT_TRUE(tc(box_, "show").contains("tbf 7fff:")) << tc(box_, "show");
}

TEST_F(LimitContainerOnDocker, WhoLivesWithAnotherOrOnTheMachineIsRefused) {
  const auto refusal = [&](const TestContainer& box) {
    aim_at(box);
    const auto may = row_.may(to("64KiB"), world_.context());
    return may ? "" : may.error().text;
  };
  const TestContainer guest("--network container:" + box_.name());
  EXPECT_TRUE(refusal(guest).contains("cannot be slowed without the other")) << refusal(guest);
  EXPECT_TRUE(refusal(box_).contains("cannot be slowed without the other")) << refusal(box_);
  const TestContainer host("--network host");
  EXPECT_TRUE(refusal(host).contains("network of its machine")) << refusal(host);
  const TestContainer none("--network none");
  EXPECT_TRUE(refusal(none).contains("no network interface")) << refusal(none);
}

TEST_F(LimitContainerOnDocker, OneThatIsStartedAnewHasNoLimitAndItIsGone) {
  const Undo undo = injected(to("64KiB"));
  docker("restart --time 0 " + box_.name());
  const Proof proven = proof(undo);
  EXPECT_FALSE(proven.held);
  EXPECT_TRUE(proven.text.contains("not limited any more")) << proven.text;
  expect_undone(undo);
}

// A runner that was killed halfway has set one end of two.
TEST_F(LimitContainerOnDocker, HalfOfItIsNotProvenAndIsTakenAway) {
  const std::string before = queues(box_);
  const Undo undo = injected(to("64KiB"));
  (void)tc(box_, "del dev " + own_name(box_) + " root");
  EXPECT_FALSE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(queues(box_), before);
}

}  // namespace
}  // namespace gameday
