#include "tests/drills/container_fixture.h"
#include "tests/drills/container_use.h"

namespace gameday {

extern const FaultRow limit_cpu_fault;

namespace {

class LimitCpuOnDocker : public ContainerFixture {
 protected:
  LimitCpuOnDocker() : ContainerFixture(limit_cpu_fault) {}
  static Deed leaving(const std::string& share) {
    return {"fault-1", "limit-cpu", "cache", Json::object({{"leave", share}})};
  }
};

TEST_F(LimitCpuOnDocker, IsHeldUpAndMeasuredAndFreeAgain) {
  const TestContainer box("", kBusy);
  aim_at(box);
  const std::string started = box.started(), before = quota_of(box);
  const Undo undo = prepared(leaving("5%"));
  EXPECT_EQ(quota_of(box), before);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(leaving("5%"), undo, world_.context()));
  EXPECT_NE(quota_of(box), before);
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_GT(bitten.facts.integer("throttled", 0), 0);
  EXPECT_LT(bitten.facts.number("used", 1), 0.1);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(quota_of(box), before);
  EXPECT_EQ(box.started(), started);
  expect_undone(undo);
}

// Each in the way that it was made with: an engine takes no other one.
TEST_F(LimitCpuOnDocker, WhatItHadBeforeComesBackWhicheverWayItWasGiven) {
  for (const std::string options : {"--cpus 1.5", "--cpu-period 50000 --cpu-quota 40000"}) {
    const TestContainer box(options, kBusy);
    aim_at(box);
    const std::string format =
        "{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}}";
    const std::string before = quota_of(box), said = box.is(format);
    const Undo undo = injected(leaving("10%"));
    EXPECT_TRUE(proof(undo).held) << proof(undo).text;
    expect_undone(undo);
    EXPECT_EQ(quota_of(box), before) << options;
    EXPECT_EQ(box.is(format), said) << options;
  }
}

TEST_F(LimitCpuOnDocker, OneThatWantsLessThanItIsLeftIsNotProven) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(leaving("50%"));
  const Proof idle = proof(undo);
  EXPECT_FALSE(idle.held);
  EXPECT_TRUE(idle.text.contains("was held up 0 times")) << idle.text;
  expect_undone(undo);
}

TEST_F(LimitCpuOnDocker, WhatWouldChangeNothingIsRefusedBeforeTheDrill) {
  const TestContainer box("--cpus 0.2");
  aim_at(box);
  const auto refused = row_.may(leaving("20%"), world_.context());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_TRUE(refused.error().text.contains("would change nothing")) << refused.error().text;
  EXPECT_TRUE(row_.may(leaving("10%"), world_.context()));
}

TEST_F(LimitCpuOnDocker, AQuotaOfSomebodyElseStays) {
  const TestContainer box("", kBusy);
  aim_at(box);
  const Undo undo = injected(leaving("5%"));
  docker("update --cpu-quota 30000 " + box.name());
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
  EXPECT_TRUE(quota_of(box).starts_with("30000")) << quota_of(box);
  EXPECT_EQ(row_.inject(leaving("5%"), undo, world_.context()).error().code, ErrorCode::conflict);
}

// Its quota stays its own over a start, and goes with it when it is removed.
TEST_F(LimitCpuOnDocker, OneThatIsStartedAnewIsStillHeldUpAndOneThatIsRemovedIsUndone) {
  const TestContainer box("", kBusy);
  aim_at(box);
  const std::string before = quota_of(box);
  const Undo undo = injected(leaving("5%"));
  docker("restart --time 0 " + box.name());
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(quota_of(box), before);
  docker("rm --force " + box.name());
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
