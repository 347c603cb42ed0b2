#include "tests/drills/container_fixture.h"
#include "tests/drills/container_use.h"

namespace gameday {

extern const FaultRow limit_memory_fault;

namespace {

class LimitMemoryOnDocker : public ContainerFixture {
 protected:
  LimitMemoryOnDocker() : ContainerFixture(limit_memory_fault) {}
  static Deed leaving(const std::string& size) {
    return {"fault-1", "limit-memory", "cache", Json::object({{"leave", size}})};
  }
};

TEST_F(LimitMemoryOnDocker, IsAtTheBrinkAndFreeAgain) {
  const TestContainer box("--volume /more");
  aim_at(box);
  const std::string started = box.started(), before = memory_limits_of(box);
  const Undo undo = prepared(leaving("8MiB"));
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(leaving("8MiB"), undo, world_.context()));
  EXPECT_NE(memory_limits_of(box), before);
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  // More than it is left is not to be had: whoever takes it is ended.
  const std::string eats =
      "busybox sh -c 'a=$(busybox head -c 20000000 /dev/zero | busybox tr "
      "\\\\0 x); echo ${#a}'";
  EXPECT_FALSE(docker("exec " + box.name() + " " + eats, true).contains("20000000"));
  const Proof ended = proof(undo);
  EXPECT_TRUE(ended.text.contains("the kernel ended it, or a part of it")) << ended.text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(memory_limits_of(box), before);
  EXPECT_EQ(docker("exec " + box.name() + " " + eats), "20000000");
  EXPECT_EQ(box.started(), started);
  expect_undone(undo);
}

TEST_F(LimitMemoryOnDocker, TheLimitsThatItHadComeBackAsTheyWere) {
  for (const std::string options :
       {"--memory 64m", "--memory 64m --memory-swap 96m", "--memory 64m --memory-swap -1"}) {
    const TestContainer box(options);
    aim_at(box);
    const std::string format = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}";
    const std::string before = memory_limits_of(box), said = box.is(format);
    const Undo undo = injected(leaving("8MiB"));
    EXPECT_TRUE(proof(undo).held) << proof(undo).text;
    expect_undone(undo);
    EXPECT_EQ(memory_limits_of(box), before) << options;
    EXPECT_EQ(box.is(format), said) << options;
  }
}

// The engine shows a number from then on, and the kernel none: a start later too.
TEST_F(LimitMemoryOnDocker, OneThatHadNoneHasNoneOverAStartEither) {
  const TestContainer box;
  aim_at(box);
  const std::string before = memory_limits_of(box);
  expect_undone(injected(leaving("8MiB")));
  docker("restart --time 0 " + box.name());
  EXPECT_EQ(memory_limits_of(box), before);
}

TEST_F(LimitMemoryOnDocker, WhatCannotBeIsRefusedBeforeTheDrill) {
  const TestContainer box("--memory 12m --memory-reservation 10m"), passing("--rm");
  aim_at(box);
  const auto refusal = [&](const std::string& leave) {
    const auto may = row_.may(leaving(leave), world_.context());
    return may ? std::string("may") : may.error().text;
  };
  EXPECT_TRUE(refusal("12MiB").contains("would change nothing")) << refusal("12MiB");
  EXPECT_TRUE(refusal("7MiB").contains("its engine takes none below 10 MiB")) << refusal("7MiB");
  aim_at(passing);
  EXPECT_TRUE(refusal("8MiB").contains("--rm")) << refusal("8MiB");
  docker("rm --force " + passing.name());
}

TEST_F(LimitMemoryOnDocker, ALimitOfSomebodyElseStays) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(leaving("8MiB"));
  docker("update --memory 40m --memory-swap 40m " + box.name());
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
  EXPECT_TRUE(memory_limits_of(box).starts_with("41943040")) << memory_limits_of(box);
}

// One without a policy stays down until the undo.
TEST_F(LimitMemoryOnDocker, OneThatWantsMoreIsEndedAndStartedAgainByTheUndo) {
  const TestContainer box("", kGrows);
  aim_at(box);
  const std::string before = memory_limits_of(box);
  const Undo undo = injected(leaving("7MiB"));
  ASSERT_TRUE(eventually([&] { return box.state() == "exited"; }));
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(box.state(), "running");
  EXPECT_EQ(memory_limits_of(box), before);
}

}  // namespace
}  // namespace gameday
