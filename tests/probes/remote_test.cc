// Probes that ask on another machine: the same questions, judged the same way.
#include "tests/drills/ssh_fixture.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow command_probe;
extern const ProbeRow file_probe;
extern const ProbeRow process_probe;

namespace {

// First of all of a test's parts: what comes later lives in its namespace.
class ProbeOnSsh : public OwnNetns, public ProbeTest {
 protected:
  explicit ProbeOnSsh(const ProbeRow& row) : ProbeTest(row) { name(""); }
  void name(const std::string& more) {
    system_ = "  west: { process: { pidfile: west.pid } }\n  edge: { ssh: { to: edge-1, config: " +
              machine_.host().config + ", pidfile: " + world_.file("shop.pid") + more + " } }\n";
  }

  SshMachine machine_{world_};
};

class CommandOnSsh : public ProbeOnSsh {
 protected:
  CommandOnSsh() : ProbeOnSsh(command_probe) {}
};

TEST_F(CommandOnSsh, RunsThereAndIsJudgedAsHere) {
  const auto answer = ask(
      "{ command: { argv: [ip, -o, addr], on: edge, expect: { output_contains: 10.77.0.2 } } }");
  EXPECT_TRUE(answer.ok) << answer.text;
  expect_no("{ command: { argv: [sh, -c, \"echo \\\"it's wrong\\\"; exit 3\"], on: edge } }",
            "exit 3, expected exit 0 (it's wrong)");
  expect_good(
      "{ command: { argv: [echo, \"a  $b 'c'\"], on: edge, expect: { output: \"a  $b 'c'\" } } }");
  expect_no_with("{ command: { argv: [/no/such], on: edge } }", "exit 127");
}

TEST_F(CommandOnSsh, NamesAMachineAndNoSecret) {
  EXPECT_TRUE(
      problem("{ command: { argv: [\"true\"], on: west } }").contains("no machine behind ssh"));
  EXPECT_TRUE(problem("{ command: { argv: [\"true\"], on: edge, environment: { A: b } } }")
                  .contains("seen by everybody there"));
}

TEST_F(CommandOnSsh, OneThatCannotBeAskedOrIsAnotherMachineIsNotOk) {
  machine_.configure("stranger");
  expect_no_with("{ command: { argv: [\"true\"], on: edge } }", "lets none of our keys in");
  machine_.configure("user");
  name(", machine_id: abcd");
  expect_no_with("{ command: { argv: [\"true\"], on: edge } }", "is another machine");
  name(", host_key: \"SHA256:none\"");
  expect_no_with("{ command: { argv: [\"true\"], on: edge } }", "its host_key is SHA256:");
}

class FileOnSsh : public ProbeOnSsh {
 protected:
  FileOnSsh() : ProbeOnSsh(file_probe) {}
  std::string looking(const std::string& expect) const {
    return "{ file: { path: \"" + world_.file("it's a file") + "\", on: edge, expect: { " + expect +
           " } } }";
  }
};

TEST_F(FileOnSsh, IsThereOrNotAndJudgedAsHere) {
  expect_no_with(looking("exists: true"), "No such file or directory");
  expect_good(looking("exists: false"));
  write("it's a file", "one -two\n");
  expect_good(looking("exists: true, age_at_most: 1m, size_at_least: 9B, contains: \"-two\""));
  expect_no_with(looking("exists: false"), "is there, expected nothing");
  expect_no_with(looking("size_at_least: 10B"), "has 9 bytes, expected at least 10");
  expect_no_with(looking("contains: \"o.e\""), "does not contain 'o.e'");
  std::filesystem::last_write_time(
      world_.file("it's a file"),
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  expect_no_with(looking("age_at_most: 1h"), "expected at most 60m");
  std::filesystem::remove(world_.file("it's a file"));
  std::filesystem::create_directory(world_.file("it's a file"));
  expect_no_with(looking("exists: true"), "is no file with content");
  EXPECT_TRUE(problem(looking("contains: \"a\\nb\"")).contains("one line"));
}

class ProcessOnSsh : public ProbeOnSsh {
 protected:
  ProcessOnSsh() : ProbeOnSsh(process_probe) {}
  static std::string looking(const std::string& expect) {
    return "{ process: { target: edge, expect: { " + expect + " } } }";
  }
};

TEST_F(ProcessOnSsh, RunsOrNotAndIsJudgedAsHere) {
  expect_no_with(looking("alive: true"), "there is no " + world_.file("shop.pid"));
  expect_good(looking("alive: false"));
  write("shop.pid", std::to_string(getpid()));
  const auto answer =
      ask(looking("alive: true, rss_at_most: 4GiB, descriptors_at_most: 1000, age_at_least: 1ms"));
  EXPECT_TRUE(answer.ok) << answer.text;
  EXPECT_TRUE(answer.text.contains("descriptors open")) << answer.text;
  expect_no_with(looking("alive: false"), "is running, expected none");
  expect_no_with(looking("age_at_least: 1h"), "expected at least 60m");
  expect_no_with(looking("rss_at_most: 1KiB"), "expected at most");
  expect_no_with(looking("descriptors_at_most: 1"), "expected at most 1");
  write("shop.pid", "999999999");
  expect_no_with(looking("alive: true"), "no process of");
}

TEST_F(ProcessOnSsh, ATargetWithoutAPidfileIsRefused) {
  system_ = "  edge: { ssh: edge-1 }\n";
  EXPECT_TRUE(problem(looking("alive: true")).contains("names no pidfile"));
}

}  // namespace
}  // namespace gameday
