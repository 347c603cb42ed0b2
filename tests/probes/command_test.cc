#include <csignal>

#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow command_probe;

namespace {

using namespace std::chrono_literals;

class CommandProbeTest : public ProbeTest {
 protected:
  CommandProbeTest() : ProbeTest(command_probe) {}

  // A probe that runs this text as a program in the playbook's folder.
  std::string running(const std::string& text, const std::string& more = "") const {
    write("program", "#!/bin/sh\n" + text + "\n");
    std::filesystem::permissions(world_.file("program"), std::filesystem::perms::owner_all);
    return "{ command: [./program, one, two words]" + more + " }";
  }
};

TEST_F(CommandProbeTest, ItsExitCodeCounts) {
  const auto answer = ask(running("exit 0"));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "exit 0");
  expect_no(running("echo first; echo no space left >&2; exit 3"),
            "exit 3, expected exit 0 (no space left)");
  expect_good(running("exit 3", ", expect: { exit: 3 }"));
  expect_no(running("exit 0", ", expect: { exit: 3 }"), "exit 0, expected exit 3");
}

TEST_F(CommandProbeTest, ASignalIsNoExitCode) {
  expect_no(running("kill -9 $$", ", expect: { exit: 9 }"), "ended by signal 9, expected exit 9");
}

TEST_F(CommandProbeTest, WhatItWritesCounts) {
  const std::string says = "echo healthy; echo 7 behind >&2";
  const auto answer = ask(running(says, ", expect: { output_contains: 7 behind }"));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "exit 0, the output contains '7 behind'");
  expect_no(running(says, ", expect: { output_contains: broken }"),
            "exit 0, but the output does not contain 'broken'");
  expect_no(running(says, ", expect: { output_lacks: behind }"),
            "exit 0, but the output contains 'behind'");
  expect_good(running(says, ", expect: { output_lacks: broken }"));
}

TEST_F(CommandProbeTest, ItsOutputAsAWholeIsCompared) {
  expect_good(running("echo ' 7 '", ", expect: { output: \"<= 7\" }"));
  expect_no(running("echo 8", ", expect: { output: \"<= 7\" }"),
            "exit 0, expected output <= 7, got '8'");
  expect_no(running("echo 7 rows", ", expect: { output: \"<= 7\" }"),
            "exit 0, expected output <= 7, got '7 rows'");
  expect_good(running("echo in sync", ", expect: { output: in sync }"));
}

TEST_F(CommandProbeTest, ItGetsItsArgumentsInThePlaybooksFolder) {
  const auto real = std::filesystem::canonical(world_.file("")).string();
  expect_good(running("echo \"$PWD|$#|$2\"",
                      ", expect: { output: \"" +
                          (real.ends_with('/') ? real.substr(0, real.size() - 1) : real) +
                          "|2|two words\" }"));
  expect_good("{ command: [pwd], folder: /usr, expect: { output: /usr } }");
}

TEST_F(CommandProbeTest, SecretsAreInItsEnvironmentAndNotTold) {
  secrets_.learn("env:SHOP_TOKEN", "canary");
  expect_no(running("[ \"$TOKEN\" = 'Bearer canary' ] && echo it is canary; exit 1",
                    R"(, environment: { TOKEN: "Bearer ${env:SHOP_TOKEN}" })"),
            "exit 1, expected exit 0 (it is ${env:SHOP_TOKEN})");
  expect_no_with(running("exit 0", R"(, environment: { TOKEN: "${env:GAMEDAY_NO_SUCH}" })"),
                 "GAMEDAY_NO_SUCH");
}

TEST_F(CommandProbeTest, WhatDoesNotEndIsKilledWithItsGroup) {
  const auto probe = running("sleep 60 & echo $! > child; wait");
  const auto answer = ask(probe, 200ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.contains("it did not end in time")) << answer.text;
  int child = 0;
  std::ifstream(world_.file("child")) >> child;
  ASSERT_GT(child, 0);
  EXPECT_FALSE(world_.doors().processes.look(child).has_value() &&
               !world_.doors().processes.look(child)->zombie);
  EXPECT_LT(after_stop(probe), 200ms);
}

TEST_F(CommandProbeTest, WhatWritesWithoutEndIsKilledToo) {
  const auto answer = ask("{ command: [yes], expect: { output_contains: y } }", 150ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.contains("it did not end in time")) << answer.text;
}

TEST_F(CommandProbeTest, AProgramThatIsNotThereIsNot) {
  expect_no_with("{ command: [./no-such-program] }", "no program");
}

TEST_F(CommandProbeTest, CheckRefusesWhatCannotBeMeant) {
  EXPECT_TRUE(problem("{ command: [] }").contains("must not be empty"));
  EXPECT_TRUE(problem("{ command: run it }").contains("expected a list of texts"));
  EXPECT_TRUE(problem(R"({ command: [curl, "${env:TOKEN}"] })").contains("seen by everybody"));
  EXPECT_TRUE(problem("{ command: [x], expect: { exit: 256 } }").contains("0 to 255"));
  EXPECT_TRUE(problem("{ command: [x], environment: [a] }").contains("expected a mapping"));
  EXPECT_TRUE(problem("{ command: [x], environment: { a b: c } }").contains("variable's name"));
  EXPECT_TRUE(problem("{ command: [x], environment: { a: [b] } }").contains("expected a text"));
  EXPECT_TRUE(problem("{ command: [x], expect: { output: \"> many\" } }")
                  .contains("is no number to be more or less than"));
}

}  // namespace
}  // namespace gameday
