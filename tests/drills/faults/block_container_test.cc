// `block` of containers: real packets between real containers, of both families. Two are a region,
// the third is outside of it.
#include "tests/drills/container_fixture.h"
#include "tests/drills/networked_box.h"

namespace gameday {

extern const FaultRow block_container_fault;

namespace {

using Place = NetworkedBox;

class BlockContainerOnDocker : public ContainerFixture {
 protected:
  BlockContainerOnDocker() : ContainerFixture(block_container_fault) {
    in_region("one", one_.box);
    in_region("two", two_.box);
  }
  void in_region(const std::string& name, const TestContainer& box) {
    world_.add_target(name, "container", Json::object({{"name", box.name()}})).region = "eu-west";
  }
  static Deed region(Json arguments = Json::object()) {
    return {"fault-1", "block-container", "", std::move(arguments.set("region", "eu-west"))};
  }

  TestNetwork network_;
  Place one_{network_.name(), "11"}, two_{network_.name(), "12"}, out_{network_.name(), "13"};
};

constexpr const char* kBoth = "connected, connected";
constexpr const char* kNone = "silent, silent";

TEST_F(BlockContainerOnDocker, ARegionIsCutOffAndStaysWholeInside) {
  const std::string before = one_.rules() + two_.rules() + out_.rules();
  ASSERT_EQ(one_.reaches(out_), kBoth);
  const Undo undo = prepared(region());
  EXPECT_EQ(one_.rules() + two_.rules() + out_.rules(), before);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(region(), undo, world_.context()));
  EXPECT_EQ(one_.reaches(two_), kBoth);
  EXPECT_EQ(two_.reaches(one_), kBoth);
  EXPECT_EQ(one_.reaches(out_), kNone);
  EXPECT_EQ(two_.reaches(out_), kNone);
  EXPECT_EQ(out_.reaches(one_), kNone);
  EXPECT_EQ(out_.reaches(two_), kNone);
  EXPECT_TRUE(docker("exec " + one_.box.name() + " busybox nslookup " + two_.box.name())
                  .contains(two_.four))
      << "the engine's resolver is inside";
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.contains(out_.four)) << bitten.text;
  EXPECT_TRUE(bitten.text.contains(out_.six)) << bitten.text;
  EXPECT_FALSE(gone(undo).held);
  const auto marks = row_.discover(region(), world_.context());
  ASSERT_TRUE(marks) << marks.error().text;
  EXPECT_EQ(marks->items().size(), 4U) << "of two containers, in both families";
  EXPECT_TRUE(out_.rules().find("gameday") == std::string::npos);
  expect_undone(again(undo));
  EXPECT_EQ(one_.rules() + two_.rules() + out_.rules(), before);
  EXPECT_EQ(out_.reaches(one_), kBoth);
  EXPECT_EQ(two_.reaches(out_), kBoth);
  expect_undone(undo);
}

TEST_F(BlockContainerOnDocker, OneWayLetsConnectionsOfTheOtherPass) {
  for (const bool in : {true, false}) {
    const Deed deed =
        region(Json::object({{"direction", in ? "in" : "out"}, {"existing", "keep"}}));
    const Undo undo = injected(deed);
    EXPECT_EQ(one_.reaches(out_), in ? kBoth : kNone);
    EXPECT_EQ(out_.reaches(one_), in ? kNone : kBoth);
    EXPECT_EQ(out_.reaches(two_), in ? kNone : kBoth);
    EXPECT_EQ(one_.reaches(two_), kBoth);
    EXPECT_TRUE(proof(undo).held) << proof(undo).text;
    expect_undone(undo);
  }
}

TEST_F(BlockContainerOnDocker, OneLinkAloneIsCutAndAllElseGoesOn) {
  const auto link = [](Json arguments = Json::object()) {
    return Deed{"fault-1", "block-container", "one", std::move(arguments.set("to", "two"))};
  };
  const std::string before = one_.rules() + two_.rules() + out_.rules();
  const Undo undo = prepared(link());
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(link(), undo, world_.context()));
  EXPECT_EQ(one_.reaches(two_), kNone);
  EXPECT_EQ(two_.reaches(one_), kNone);
  EXPECT_EQ(one_.reaches(out_), kBoth);
  EXPECT_EQ(out_.reaches(one_), kBoth);
  EXPECT_EQ(two_.reaches(out_), kBoth);
  EXPECT_EQ(out_.reaches(two_), kBoth);
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.contains(two_.four + " does not answer any more")) << bitten.text;
  EXPECT_TRUE(bitten.text.contains(two_.six + " does not answer any more")) << bitten.text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(one_.rules() + two_.rules() + out_.rules(), before);
  EXPECT_EQ(one_.reaches(two_), kBoth);
  for (const bool in : {true, false}) {
    const Undo way =
        injected(link(Json::object({{"direction", in ? "in" : "out"}, {"existing", "keep"}})));
    EXPECT_EQ(one_.reaches(two_), in ? kBoth : kNone);
    EXPECT_EQ(two_.reaches(one_), in ? kNone : kBoth);
    EXPECT_EQ(one_.reaches(out_), kBoth);
    EXPECT_TRUE(proof(way).held) << proof(way).text;
    expect_undone(way);
  }
}

TEST_F(BlockContainerOnDocker, ALinkThatIsNoneIsRefusedBeforeTheDrill) {
  const auto refusal = [&](const std::string& to) {
    const Deed link{"fault-1", "block-container", "one", Json::object({{"to", to}})};
    const auto may = row_.may(link, world_.context());
    return may ? std::string("may") : may.error().text;
  };
  EXPECT_EQ(refusal("two"), "may");
  EXPECT_TRUE(refusal("one").contains("to itself")) << refusal("one");
  EXPECT_TRUE(refusal("three").contains("no target three")) << refusal("three");
  const TestContainer guest("--network container:" + one_.box.name());
  in_region("guest", guest);
  EXPECT_TRUE(refusal("guest").contains("to itself")) << refusal("guest");
  const TestContainer alone("--network none");
  in_region("alone", alone);
  EXPECT_TRUE(refusal("alone").contains("no address of its own")) << refusal("alone");
}

TEST_F(BlockContainerOnDocker, ConnectionsAcrossAreResetAndThoseInsideGoOn) {
  const ClientInside across(one_.path(), out_.four + ":80"), inside(one_.path(), two_.four + ":80");
  const Descriptor far = out_.server4->accepted(), near = two_.server4->accepted();
  ASSERT_EQ(crosses(across.number(), far.get()), "crossed");
  const Undo undo = injected(region(Json::object({{"existing", "cut"}})));
  (void)crosses(far.get(), across.number());
  EXPECT_EQ(crosses(across.number(), far.get()), "reset");
  EXPECT_EQ(crosses(inside.number(), near.get()), "crossed");
  EXPECT_EQ(crosses(near.get(), inside.number()), "crossed");
  expect_undone(undo);
}

TEST_F(BlockContainerOnDocker, WhatDoesNotBiteIsTold) {
  const Undo undo = injected(region());
  two_.run("ip6tables -I OUTPUT 1 -j ACCEPT");
  two_.run("ip6tables -I INPUT 1 -j ACCEPT");
  const Proof passed = proof(undo);
  EXPECT_FALSE(passed.held);
  EXPECT_TRUE(passed.text.contains(out_.six + " answers all the same")) << passed.text;
  one_.run("iptables -F INPUT");
  const Proof half = proof(undo);
  EXPECT_FALSE(half.held);
  EXPECT_TRUE(half.text.contains("the rules of this deed are not all there")) << half.text;
  expect_undone(undo);
  EXPECT_TRUE(two_.rules().contains("-A OUTPUT -j ACCEPT")) << "it is not ours";
}

// Its namespace is another one, and nothing cuts it off any more.
TEST_F(BlockContainerOnDocker, OneThatIsStartedAnewIsToldAndOneThatIsRemovedIsUndone) {
  const Undo undo = injected(region());
  docker("restart --time 0 " + one_.box.name());
  EXPECT_EQ(ClientInside(one_.path(), out_.four + ":80").state(), "connected");
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.contains("it ended, or was started anew")) << seen.text;
  EXPECT_FALSE(gone(undo).held) << "the other one is still cut off";
  docker("rm --force " + one_.box.name());
  expect_undone(undo);
  EXPECT_EQ(two_.reaches(out_), kBoth);
}

TEST_F(BlockContainerOnDocker, NobodyIsCutOffWhomNobodyNamed) {
  const auto refusal = [&](const std::string& target) {
    Deed deed = region();
    deed.target = target;
    const auto undo = row_.prepare(deed, world_.context());
    return undo ? std::string("accepted") : undo.error().text;
  };
  const TestContainer machine("--network host");
  in_region("machine", machine);
  EXPECT_TRUE(refusal("machine").contains("the network of its machine")) << refusal("machine");
  world_.system().targets.pop_back();
  EXPECT_TRUE(row_.may(region(), world_.context()));
  const TestContainer guest("--network container:" + one_.box.name());
  EXPECT_TRUE(refusal("").contains("cannot be hit without the other")) << refusal("");
  EXPECT_FALSE(row_.may(region(), world_.context())) << "nor is it planned";
  in_region("guest", guest);
  EXPECT_TRUE(refusal("guest").contains("cannot be hit without the other")) << refusal("guest");
  const Undo all = injected(region());
  EXPECT_EQ(all.arguments.items("containers").size(), 2U) << "one namespace, one block";
  EXPECT_TRUE(proof(all).held) << proof(all).text;
  expect_undone(all);
  Deed alone = region();
  alone.target = "two";
  const Undo undo = injected(alone);
  EXPECT_EQ(two_.reaches(one_), kNone) << "nobody else of its region was named";
  EXPECT_EQ(one_.reaches(out_), kBoth);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
  world_.system().targets.clear();
  EXPECT_EQ(row_.prepare(region(), world_.context()).error().code, ErrorCode::not_found);
  EXPECT_FALSE(row_.may(region(), world_.context()));
}

}  // namespace
}  // namespace gameday
