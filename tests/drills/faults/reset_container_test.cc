// `reset` of containers: real connections between real containers, of both families.
#include "tests/drills/container_fixture.h"
#include "tests/drills/networked_box.h"

namespace gameday {

extern const FaultRow reset_container_fault;

namespace {

constexpr const char* kJoined = "connected, connected";
constexpr const char* kRefused = "Connection refused, Connection refused";

class ResetContainerOnDocker : public ContainerFixture {
 protected:
  ResetContainerOnDocker() : ContainerFixture(reset_container_fault) {
    aim_at(one_.box);
    world_.add_target("other", "container", Json::object({{"name", two_.box.name()}}));
  }
  [[nodiscard]] std::string rules() const { return one_.rules() + two_.rules(); }
  // The undo whose flows are those that nobody takes at the other end.
  static Undo not_taken(Undo undo) {
    Json one = undo.arguments.items("containers").front();
    Json rules = one.get("block"), flows = Json::array();
    for (Json flow : rules.items("flows")) {
      if (flow.text("way") == "out") flows.push(flow.set("taken", false));
    }
    one.set("block", rules.set("flows", flows));
    Json all = Json::array();
    all.push(one);
    undo.arguments.set("containers", all);
    return undo;
  }
  void expect_one_link_alone() {
    const NetworkedBox third(network_.name(), "13");
    const Deed link = deed(Json::object({{"to", "other"}}));
    const std::string before = rules();
    const Undo undo = injected(link);
    EXPECT_EQ(one_.reaches(two_), kRefused);
    EXPECT_EQ(two_.reaches(one_), kRefused);
    EXPECT_EQ(one_.reaches(third), kJoined);
    EXPECT_EQ(third.reaches(one_), kJoined);
    EXPECT_EQ(two_.reaches(third), kJoined);
    EXPECT_TRUE(proof(undo).held) << proof(undo).text;
    expect_undone(undo);
    EXPECT_EQ(rules(), before);
  }

  TestNetwork network_;
  NetworkedBox one_{network_.name(), "11"}, two_{network_.name(), "12"};
};

TEST_F(ResetContainerOnDocker, ConnectionsThatAreThereAndNewOnesAreResetAndDatagramsPass) {
  const std::string before = rules();
  const ClientInside out(one_.path(), two_.four + ":80"), in(two_.path(), one_.four + ":80");
  const Descriptor far = two_.server4->accepted(), near = one_.server4->accepted();
  ASSERT_EQ(crosses(out.number(), far.get()), "crossed");
  ASSERT_EQ(crosses(in.number(), near.get()), "crossed");
  Undo undo;
  ASSERT_TRUE(eventually([&] {
    undo = prepared(deed());
    return has_all_flows(undo);
  }));
  EXPECT_EQ(rules(), before);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(deed(), undo, world_.context()));
  // Its own end by its own packet, the other one by its own.
  EXPECT_EQ(crosses(out.number(), out.number()), "reset");
  EXPECT_EQ(crosses(far.get(), far.get()), "reset");
  EXPECT_EQ(crosses(in.number(), in.number()), "reset");
  EXPECT_EQ(crosses(near.get(), near.get()), "reset");
  EXPECT_EQ(one_.reaches(two_), kRefused);
  EXPECT_EQ(two_.reaches(one_), kRefused);
  EXPECT_EQ(lost_of(100, one_.path(), two_.path(), two_.four), 0);
  EXPECT_EQ(lost_of(100, two_.path(), one_.path(), one_.six), 0);
  EXPECT_EQ(ClientInside(one_.path(), "127.0.0.1:80").state(), "Connection refused")
      << "nobody listens there, and nothing inside is hit";
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.contains("a connection out was refused, a connection in was refused"))
      << bitten.text;
  for (const char* family : {"IPv4", "IPv6"}) {
    const Json seen = bitten.facts.get(one_.box.name()).get(family);
    EXPECT_EQ(seen.items("tried").size(), 2U) << bitten.text;
    EXPECT_GE(seen.integer("resets", 0), 2);
  }
  EXPECT_FALSE(gone(undo).held);
  const auto marks = row_.discover(deed(), world_.context());
  ASSERT_TRUE(marks) << marks.error().text;
  EXPECT_EQ(marks->items().size(), 2U) << "in both families";
  expect_undone(again(undo));
  EXPECT_EQ(rules(), before);
  EXPECT_EQ(one_.reaches(two_), kJoined);
  EXPECT_EQ(two_.reaches(one_), kJoined);
  expect_undone(undo);
  expect_one_link_alone();
}

TEST_F(ResetContainerOnDocker, WhatDoesNotBiteIsTold) {
  const auto told_of = [&](const Undo& undo) {
    const Proof seen = proof(undo);
    EXPECT_FALSE(seen.held) << seen.text;
    return seen.text;
  };
  const Undo undo = injected(deed());
  one_.run("iptables -I INPUT 1 -j ACCEPT");
  const auto silent = told_of(undo);
  EXPECT_TRUE(silent.contains("a connection in was not answered")) << silent;
  one_.run("iptables -I OUTPUT 1 -j ACCEPT");
  const auto evaded = told_of(undo);
  EXPECT_TRUE(evaded.contains("a connection in was made all the same")) << evaded;
  one_.run("iptables -D INPUT 1");
  one_.run("iptables -D OUTPUT 1");
  EXPECT_TRUE(proof(not_taken(undo)).held) << proof(not_taken(undo)).text;
  // Whoever is at the other end refuses by himself.
  for (const char* tables : {"iptables", "ip6tables"}) {
    one_.run(std::string(tables) + " -I OUTPUT 1 -j ACCEPT");
    one_.run(std::string(tables) + " -I INPUT 1 -j ACCEPT");
  }
  const auto by_others = told_of(not_taken(undo));
  EXPECT_TRUE(by_others.contains("a connection out was refused")) << by_others;
  one_.run("iptables -F OUTPUT");
  EXPECT_TRUE(told_of(undo).contains("IPv4: the rules of this deed are not all there"));
  expect_undone(undo);
  EXPECT_FALSE(rules().contains("gameday")) << rules();
}

}  // namespace
}  // namespace gameday
