#include "tests/drills/ssh_fixture.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow memory_probe;

namespace {

class MemoryProbeTest : public ProbeTest {
 protected:
  MemoryProbeTest() : ProbeTest(memory_probe) {}
  static std::string looking(const std::string& expect, const std::string& on = "") {
    return "{ memory: { " + on + "expect: { " + expect + " } } }";
  }
};

TEST_F(MemoryProbeTest, TellsWhatThisMachineHasLeft) {
  const auto answer = ask(looking("available_at_least: 1MiB, used_at_most: 100%"));
  EXPECT_TRUE(answer.ok) << answer.text;
  EXPECT_TRUE(answer.text.contains(" available, ")) << answer.text;
  expect_no_with(looking("available_at_least: 1000000GiB"), ", expected at least 1000000GiB");
  expect_no_with(looking("used_at_most: 0.001%"), ", expected at most 0.001% used");
}

// What is in use is more by what somebody takes.
TEST_F(MemoryProbeTest, SeesWhatIsTaken) {
  const auto available = [&] {  // MiB
    const auto text = ask(looking("used_at_most: 100%")).text;
    return std::atof(text.c_str()) * (text.contains(" GiB of") ? 1024 : 1);
  };
  const double before = available();
  std::string taken(std::size_t{1} << 30, 'x');
  const double after = available();
  EXPECT_EQ(taken[taken.size() / 2], 'x');
  EXPECT_LT(after, before - 512) << "MiB";
}

TEST_F(MemoryProbeTest, ExpectsSomethingOfAMachine) {
  EXPECT_TRUE(problem("{ memory: { expect: {} } }").contains("it expects nothing"));
  system_ = "  west: { process: { pidfile: west.pid } }\n";
  EXPECT_TRUE(problem(looking("used_at_most: 9%", "on: west, ")).contains("behind ssh"));
}

class MemoryProbeOnSsh : public OwnNetns, public ProbeTest {
 protected:
  MemoryProbeOnSsh() : ProbeTest(memory_probe) {
    system_ = "  edge: { ssh: { to: edge-1, config: " + machine_.host().config + " } }\n";
  }
  SshMachine machine_{world_};
};

TEST_F(MemoryProbeOnSsh, LooksOnAnotherMachine) {
  expect_good("{ memory: { on: edge, expect: { available_at_least: 1MiB } } }");
  expect_no_with("{ memory: { on: edge, expect: { available_at_least: 1000000GiB } } }",
                 ", expected at least 1000000GiB");
  machine_.configure("stranger");
  expect_no_with("{ memory: { on: edge, expect: { available_at_least: 1MiB } } }",
                 "lets none of our keys in");
}

}  // namespace
}  // namespace gameday
