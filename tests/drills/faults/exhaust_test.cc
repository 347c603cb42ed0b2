#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "drills/systems/stressor.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

extern const FaultRow exhaust_fault;

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMiB = 1 << 20;

class ExhaustTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("GAMEDAY_PROGRAM", GAMEDAY_BIN_DIR "/../gameday", 1);
    std::filesystem::create_directories(world_.private_folder());
  }
  void TearDown() override {
    for (const auto& id : stressors()) (void)world_.doors().processes.signal(id, SIGKILL);
  }
  static Status fits(Json arguments) {
    Step step;
    step.fault = "exhaust";
    step.arguments = std::move(arguments);
    return exhaust_fault.fits(step);
  }
  static Deed deed(std::int64_t cpu, const std::string& memory, std::int64_t descriptors) {
    return {"fault-1", "exhaust", "this machine",
            Json::object({{"cpu", cpu}, {"memory", memory}, {"descriptors", descriptors}})};
  }
  Result<Undo> prepare(const Deed& deed) { return exhaust_fault.prepare(deed, world_.context()); }
  Undo exhausted(const Deed& deed) {
    auto undo = prepare(deed);
    EXPECT_TRUE(undo) << undo.error().text;
    const auto done = exhaust_fault.inject(deed, *undo, world_.context());
    EXPECT_TRUE(done) << done.error().text;
    return *undo;
  }
  Proof proven(const Undo& undo) {
    return exhaust_fault.prove(deed(0, "0B", 0), undo, world_.context()).value_or(Proof{});
  }
  bool gone(const Undo& undo) { return exhaust_fault.gone(undo, world_.context())->held; }
  Status undone(const Undo& undo) { return exhaust_fault.undo(undo, world_.context()); }
  std::string lease() const { return world_.private_folder() + "/drill-1.lease"; }
  std::vector<ProcessId> stressors() { return stressors_of(lease(), "drill-1", world_.doors()); }
  bool none_within(Duration patience) {
    const Instant end = world_.clock().in(patience);
    while (!stressors().empty() && world_.clock().now().boot < end) {
      (void)world_.clock().sleep({{}, world_.clock().in(10ms)});
    }
    return stressors().empty();
  }
  // Injects in a runner of its own, which then waits for what happens to it.
  pid_t runner_with(const Undo& undo) {
    const pid_t child = fork();
    if (child == 0) {
      const SystemClock clock;
      const Files files;
      const auto processes = make_processes(clock);
      const auto http = make_curl_http(clock);
      const Doors doors{clock, files, *processes, *http, {}};
      const System nothing;
      const Secrets secrets;
      (void)exhaust_fault.inject(deed(1, "8MiB", 10), undo,
                                 {doors,
                                  nothing,
                                  secrets,
                                  "drill",
                                  "drill-1",
                                  world_.private_folder(),
                                  {{}, clock.in(20s)}});
      while (true) pause();
    }
    const Instant end = world_.clock().in(10s);
    while (stressors().empty() && world_.clock().now().boot < end) {
      (void)world_.clock().sleep({{}, world_.clock().in(2ms)});
    }
    EXPECT_EQ(stressors().size(), 1U);
    return child;
  }

  DeedWorld world_;
};

TEST_F(ExhaustTest, OfNothingIsFoundWithoutThisMachine) {
  EXPECT_FALSE(fits(Json::object()));
  EXPECT_FALSE(fits(Json::object({{"cpu", 0}, {"memory", "0B"}, {"descriptors", 0}})));
  EXPECT_TRUE(fits(Json::object({{"cpu", 1}})));
  EXPECT_TRUE(fits(Json::object({{"memory", "1MiB"}})));
  EXPECT_TRUE(fits(Json::object({{"descriptors", 1}})));
}

TEST_F(ExhaustTest, HoldsWhatItSaysAndGivesAllBack) {
  const Undo undo = exhausted(deed(1, "64MiB", 200));
  ASSERT_EQ(stressors().size(), 1U);
  const auto held = held_by(stressors(), world_.doors());
  EXPECT_GE(held.memory, 64 * kMiB);
  EXPECT_LT(held.memory, 164 * kMiB);
  EXPECT_GE(held.descriptors, 200);
  EXPECT_LT(held.descriptors, 264);
  const auto proof = proven(undo);
  EXPECT_TRUE(proof.held) << proof.text;
  EXPECT_FALSE(gone(undo));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_TRUE(stressors().empty());
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(ExhaustTest, IsTheFirstToBeEndedWhereMemoryIsShort) {
  const Undo undo = exhausted(deed(0, "1MiB", 0));
  const std::string process = "/proc/" + std::to_string(stressors().front().pid);
  // It has just been started, and says so as its first deed.
  EXPECT_TRUE(eventually(
      [&] { return Files().read(process + "/oom_score_adj").value_or("") == "1000\n"; }));
  EXPECT_TRUE(Files().read(process + "/environ")->contains("GAMEDAY_MARK=drill-1"));
  ASSERT_TRUE(undone(undo));
}

TEST_F(ExhaustTest, LessThanWasAskedForIsNotProven) {
  Undo undo = exhausted(deed(0, "8MiB", 10));
  EXPECT_TRUE(proven(undo).held) << proven(undo).text;
  undo.arguments.set("memory", 512 * kMiB);
  EXPECT_FALSE(proven(undo).held) << proven(undo).text;
  undo.arguments.set("memory", 0).set("descriptors", 5000);
  EXPECT_FALSE(proven(undo).held) << proven(undo).text;
  undo.arguments.set("descriptors", 0).set("cpu", 1);
  EXPECT_FALSE(proven(undo).held) << "it burns nothing: " << proven(undo).text;
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(proven(undo).held) << "nobody is there: " << proven(undo).text;
}

TEST_F(ExhaustTest, AKilledRunnerTakesItAlong) {
  const auto undo = prepare(deed(1, "8MiB", 10));
  ASSERT_TRUE(undo);
  const pid_t runner = runner_with(*undo);
  kill(runner, SIGKILL);
  waitpid(runner, nullptr, 0);
  EXPECT_TRUE(none_within(2s));
  ASSERT_TRUE(undone(*undo));
  EXPECT_TRUE(gone(*undo));
}

TEST_F(ExhaustTest, AZombieOfARunnerIsNoRunner) {
  const auto undo = prepare(deed(1, "8MiB", 10));
  ASSERT_TRUE(undo);
  const pid_t runner = runner_with(*undo);
  kill(runner, SIGKILL);
  EXPECT_TRUE(none_within(2s));
  waitpid(runner, nullptr, 0);
}

TEST_F(ExhaustTest, ALeaseThatNobodyRenewsEndsIt) {
  const auto undo = prepare(deed(1, "8MiB", 10));
  ASSERT_TRUE(undo);
  const pid_t runner = runner_with(*undo);
  kill(runner, SIGSTOP);
  EXPECT_TRUE(none_within(kStressLease + 2s));
  kill(runner, SIGKILL);
  waitpid(runner, nullptr, 0);
}

TEST_F(ExhaustTest, ARenewedLeaseKeepsIt) {
  const Undo undo = exhausted(deed(0, "1MiB", 0));
  const Instant end = world_.clock().in(kStressLease + 1s);
  while (world_.clock().now().boot < end) {
    ASSERT_TRUE(exhaust_fault.renew(undo, world_.context()));
    (void)world_.clock().sleep({{}, world_.clock().in(200ms)});
  }
  EXPECT_EQ(stressors().size(), 1U);
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(exhaust_fault.renew(undo, world_.context())) << "a lease came back after its undo";
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(ExhaustTest, OneThatComesUpLateTakesNothing) {
  EXPECT_EQ(run_stressor({1, 8 * kMiB, 10}, lease(), getpid()), 0) << "there is no lease";
  ASSERT_TRUE(grant_lease(lease(), world_.doors()));
  const pid_t nobody = fork();
  if (nobody == 0) _exit(0);
  waitpid(nobody, nullptr, 0);
  EXPECT_EQ(run_stressor({1, 8 * kMiB, 10}, lease(), nobody), 0) << "its runner is dead";
}

TEST_F(ExhaustTest, NobodyElsesStressorIsEnded) {
  const Undo undo = exhausted(deed(0, "1MiB", 0));
  Undo other = undo;
  other.arguments.set("mark", "other-7");
  ASSERT_TRUE(grant_lease(lease() + ".kept", world_.doors()));
  other.arguments.set("lease", lease() + ".kept");
  ASSERT_TRUE(undone(other));
  EXPECT_EQ(stressors().size(), 1U);
  ASSERT_TRUE(undone(undo));
}

TEST_F(ExhaustTest, TooMuchIsRefused) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  rlimit most{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &most), 0);
  const auto many = static_cast<std::int64_t>(most.rlim_max);
  // Before the drill as well as at its step.
  for (const auto& much : {deed(cores + 1, "0B", 0), deed(0, "1000GiB", 0), deed(0, "0B", many)}) {
    EXPECT_EQ(exhaust_fault.may(much, world_.context()).error().code, ErrorCode::refused);
    EXPECT_EQ(prepare(much).error().code, ErrorCode::refused);
  }
  EXPECT_TRUE(exhaust_fault.may(deed(1, "1MiB", 10), world_.context()));
  EXPECT_EQ(prepare(deed(0, "0B", 0)).error().code, ErrorCode::invalid) << "nothing is asked for";
}

}  // namespace
}  // namespace gameday
