// `delay` of containers: real packets between real containers, on a kernel that has netem
// (tests/systems/netem).
#include "tests/drills/container_queues.h"

namespace gameday {

extern const FaultRow delay_container_fault;

namespace {

class DelayContainerOnNetem : public ContainerQueuesFixture {
 protected:
  DelayContainerOnNetem() : ContainerQueuesFixture(delay_container_fault) {
    aim_at(box_);
    // A guest takes its time where its machine is busy.
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(20))});
  }
  static Deed by(const std::string& latency, const std::string& direction = "both",
                 const std::string& jitter = "0s") {
    return {"fault-1", "delay-container", "cache",
            Json::object({{"latency", latency}, {"jitter", jitter}, {"direction", direction}})};
  }
  // From the machine of its engine and back, in milliseconds: the least of several.
  [[nodiscard]] double round_trip() const {
    const std::string said = told(at_engine() + "busybox ping -q -c 6 -i 0.2 " + address_);
    const auto at = said.find("min/avg/max = ");
    EXPECT_NE(at, std::string::npos) << said;
    return std::atof(said.substr(at + std::string_view("min/avg/max = ").size()).c_str());
  }
  // Its undo, with something else in the one path that it measures.
  static Undo with_path(const Undo& undo, const std::string& field, const Json& value) {
    Undo other = again(undo);
    Json path = other.arguments.items("paths").front();
    Json paths = Json::array();
    paths.push(path.set(field, value));
    other.arguments.set("paths", std::move(paths));
    return other;
  }

  TestPart network_{"network", "--subnet " + own_addresses() + "0/24"};
  TestContainer box_{"--network " + network_.name()};
  const std::string address_ = box_.is("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
};

TEST_F(DelayContainerOnNetem, WhatGoesThereAndComesBackIsLateAndThenAsItWas) {
  const std::string before = queues(box_);
  ASSERT_TRUE(row_.may(by("100ms"), world_.context()));
  const Undo undo = prepared(by("100ms"));
  EXPECT_EQ(queues(box_), before);
  EXPECT_FALSE(proof(undo).held);
  EXPECT_LT(round_trip(), 100);
  const auto done = row_.inject(by("100ms"), undo, world_.context());
  ASSERT_TRUE(done) << done.error().text;
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  const Json network = bitten.facts.items("networks").front();
  for (const char* way : {"in_s", "out_s"}) EXPECT_GE(network.number(way, 0), 0.1) << way;
  for (const char* way : {"in_before_s", "out_before_s"}) {
    EXPECT_LT(network.number(way, 1), 0.1) << way;
  }
  EXPECT_EQ(network.text("address"), address_);
  EXPECT_GE(round_trip(), 200);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(queues(box_), before);
  EXPECT_LT(round_trip(), 100);
  expect_undone(undo);
}

TEST_F(DelayContainerOnNetem, OneWayLeavesTheOtherAsItIs) {
  for (const std::string way : {"in", "out"}) {
    const Undo undo = injected(by("100ms", way));
    const Proof bitten = proof(undo);
    EXPECT_TRUE(bitten.held) << bitten.text;
    EXPECT_EQ(tc(box_, "show").contains("netem"), way == "out");
    const double took = round_trip();
    EXPECT_GE(took, 100);
    EXPECT_LT(took, 200);
    expect_undone(undo);
  }
}

TEST_F(DelayContainerOnNetem, OnTopOfItIsWhatEachPacketIsDrawn) {
  const std::string before = queues(box_);
  const Undo undo = injected(by("40ms", "out", "20ms"));
  EXPECT_TRUE(tc(box_, "show").contains("delay 50ms  10ms")) << tc(box_, "show");
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_GE(round_trip(), 40);
  expect_undone(again(undo));
  EXPECT_EQ(queues(box_), before);
}

TEST_F(DelayContainerOnNetem, AQueueOfSomebodyElseIsRefusedAndLeft) {
  const std::string theirs = "root handle 7fff: netem limit 1000 delay 50ms";
  tc(box_, "add dev " + own_name(box_) + " " + theirs);
  const std::string before = queues(box_);
  const auto refused = row_.may(by("50ms"), world_.context());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_TRUE(refused.error().text.contains("somebody else's, netem 7fff:"))
      << refused.error().text;
  EXPECT_FALSE(row_.prepare(by("50ms"), world_.context()));
  EXPECT_EQ(queues(box_), before);
  tc(box_, "del dev " + own_name(box_) + " root");
  const Undo undo = injected(by("50ms"));
  tc(box_, "replace dev " + own_name(box_) + " " + theirs);
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
  EXPECT_TRUE(tc(box_, "show").contains("netem 7fff:")) << tc(box_, "show");
}

TEST_F(DelayContainerOnNetem, WhatIsNotLateOrWasAsLateBeforeIsNotProven) {
  const Undo undo = injected(by("300ms"));
  EXPECT_TRUE(proof(undo).held);
  const Json flow = undo.arguments.items("paths").front().get("flow");
  // By a way that no queue of ours is on.
  Json beside = flow;
  const Proof in_time = proof(with_path(undo, "flow", beside.set("to", flow.get("from"))));
  EXPECT_FALSE(in_time.held) << in_time.text;
  for (const char* way : {"in_s", "out_s"}) {
    EXPECT_FALSE(proof(with_path(undo, way, 0.3)).held) << way;
  }
  Undo unmeasured = again(undo);
  unmeasured.arguments.set("paths", Json::array());
  EXPECT_FALSE(proof(unmeasured).held);
  expect_undone(undo);
}

TEST_F(DelayContainerOnNetem, WhereNothingComesThroughItCouldNotBeMeasured) {
  const std::string before = queues(box_);
  told(inside(box_) + "iptables-legacy -A INPUT -p udp -j DROP");
  const auto undo = row_.prepare(by("50ms"), world_.context());
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::unsupported);
  EXPECT_TRUE(undo.error().text.contains("could not be measured")) << undo.error().text;
  EXPECT_EQ(queues(box_), before);
}

TEST_F(DelayContainerOnNetem, WhoLivesWithAnotherOrOnTheMachineIsRefused) {
  const auto refusal = [&](const TestContainer& box) {
    aim_at(box);
    const auto may = row_.may(by("50ms"), world_.context());
    return may ? "" : may.error().text;
  };
  const TestContainer guest("--network container:" + box_.name());
  EXPECT_TRUE(refusal(guest).contains("cannot be slowed without the other")) << refusal(guest);
  EXPECT_TRUE(refusal(box_).contains("cannot be slowed without the other")) << refusal(box_);
  const TestContainer host("--network host");
  EXPECT_TRUE(refusal(host).contains("network of its machine")) << refusal(host);
}

TEST_F(DelayContainerOnNetem, OneThatIsStartedAnewIsNotLateAndItIsGone) {
  const Undo undo = injected(by("50ms"));
  docker("restart --time 0 " + box_.name());
  const Proof proven = proof(undo);
  EXPECT_FALSE(proven.held);
  EXPECT_TRUE(proven.text.contains("not late any more")) << proven.text;
  expect_undone(undo);
}

// A runner that was killed halfway has set one end of two.
TEST_F(DelayContainerOnNetem, HalfOfItIsNotProvenAndIsTakenAway) {
  const std::string before = queues(box_);
  const Undo undo = injected(by("50ms"));
  tc(box_, "del dev " + own_name(box_) + " root");
  EXPECT_FALSE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(queues(box_), before);
}

// As on a kernel that was built without it: it is a module here, which the kernel asks for.
TEST_F(DelayContainerOnNetem, AKernelWithoutItRefusesBeforeAnythingIsTouched) {
  const std::string before = queues(box_);
  const std::string asks = told("cat /proc/sys/kernel/modprobe");
  told("echo /bin/false >/proc/sys/kernel/modprobe; busybox rmmod sch_netem", true);
  const auto refused = row_.may(by("50ms"), world_.context());
  const auto undo = row_.prepare(by("50ms"), world_.context());
  told("echo " + asks + " >/proc/sys/kernel/modprobe");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_TRUE(refused.error().text.contains("this kernel has no netem: name a link instead"))
      << refused.error().text;
  EXPECT_FALSE(undo);
  EXPECT_EQ(queues(box_), before);
  EXPECT_TRUE(row_.may(by("50ms"), world_.context()));
}

}  // namespace
}  // namespace gameday
