#include <fstream>
#include <thread>

#include "tests/drills/deed_world.h"

namespace gameday {

extern const FaultRow command_fault;

namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

class CommandTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(world_.private_folder()); }

  static Json list(const Words& words) {
    Json all = Json::array();
    for (const auto& word : words) all.push(word);
    return all;
  }
  // Commands that are scripts say what they were called as in `said`.
  static Words script(const std::string& text) { return {"sh", "-c", text, "script"}; }
  Deed deed() const {
    return {"fault-1", "command", "harm",
            Json::object({{"do", list(do_)},
                          {"undo", list(undo_)},
                          {"check", list(check_)},
                          {"name", "do"},
                          {"folder", world_.file("")}})};
  }
  Result<Undo> prepare() { return command_fault.prepare(deed(), world_.context()); }
  Undo prepared() {
    auto undo = prepare();
    EXPECT_TRUE(undo) << undo.error().text;
    return undo.value_or(Undo{});
  }
  Status inject(const Undo& undo) { return command_fault.inject(deed(), undo, world_.context()); }
  Status undone(const Undo& undo) { return command_fault.undo(undo, world_.context()); }
  bool gone(const Undo& undo) {
    const auto proof = command_fault.gone(undo, world_.context());
    return proof && proof->held;
  }
  // As DeedWorld's, with a door to processes of the child's own: a fork has no threads of ours.
  bool dies_at(int change, const Undo& undo) {
    const pid_t child = fork();
    if (child == 0) {
      int seen = 0;
      const WriteObserver observer = [&](std::string_view, Side) {
        if (seen++ == change) _exit(99);
      };
      const SystemClock clock;
      const Files files(observer);
      const auto processes = make_processes(clock, {}, observer);
      const auto http = make_curl_http(clock);
      const Doors doors{clock, files, *processes, *http, observer};
      const System nothing;
      const Secrets secrets;
      (void)command_fault.inject(deed(), undo,
                                 {doors,
                                  nothing,
                                  secrets,
                                  "drill",
                                  "drill-1",
                                  world_.private_folder(),
                                  {{}, clock.in(20s)}});
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 99;
  }
  bool there(const std::string& name) const { return std::filesystem::exists(world_.file(name)); }
  std::string said() const {
    std::ifstream file(world_.file("said"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  DeedWorld world_;
  Words do_ = script("touch harm; echo do $GAMEDAY_MARK >> said");
  Words undo_ = script("rm harm; echo undo >> said");
  Words check_ = {"test", "-e", "harm"};
};

TEST_F(CommandTest, IsDoneCheckedAndUndoneInItsFolder) {
  const Undo undo = prepared();
  EXPECT_FALSE(command_fault.prove(deed(), undo, world_.context())->held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(there("harm"));
  EXPECT_TRUE(command_fault.prove(deed(), undo, world_.context())->held);
  EXPECT_FALSE(gone(undo));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(said(), "do drill-1\nundo\n");
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

// Not every undo of a user's can be run twice, or where nothing was done.
TEST_F(CommandTest, TheUndoRunsOnceAndOnlyWhereDoWasBegun) {
  const Undo undo = prepared();
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(said(), "");
  ASSERT_TRUE(inject(undo));
  ASSERT_TRUE(undone(undo));
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(said(), "do drill-1\nundo\n");
}

TEST_F(CommandTest, WhatSomebodyElsePutsInForceIsNotUndoneButSeen) {
  const Undo undo = prepared();
  std::ofstream(world_.file("harm")) << "theirs";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(there("harm"));
  EXPECT_FALSE(gone(undo));
}

TEST_F(CommandTest, WithoutThePrivateFolderItIsUndoneWhereTheCheckSaysSo) {
  const Undo undo = prepared();
  ASSERT_TRUE(inject(undo));
  std::filesystem::remove_all(world_.private_folder());
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(there("harm"));
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(said(), "do drill-1\nundo\n");
}

TEST_F(CommandTest, OneThatIsInForceAlreadyIsAConflict) {
  std::ofstream(world_.file("harm")) << "theirs";
  EXPECT_EQ(prepare().error().code, ErrorCode::conflict);
  EXPECT_EQ(said(), "");
}

TEST_F(CommandTest, ACheckThatSaysNeitherIsAnError) {
  for (const auto& strange : {script("echo what; exit 2"), script("kill -9 $$")}) {
    check_ = strange;
    const auto undo = prepare();
    ASSERT_FALSE(undo);
    EXPECT_TRUE(undo.error().text.starts_with("check: ")) << undo.error().text;
    EXPECT_TRUE(undo.error().hint.contains("must end with 0"));
  }
  check_ = script("test -e broken && exit 3; test -e harm");
  const Undo undo = prepared();
  ASSERT_TRUE(inject(undo));
  std::ofstream(world_.file("broken")) << "x";
  EXPECT_FALSE(command_fault.prove(deed(), undo, world_.context()));
  EXPECT_FALSE(command_fault.gone(undo, world_.context()));
}

TEST_F(CommandTest, OneThatFailsHalfWayIsToldOfAndUndone) {
  do_ = script("touch harm; echo it broke >&2; echo more; exit 4");
  const Undo undo = prepared();
  const auto injected = inject(undo);
  ASSERT_FALSE(injected);
  EXPECT_TRUE(injected.error().text.ends_with("ended with exit code 4: it broke"))
      << injected.error().text;
  EXPECT_TRUE(there("harm"));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
}

TEST_F(CommandTest, AnUndoThatFailsIsAnErrorUnlessNothingIsInForce) {
  undo_ = script("test -e unlock && rm harm");
  const Undo undo = prepared();
  ASSERT_TRUE(inject(undo));
  EXPECT_FALSE(undone(undo));
  EXPECT_FALSE(gone(undo));
  std::ofstream(world_.file("unlock")) << "x";
  ASSERT_TRUE(undone(undo));
  std::filesystem::remove(world_.file("unlock"));
  ASSERT_TRUE(inject(undo));
  std::filesystem::remove(world_.file("harm"));
  ASSERT_TRUE(undone(undo)) << "its failure was taken for residue, and nothing is left";
  EXPECT_TRUE(gone(undo));
}

TEST_F(CommandTest, ARunnerThatDiesAtAnyChangeLeavesNothing) {
  const Undo undo = prepared();
  int change = 0;
  for (; dies_at(change, undo); ++change) {
    ASSERT_TRUE(undone(undo));
    EXPECT_TRUE(gone(undo)) << "at change " << change;
  }
  EXPECT_GE(change, 2);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
}

TEST_F(CommandTest, OneThatDoesNotEndIsStopped) {
  do_ = script("touch harm; sleep 30");
  const Undo undo = prepared();
  StopSource stop;
  world_.set_until({stop.stop(), world_.clock().in(10s)});
  std::jthread stopper([&] {
    while (!there("harm")) (void)world_.clock().sleep({{}, world_.clock().in(2ms)});
    stop.request();
  });
  EXPECT_EQ(inject(undo).error().code, ErrorCode::stopped);
  world_.set_until({{}, world_.clock().in(10s)});
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
}

TEST_F(CommandTest, SecretsAreKeptOutOfArgumentLists) {
  undo_ = {"mysql", "--password=${env:PASSWORD}"};
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::refused);
  EXPECT_TRUE(undo.error().text.contains("`undo` holds a secret")) << undo.error().text;
}

TEST_F(CommandTest, AProgramThatIsNotThereIsRefusedBeforehand) {
  for (Words* command : {&do_, &undo_, &check_}) {
    const Words kept = std::exchange(*command, {"no-such-program-of-anybody"});
    const auto undo = prepare();
    ASSERT_FALSE(undo);
    EXPECT_EQ(undo.error().code, ErrorCode::not_found);
    *command = kept;
  }
}

TEST_F(CommandTest, IsCalledByItsNameOrItsWords) {
  Json arguments = deed().arguments;
  arguments.set("do", list({"touch", "harm"}));
  EXPECT_EQ(command_fault.aim(arguments), "touch harm");
  EXPECT_EQ(command_fault.aim(arguments.set("name", "maintenance mode")), "maintenance mode");
}

TEST_F(CommandTest, AnUndoWithoutItsWordsIsCorrupt) {
  EXPECT_EQ(undone({"command", Json::object()}).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace gameday
