#include "tests/drills/row_load.h"

namespace gameday {

extern const LoadRow command_load;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A store of the user's own: a file for each write, in a folder.
class CommandLoadTest : public testing::Test {
 protected:
  CommandLoadTest() { std::filesystem::create_directories(world_.file("store")); }

  static Json words(const std::vector<std::string>& all) {
    Json list = Json::array();
    for (const auto& word : all) list.push(word);
    return list;
  }
  static Json script(const std::string& text, const std::vector<std::string>& with) {
    std::vector<std::string> all{"sh", "-c", text, "script"};
    all.insert(all.end(), with.begin(), with.end());
    return words(all);
  }
  [[nodiscard]] Json store() const {
    return Json::object(
        {{"write",
          script("echo \"$2\" > \"$1.new\" && mv \"$1.new\" \"$1\"", {"{key}", "{digest}"})},
         {"list", script("for f in \"$1\"-*; do [ -e \"$f\" ] && echo \"$f $(cat \"$f\")\"; done; "
                         "true",
                         {"{drill}"})},
         {"read", script("cat \"$1\" 2>/dev/null || true", {"{key}"})},
         {"remove", script("rm -f -- \"$1\"-*", {"{drill}"})},
         {"folder", world_.file("store")}});
  }
  static Json but(Json arguments, std::string_view name, Json value) {
    arguments.set(name, std::move(value));
    return arguments;
  }
  std::string wrong(const Json& arguments) {
    return RowLoad(world_, command_load, arguments).wrong();
  }
  [[nodiscard]] std::string kept(const std::string& key) const {
    return world_.file("store") + "/" + key;
  }
  static void slow_down(RowLoad& load) {
    constexpr double kRate = 20;  // a program for each
    load.spec().rate = kRate;
  }

  DeedWorld world_;
};

TEST_F(CommandLoadTest, WhatCannotWorkIsFoundByCheck) {
  EXPECT_EQ(wrong(store()), "");
  EXPECT_TRUE(wrong(but(store(), "write", words({"put", "{digest}"}))).contains("needs {key}"));
  EXPECT_TRUE(wrong(but(store(), "write", words({"put", "{key}"}))).contains("needs {digest}"));
  EXPECT_TRUE(wrong(but(store(), "list", words({"ls"}))).contains("needs {drill}"));
  EXPECT_TRUE(wrong(but(store(), "read", words({"cat"}))).contains("needs {key}"));
  EXPECT_TRUE(wrong(but(store(), "remove", words({"rm", "-r"}))).contains("needs {drill}"));
  EXPECT_TRUE(wrong(but(store(), "list", words({}))).contains("without a program"));
  EXPECT_TRUE(wrong(but(store(), "write", words({"put", "{key}", "{digest}", "${env:PASSWORD}"})))
                  .contains("seen by everybody"));
  const Json put = words({"put", "{key}", "{digest}"});
  EXPECT_EQ(wrong(Json::object({{"write", put}})), "");
  EXPECT_TRUE(wrong(Json::object({{"write", put}, {"list", words({"ls", "{drill}"})}}))
                  .contains("no `remove`"));
  EXPECT_TRUE(wrong(Json::object({{"write", put}, {"remove", words({"rm", "{drill}"})}}))
                  .contains("without `list`"));
  EXPECT_TRUE(wrong(Json::object({{"write", put}, {"read", words({"cat", "{key}"})}}))
                  .contains("without `list`"));
}

TEST_F(CommandLoadTest, WhatIsAcknowledgedIsThereAndNothingIsLost) {
  RowLoad load(world_, command_load, store());
  slow_down(load);
  load.run(seconds(2));
  EXPECT_GT(load.count(SampleOutcome::ok), 10U);
  const Instant now = world_.clock().now().boot;
  const LedgerSummary summary = load.judge(now);
  EXPECT_TRUE(summary.read_back) << load.problem;
  EXPECT_EQ(summary.present, load.samples().size());
  EXPECT_EQ(summary.phantom, 0U);

  std::ofstream(kept("others")) << "1\n";
  EXPECT_FALSE(load.gone().held);
  ASSERT_TRUE(load.undo());
  EXPECT_TRUE(load.gone().held);
  EXPECT_TRUE(load.undo()) << "again, as after a death";
  EXPECT_TRUE(std::filesystem::exists(kept("others"))) << "what is others' stays";
}

TEST_F(CommandLoadTest, KeysAreToldApart) {
  RowLoad load(world_, command_load, store());
  slow_down(load);
  load.run(seconds(1));
  ASSERT_GT(load.acknowledged().size(), 5U);
  std::filesystem::remove(kept(load.key(1)));
  std::ofstream(kept(load.key(2))) << "other\n";
  std::ofstream(kept(load.key(3))) << load.digest(1) << "\n";
  std::ofstream(kept(load.key(900000))) << "x\n";
  const LedgerSummary summary = load.judge();
  EXPECT_TRUE(summary.read_back) << load.problem;
  EXPECT_EQ(load.found["lost"], std::set{load.key(1)});
  EXPECT_EQ(load.found["corrupt"], std::set{load.key(2)});
  EXPECT_EQ(load.found["stale"], std::set{load.key(3)});
  EXPECT_EQ(load.found["phantom"], std::set{load.key(900000)});
}

// It may have been done for all that.
TEST_F(CommandLoadTest, AProgramThatFailsAcknowledgesNothing) {
  const Json fails = script("echo \"$2\" > \"$1\"; exit 3", {"{key}", "{digest}"});
  RowLoad load(world_, command_load, but(store(), "write", fails));
  slow_down(load);
  load.run(milliseconds(500));
  EXPECT_EQ(load.count(SampleOutcome::ok), 0U);
  EXPECT_GT(load.count(SampleOutcome::unknown), 3U);
  const LedgerSummary summary = load.judge();
  EXPECT_EQ(summary.lost, 0U);
  EXPECT_EQ(summary.recovered, load.samples().size());
}

TEST_F(CommandLoadTest, AProgramThatStandsStillIsEndedAndUnknown) {
  const Json hangs = script("sleep 60 & echo $! > pid; wait", {"{key}", "{digest}"});
  RowLoad load(world_, command_load, but(store(), "write", hangs));
  load.spec().rate = 2;
  load.spec().timeout = milliseconds(300);
  load.run(milliseconds(900));
  EXPECT_EQ(load.count(SampleOutcome::unknown), load.samples().size());
  std::ifstream file(kept("pid"));
  pid_t pid = 0;
  ASSERT_TRUE(file >> pid);
  const auto left = world_.doors().processes.look(pid);
  EXPECT_TRUE(!left || left->zombie) << "its child went with it";
}

TEST_F(CommandLoadTest, WhatGoesAwayMeanwhileIsNotSent) {
  const std::string put = world_.file("put");
  const auto write = [&](const std::string& text) {
    std::ofstream(put + ".new") << text;
    std::filesystem::permissions(put + ".new", std::filesystem::perms::owner_all);
    std::filesystem::rename(put + ".new", put);
  };
  write("#!/bin/sh\nexit 0\n");
  RowLoad load(world_, command_load, Json::object({{"write", words({put, "{key}"})}}));
  slow_down(load);
  load.start();
  load.rest(milliseconds(300));
  std::filesystem::remove(put);
  load.rest(milliseconds(300));
  load.end();
  EXPECT_GT(load.count(SampleOutcome::ok), 0U);
  EXPECT_GT(load.count(SampleOutcome::not_sent), 0U);
}

// A row that was cut off, or a warning among the rows, is no answer that could be judged by.
class NoListTest : public CommandLoadTest, public testing::WithParamInterface<std::string> {};

TEST_P(NoListTest, IsNotReadAsOne) {
  const Json list = script("[ ! -e bad ] || echo '" + GetParam() + "' >&2", {"{drill}"});
  RowLoad load(world_, command_load, but(store(), "list", list));
  slow_down(load);
  load.run(milliseconds(300));
  std::ofstream(kept("bad")) << "1";
  const LedgerSummary summary = load.judge({}, seconds(2));
  EXPECT_FALSE(summary.read_back);
  EXPECT_TRUE(load.problem.contains("no key and digest: " + GetParam())) << load.problem;
  const auto gone = command_load.gone(
      {"load-command", Json::object({{"list", list}, {"folder", world_.file("store")}})},
      world_.context());
  EXPECT_FALSE(gone);
}
INSTANTIATE_TEST_SUITE_P(CommandLoad, NoListTest,
                         testing::Values("warning: the disk is slow", "key-without-digest"));

TEST_F(CommandLoadTest, ALongListIsReadWhole) {
  const Json list =
      script("[ ! -e many ] || seq -f 'drill-other-%.0f 0123456789abcdef' 1 9000", {"{drill}"});
  RowLoad load(world_, command_load, but(store(), "list", list));
  slow_down(load);
  load.run(milliseconds(300));
  std::ofstream(kept("many")) << "1";
  const LedgerSummary summary = load.judge();
  EXPECT_TRUE(summary.read_back) << load.problem;
  EXPECT_EQ(load.gone().text, "9000 writes of this drill are listed");
}

TEST_F(CommandLoadTest, WhatCannotBeRunIsFoundBeforeTheFirstWrite) {
  const auto may = [&](const Json& arguments) {
    RowLoad load(world_, command_load, arguments);
    load.prepare();
    return load.may();
  };
  EXPECT_TRUE(may(store()));
  for (const std::string_view name : {"write", "list", "read", "remove"}) {
    const Status none = may(but(store(), name, words({"./nothing-such", "{key}", "{drill}"})));
    ASSERT_FALSE(none) << name;
    EXPECT_TRUE(none.error().text.contains("no program")) << none.error().text;
  }
  const Status fails = may(but(store(), "list", script("echo no store; exit 7", {"{drill}"})));
  ASSERT_FALSE(fails);
  EXPECT_EQ(fails.error().text, "`list` ended with exit code 7: no store");
}

TEST_F(CommandLoadTest, WhoListsWhatIsNotOfTheDrillIsFoundBeforeTheFirstWrite) {
  std::ofstream(kept("another-1")) << "x\n";
  const Json all = script("for f in *; do echo \"$f $(cat \"$f\")\"; done", {"{drill}"});
  RowLoad load(world_, command_load, but(store(), "list", all));
  load.prepare();
  const Status listed = load.may();
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, ErrorCode::conflict);

  RowLoad reads(world_, command_load, but(store(), "read", script("cat *", {"{key}"})));
  reads.prepare();
  const Status read = reads.may();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::conflict);
}

TEST_F(CommandLoadTest, WhatRemovesNothingIsToldWithItsReason) {
  RowLoad load(world_, command_load,
               but(store(), "remove", script("echo locked; exit 1", {"{drill}"})));
  slow_down(load);
  load.run(milliseconds(300));
  const Status undone = load.undo();
  ASSERT_FALSE(undone);
  EXPECT_EQ(undone.error().text, "`remove` ended with exit code 1: locked");
  EXPECT_FALSE(load.gone().held);
}

}  // namespace
}  // namespace gameday
