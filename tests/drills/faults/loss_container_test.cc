// `loss` of containers: real datagrams between real containers, of both families, counted where
// they arrive.
#include <fstream>

#include "tests/drills/container_fixture.h"
#include "tests/drills/networked_box.h"

namespace gameday {

extern const FaultRow loss_container_fault;

namespace {

constexpr int kMany = 2000;
// A fifth of them, by six standard deviations more or less.
constexpr int kFewest = 292, kMost = 508;

class LossContainerOnDocker : public ContainerFixture {
 protected:
  LossContainerOnDocker() : ContainerFixture(loss_container_fault) {
    aim_at(one_.box);
    world_.add_target("other", "container", Json::object({{"name", two_.box.name()}}));
  }
  Deed a_fifth(Json arguments = Json::object()) const {
    return deed(std::move(arguments.set("share", "20%")));
  }
  [[nodiscard]] std::string rules() const { return one_.rules() + two_.rules(); }
  static void expect_fifth(int lost) {
    EXPECT_GE(lost, kFewest);
    EXPECT_LE(lost, kMost);
  }
  [[nodiscard]] int lost_out(const std::string& address) const {
    return lost_of(kMany, one_.path(), two_.path(), address);
  }
  [[nodiscard]] int lost_in(const std::string& address) const {
    return lost_of(kMany, two_.path(), one_.path(), address);
  }
  void expect_refused_before() {
    const auto refusal = [&](const std::string& to) {
      const auto may = row_.may(a_fifth(Json::object({{"to", to}})), world_.context());
      return may ? std::string("may") : may.error().text;
    };
    EXPECT_EQ(refusal("other"), "may");
    EXPECT_TRUE(refusal("cache").contains("to itself")) << refusal("cache");
    EXPECT_TRUE(refusal("nobody").contains("no target nobody")) << refusal("nobody");
    const std::string before = rules();
    const std::string path = std::getenv("PATH");
    // A kernel without the match.
    std::ofstream(world_.file("ip6tables-restore"))
        << "#!/bin/sh\necho \"Couldn't load match 'statistic'\" >&2\nexit 2\n";
    std::filesystem::permissions(world_.file("ip6tables-restore"),
                                 std::filesystem::perms::owner_all);
    setenv("PATH", (world_.file("") + ":" + path).c_str(), 1);
    const auto may = row_.may(a_fifth(), world_.context());
    const auto undo = row_.prepare(a_fifth(), world_.context());
    setenv("PATH", path.c_str(), 1);
    ASSERT_FALSE(may);
    EXPECT_EQ(may.error().code, ErrorCode::unsupported);
    EXPECT_TRUE(may.error().text.contains("IPv6 rules: Couldn't load match")) << may.error().text;
    EXPECT_TRUE(may.error().hint.contains("gameday doctor")) << may.error().hint;
    ASSERT_FALSE(undo);
    EXPECT_EQ(undo.error().code, ErrorCode::unsupported);
    EXPECT_EQ(rules(), before);
  }
  // The undo with no traffic of our own, as where no way for it was found.
  static Undo without_flows(Undo undo) {
    Json one = undo.arguments.items("containers").front();
    Json rules = one.get("block");
    one.set("block", rules.set("flows", Json::array()));
    Json all = Json::array();
    all.push(one);
    undo.arguments.set("containers", all);
    return undo;
  }
  // A firewall of the machine takes none of our datagrams: what the kernel does not let out is
  // counted then; and without any traffic of our own, that of others.
  void expect_counted_where_ours_do_not_arrive() {
    const std::string engine = "nsenter --net=/proc/" +
                               told("cat $(dirname " + TestEngine::host().substr(7) +
                                    ")/docker.pid 2>/dev/null || echo self") +
                               "/ns/net iptables ";
    const std::string rule = " INPUT -s " + one_.four + " -p udp -j DROP";
    (void)told(engine + "-I" + rule);
    const Deed out = a_fifth(Json::object({{"direction", "out"}}));
    const Undo undo = injected(out);
    const Proof bitten = proof(undo);
    EXPECT_TRUE(bitten.held) << bitten.text;
    const Json seen = bitten.facts.get(one_.box.name()).get("IPv4");
    ASSERT_EQ(seen.items("tried").size(), 1U) << bitten.text;
    expect_fifth(static_cast<int>(seen.items("tried").front().integer("lost", 0)));
    expect_undone(undo);
    (void)told(engine + "-D" + rule);
    const Undo again = without_flows(injected(out));
    const Proof none = proof(again);
    EXPECT_FALSE(none.held);
    EXPECT_TRUE(none.text.contains("nothing that it would lose has come by")) << none.text;
    expect_fifth(lost_out(two_.four));
    const Proof others = proof(again);
    EXPECT_TRUE(others.held) << others.text;
    expect_undone(again);
  }

  TestNetwork network_;
  NetworkedBox one_{network_.name(), "11"}, two_{network_.name(), "12"};
};

TEST_F(LossContainerOnDocker, AShareIsLostEachWayAndAllArrivesAgain) {
  const std::string before = rules();
  Undo undo;
  ASSERT_TRUE(eventually([&] {
    undo = prepared(a_fifth());
    return has_all_flows(undo);
  }));
  EXPECT_EQ(rules(), before);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(a_fifth(), undo, world_.context()));
  for (const auto& [out, in] : {std::pair(two_.four, one_.four), std::pair(two_.six, one_.six)}) {
    expect_fifth(lost_out(out));
    expect_fifth(lost_in(in));
  }
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  for (const char* family : {"IPv4", "IPv6"}) {
    const Json seen = bitten.facts.get(one_.box.name()).get(family);
    ASSERT_EQ(seen.items("tried").size(), 2U) << bitten.text;
    for (const Json& one : seen.items("tried")) {
      EXPECT_EQ(one.integer("sent", 0), kMany);
      expect_fifth(static_cast<int>(one.integer("lost", 0)));
    }
    EXPECT_GT(seen.integer("stopped", 0), 0);
  }
  EXPECT_FALSE(gone(undo).held);
  const auto marks = row_.discover(a_fifth(), world_.context());
  ASSERT_TRUE(marks) << marks.error().text;
  EXPECT_EQ(marks->items().size(), 2U) << "in both families";
  expect_undone(again(undo));
  EXPECT_EQ(rules(), before);
  EXPECT_EQ(lost_out(two_.four) + lost_in(one_.six), 0);
  expect_undone(undo);
  expect_refused_before();
}

TEST_F(LossContainerOnDocker, OneWayOfOneLinkLeavesTheOtherAndEverybodyElse) {
  const NetworkedBox third(network_.name(), "13");
  for (const bool in : {true, false}) {
    const Undo undo =
        injected(a_fifth(Json::object({{"direction", in ? "in" : "out"}, {"to", "other"}})));
    const int out = lost_out(two_.four), back = lost_in(one_.six);
    expect_fifth(in ? back : out);
    EXPECT_EQ(in ? out : back, 0);
    EXPECT_EQ(lost_of(kMany, one_.path(), third.path(), third.four), 0);
    EXPECT_EQ(lost_of(kMany, third.path(), one_.path(), one_.four), 0);
    EXPECT_EQ(one_.reaches(third), "connected, connected");
    const Proof bitten = proof(undo);
    EXPECT_TRUE(bitten.held) << bitten.text;
    EXPECT_TRUE(bitten.text.contains(in ? "were lost in" : "were lost out")) << bitten.text;
    EXPECT_FALSE(bitten.text.contains(in ? "were lost out" : "were lost in")) << bitten.text;
    expect_undone(undo);
  }
}

TEST_F(LossContainerOnDocker, WhatDoesNotBiteIsTold) {
  const auto told_of = [&](const Undo& undo) {
    const Proof seen = proof(undo);
    EXPECT_FALSE(seen.held) << seen.text;
    return seen.text;
  };
  const Undo undo = injected(a_fifth());
  const std::string chain = one_.run("iptables -S OUTPUT | sed -n 's/.*-j \\(GD[^ ]*\\).*/\\1/p'");
  one_.run("iptables -I OUTPUT 1 -j ACCEPT");
  const auto evaded = told_of(undo);
  EXPECT_TRUE(evaded.contains("0 of 2000 (0.0%) datagrams of ours were lost out")) << evaded;
  // As many are lost by somebody else's doing.
  one_.run("iptables -I OUTPUT 1 -m statistic --mode random --probability 0.2 -j DROP");
  const auto elsewhere = told_of(undo);
  EXPECT_FALSE(elsewhere.contains("0 of 2000 (0.0%)")) << elsewhere;
  one_.run("iptables -D OUTPUT 1");
  one_.run("iptables -D OUTPUT 1");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  const std::string number = told("nsenter --net=" + one_.path() + " iptables -S " + chain +
                                  " | grep -n statistic | sed 's/:.*//'");
  one_.run("iptables -R " + chain + " " + std::to_string(std::atoi(number.c_str()) - 1) +
           " -m statistic --mode random --probability 0.9 -j DROP");
  const auto more = told_of(undo);
  EXPECT_FALSE(more.contains("0 of 2000 (0.0%)")) << more;
  const auto counted = told_of(without_flows(undo));
  EXPECT_FALSE(counted.contains("datagrams of ours")) << counted;
  one_.run("ip6tables -F INPUT");
  EXPECT_TRUE(told_of(undo).contains("IPv6: the rules of this deed are not all there"));
  expect_undone(undo);
  EXPECT_FALSE(rules().contains("gameday")) << rules();
  expect_counted_where_ours_do_not_arrive();
}

}  // namespace
}  // namespace gameday
