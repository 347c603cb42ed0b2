// What `run` leaves behind for a person and for a CI where a drill did not come to its end, or its
// evidence not to its place.
#include <csignal>

#include "tests/cli/cli_fixture.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

class RunCommand : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    setenv("GITHUB_STEP_SUMMARY", file("summary.md").c_str(), 1);
    sleeper_ = start({"sleep", "600"}, "/dev/null");
    write("west.pid", std::to_string(sleeper_) + "\n");
    write("good.yaml", playbook("true", "60s"));
    write("unsteady.yaml", playbook("false", "2s"));
    write("bad.yaml", "gameday: 1\n");
  }
  void TearDown() override {
    kill(sleeper_, SIGKILL);
    (void)ended(sleeper_);
    unsetenv("GITHUB_STEP_SUMMARY");
    CliTest::TearDown();
  }

  // Patient, for machines that have other things to do.
  static std::string playbook(const std::string& answer, const std::string& within) {
    return "gameday: 1\nname: small\nsummary: One process hangs for a moment.\nowner: somebody\n"
           "limits: { targets: 1 }\nsystem:\n  west: { process: { pidfile: west.pid } }\n"
           "probes:\n  alive: { command: [\"" +
           answer +
           "\"], every: 1s, timeout: 1s }\ntimeline:\n"
           "  - steady_state: { for: 1s, within: " +
           within +
           ", probes: [alive] }\n"
           "  - { fault: pause, target: west, for: 200ms }\n";
  }

  // `run` with --out on a filesystem of 64 KiB; what it left there lies in the folder `kept`.
  [[nodiscard]] Ran run_without_room(const std::string& arguments) const {
    std::vector<std::string> argv = {"unshare", "--mount"};
    if (geteuid() != 0) argv.push_back("--map-root-user");
    for (const char* word : {"sh", "-c"}) argv.emplace_back(word);
    argv.push_back("mkdir -p full kept && mount -t tmpfs -o size=64k none full && { " +
                   std::string(GAMEDAY_BINARY) + " run " + arguments + " --out full" +
                   "; code=$?; cp -a full/. kept; exit $code; }");
    return run_program(argv);
  }
  [[nodiscard]] std::string summary() const {
    return Files().exists(file("summary.md")) ? read(file("summary.md")) : "";
  }
  void expect_told(const std::string& out, const Ran& ran, const std::string& verdict,
                   const std::string& why) const {
    const auto result = Json::parse(read(out + "/result.json")).value_or(Json());
    EXPECT_EQ(result.text("verdict"), verdict) << ran.err;
    EXPECT_EQ(result.integer("exit_code", 0), ran.code);
    ASSERT_FALSE(result.items("reasons").empty());
    EXPECT_TRUE(result.items("reasons").front().text("text").contains(why)) << result.dump();
    const std::string junit = read(out + "/junit.xml");
    EXPECT_TRUE(junit.contains("errors=\"1\"")) << junit;
    EXPECT_TRUE(junit.contains("<error message=\"")) << junit;
    EXPECT_TRUE(summary().contains(verdict == "not_started" ? "not started" : verdict))
        << summary();
  }

  pid_t sleeper_ = 0;
};

TEST_F(RunCommand, WithoutItsBundleADrillHasNotPassed) {
  const Ran ran = run_without_room("good.yaml --json --store here.db");
  EXPECT_EQ(ran.code, 6) << ran.err;
  const Json result = document(ran);
  EXPECT_EQ(result.text("verdict"), "inconclusive");
  EXPECT_EQ(result.integer("exit_code", 0), 6);
  EXPECT_TRUE(result.items("reasons").front().text("text").contains("could not be written"));
  EXPECT_TRUE(ran.err.contains("gameday report " + result.text("drill") + " --out DIR")) << ran.err;
  EXPECT_TRUE(ran.err.contains("--store here.db")) << ran.err;
  expect_told(file("kept"), ran, "inconclusive", "could not be written");
  for (const auto& entry : std::filesystem::directory_iterator(file("kept"))) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(name == "result.json" || name == "junit.xml") << name;
  }
  // As the hint says: the store has it all, and there the drill has passed.
  EXPECT_EQ(run({"report", "latest", "--out", "again", "--store", "here.db"}).code, 0);
  EXPECT_TRUE(read(file("again/result.json")).contains("\"passed\""));
}

TEST_F(RunCommand, WithoutItsBundleWhatIsWorseStays) {
  const Ran ran = run_without_room("unsteady.yaml --quiet");
  EXPECT_EQ(ran.code, 3) << ran.err;
  EXPECT_TRUE(ran.err.contains("could not be written")) << ran.err;
  EXPECT_TRUE(ran.err.contains("gameday: not started: step steady_state-1")) << ran.err;
}

TEST_F(RunCommand, ARefusedDrillTellsACiToo) {
  const std::string of_nobody = "/proc/gameday/store.db";
  keep("01LEFT", interrupted_drill(Guardian::absent), "");
  const struct {
    std::vector<std::string> arguments;
    int code;
    std::string verdict, why;
  } refused[] = {
      {{"run", "bad.yaml"}, 2, "invalid", "bad.yaml:1:1: "},
      {{"run", "gone.yaml"}, 2, "invalid", "gone.yaml"},
      {{"run", "good.yaml", "--bogus"}, 2, "invalid", "--bogus"},
      {{"run", "good.yaml", "--seed", "many"}, 2, "invalid", "many"},
      {{"run", "good.yaml", "--rubric", "bad.yaml"}, 2, "invalid", "rubric"},
      {{"run", "good.yaml", "--store", of_nobody}, 3, "not_started", "/proc/gameday"},
      {{"run", "good.yaml"}, 3, "not_started", "01LEFT"},
  };
  int number = 0;
  for (auto [arguments, code, verdict, why] : refused) {
    (void)Files().remove(file("summary.md"));
    const std::string out = file("out" + std::to_string(++number));
    arguments.insert(arguments.end(), {"--out", out});
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, code) << why << ran.err;
    expect_told(out, ran, verdict, why);
  }
}

TEST_F(RunCommand, ARefusalLeavesASealedBundleAlone) {
  ASSERT_EQ(run({"run", "good.yaml", "--out", "out", "--quiet"}).code, 0);
  const std::string sealed = read(file("out/result.json"));
  const Ran ran = run({"run", "bad.yaml", "--out", "out"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_TRUE(ran.err.contains("holds the bundle of an earlier drill")) << ran.err;
  EXPECT_EQ(read(file("out/result.json")), sealed);
  EXPECT_EQ(run({"verify", "out"}).code, 0);
}

// One that may start, at any time of these two years.
std::string in_production(std::string playbook) {
  const std::string at = "limits:";
  playbook.insert(playbook.find(at),
                  "environment: production\n"
                  "window: { from: \"2026-01-01T00:00:00Z\", to: \"2099-01-01T00:00:00Z\" }\n");
  const std::string fault = "  - { fault:";
  playbook.insert(playbook.find(fault),
                  "  - approve: { role: owner, not: operator, within: 100ms }\n");
  return playbook;
}

TEST_F(RunCommand, InProductionItAsksForANameAPlanAWindowAndAnApproval) {
  write("real.yaml", in_production(playbook("true", "60s")));
  const Ran bare = run({"run", "real.yaml", "--json", "--out", "o"});
  EXPECT_EQ(bare.code, 3);
  EXPECT_TRUE(bare.err.contains("--confirm small")) << bare.err;
  EXPECT_TRUE(bare.err.contains("--plan sha256:...")) << bare.err;
  EXPECT_EQ(document(bare).text("verdict"), "not_started");
  const Ran wrong = run({"run", "real.yaml", "--confirm", "smal", "--plan", "sha256:0"});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_TRUE(wrong.err.contains("--confirm small")) << wrong.err;
  EXPECT_TRUE(wrong.err.contains("and not the one of --plan")) << wrong.err;
  const auto plan = document(run({"plan", "real.yaml", "--json"})).text("plan_sha256");
  // Nobody approves: it has begun, and asked.
  const Ran asked = run({"run", "real.yaml", "--json", "--confirm", "small", "--plan", plan});
  EXPECT_EQ(asked.code, 3) << asked.err;
  EXPECT_TRUE(asked.out.contains("nobody approved")) << asked.out;
}

TEST_F(RunCommand, APlanThatIsNamedHasToBeThatOneAnywhere) {
  const Ran ran = run({"run", "good.yaml", "--plan", "sha256:0"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_TRUE(ran.err.contains("and not the one of --plan")) << ran.err;
}

// Not when half of the timeline is done: the process of the first step has not been touched.
TEST_F(RunCommand, WhatAStepWouldRefuseIsFoundBeforeTheFirst) {
  const struct {
    std::string step, why;
  } refused[] = {
      {"fault: fill-disk, path: ., leave: 1MiB", "same filesystem as gameday's store"},
      {"fault: fill-disk, path: /proc, leave: 1MiB", "a filesystem without a size"},
      {"fault: exhaust, memory: 1000GiB", "processes of others would be ended"},
  };
  for (const auto& [step, why] : refused) {
    write("later.yaml", playbook("true", "60s") + "  - { " + step + ", for: 1s }\n");
    const Ran ran = run({"run", "later.yaml", "--json"});
    EXPECT_EQ(ran.code, 3) << ran.err;
    const Json result = document(ran);
    EXPECT_EQ(result.text("verdict"), "not_started");
    EXPECT_TRUE(result.get("reasons").dump().contains(why)) << result.get("reasons").dump();
    EXPECT_TRUE(result.items("faults").empty()) << result.get("faults").dump();
    const Ran plan = run({"plan", "later.yaml"});
    EXPECT_EQ(plan.code, 0) << plan.err;
    EXPECT_TRUE(plan.out.contains("REFUSED: step ") && plan.out.contains(why)) << plan.out;
  }
}

TEST_F(RunCommand, QuietSaysWhyADrillDidNotStart) {
  const Ran ran = run({"run", "unsteady.yaml", "--quiet"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_TRUE(ran.err.contains("not started: step steady_state-1: no steady state")) << ran.err;
  EXPECT_FALSE(ran.err.contains("phase ")) << ran.err;
  const Ran good = run({"run", "good.yaml", "--quiet"});
  EXPECT_EQ(good.code, 0);
  EXPECT_EQ(good.err, "");
}

}  // namespace
}  // namespace gameday
