// The commands that read the store: list, show, report, verify.
#include "engine/journal/bundle.h"
#include "tests/cli/cli_fixture.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

const std::string kExample(kExampleDrill);

class DrillCommands : public CliTest {
 protected:
  // A bundle's folder as `run` leaves it, as far as its journal names no other file.
  std::string small_bundle() const {
    JournalMaker maker;
    maker.event(0, "planned", Json::object({{"gameday", "1"}}));
    maker.event(1, "phase", Json::object({{"phase", "closing"}}));
    maker.close();
    return bundle_of(maker.lines());
  }

  std::string bundle_of(const std::vector<std::string>& lines) const {
    const std::string out = file("bundle");
    EXPECT_TRUE(Files().make_folder(out));
    EXPECT_TRUE(write_bundle(Files(), out, lines));
    return out;
  }
};

TEST_F(DrillCommands, ListWithoutAStoreIsEmptyAndMakesNone) {
  const Ran text = run({"list"});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("no drills yet"), std::string::npos) << text.out;
  EXPECT_NE(text.err.find("there is no store " + store_), std::string::npos) << text.err;
  EXPECT_TRUE(document(run({"list", "--json"})).items("drills").empty());
  EXPECT_FALSE(Files().exists(file("state")));
}

TEST_F(DrillCommands, ListShowsDrillsInEveryState) {
  const SystemClock clock;
  const auto self = make_processes(clock)->look(getpid());
  ASSERT_TRUE(self);
  keep("01A", passed_drill(), "passed");
  keep("01B", interrupted_drill(Guardian::undoes_all), "stopped");
  keep("01C", interrupted_drill(Guardian::absent), "");
  keep("01D", {}, "", self->id);
  const Json all = document(run({"list", "--json"}));
  ASSERT_EQ(all.items("drills").size(), 4u);
  std::vector<std::string> verdicts;
  for (const auto& drill : all.items("drills")) verdicts.push_back(drill.text("verdict"));
  EXPECT_EQ(verdicts, (std::vector<std::string>{"passed", "stopped", "interrupted", "running"}));
  const Json& first = all.items("drills").front();
  EXPECT_EQ(first.text("id"), "01A");
  EXPECT_EQ(first.text("name"), "name-of-01A");
  EXPECT_EQ(first.text("created"), "2026-01-02T03:04:05.000006Z");
  EXPECT_EQ(first.integer("events", 0), static_cast<std::int64_t>(passed_drill().size()));
  const Ran text = run({"list"});
  EXPECT_EQ(text.code, 0);
  for (const char* word : {"01A", "passed", "interrupted", "running", "name-of-01D"}) {
    EXPECT_NE(text.out.find(word), std::string::npos) << word;
  }
}

TEST_F(DrillCommands, ListShowsTenThousandDrills) {
  keep("01A", {passed_drill().back()}, "passed");
  auto database = Database::open(store_);
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->execute(
      "BEGIN; WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
      "INSERT INTO drills SELECT i, 'X' || i, name, playbook, boot, pid, start, added_epoch, "
      "epoch, verdict, created, previous FROM drills, n; "
      "INSERT INTO events SELECT d.id, e.number, e.line FROM drills d, events e "
      "WHERE d.entered > 1; COMMIT"));
  const SystemClock clock;
  const Instant began = clock.now().boot;
  const Ran ran = run({"list", "--json"});
  const Duration took = clock.now().boot - began;
  EXPECT_EQ(document(ran).items("drills").size(), 10000u);
  RecordProperty("milliseconds", static_cast<int>(seconds(took) * 1000));
  EXPECT_LT(seconds(took), 10.0);
}

TEST_F(DrillCommands, AStoreThatCannotBeWrittenIsRead) {
  keep(kExample, passed_drill(), "passed");
  const auto read_only = [this](const std::string& command) {
    std::vector<std::string> argv = {"unshare", "--mount"};
    if (geteuid() != 0) argv.push_back("--map-root-user");
    for (const char* word : {"sh", "-c"}) argv.emplace_back(word);
    const std::string state = file("state");
    argv.push_back("mount --bind " + state + " " + state + " && mount -o remount,bind,ro " + state +
                   " && exec " GAMEDAY_BINARY " " + command);
    return run_program(argv);
  };
  for (const std::string command : {"list", "show latest", "verify latest", "report latest"}) {
    const Ran ran = read_only(command);
    EXPECT_EQ(ran.code, 0) << command << ran.err;
    EXPECT_EQ(ran.err, "") << command;
  }
  EXPECT_TRUE(read_only("list").out.contains(kExample));
  // What is only in the log so far is not left out.
  auto writer = Database::open(store_);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->execute("PRAGMA wal_autocheckpoint = 0; UPDATE drills SET name = 'later'"));
  EXPECT_TRUE(read_only("list").out.contains("later"));
}

TEST_F(DrillCommands, ShowTakesAUniqueStartOfAnId) {
  keep(kExample, passed_drill(), "passed");
  const Json result = document(run({"show", kExample.substr(0, 4), "--json"}));
  EXPECT_EQ(result.text("drill"), kExample);
  EXPECT_EQ(result.text("verdict"), "passed");
  const Ran text = run({"show", kExample});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("PASSED"), std::string::npos) << text.out;
  EXPECT_EQ(text.err, "");
}

TEST_F(DrillCommands, ShowRefusesWhatIsAmbiguousOrNotThere) {
  keep("01AA", passed_drill(), "passed");
  keep("01AB", passed_drill(), "passed");
  const Ran two = run({"show", "01A"});
  EXPECT_EQ(two.code, 2);
  EXPECT_NE(two.err.find("01AA, 01AB"), std::string::npos) << two.err;
  const Ran none = run({"show", "02"});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.err.find("gameday list"), std::string::npos) << none.err;
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(run({"show", "01AA", "--store", file("other.db")}).code, 2);
  EXPECT_FALSE(Files().exists(file("other.db")));
}

TEST_F(DrillCommands, ReportTwiceGivesTheSameBytes) {
  keep(kExample, passed_drill(), "passed");
  EXPECT_EQ(run({"report", kExample, "--out", "one"}).code, 0);
  EXPECT_EQ(run({"report", kExample, "--out", "two", "--format", "json,html"}).code, 0);
  for (const char* name : {"/report.html", "/result.json"}) {
    const std::string bytes = read(file("one") + name);
    EXPECT_GT(bytes.size(), 1000u);
    EXPECT_EQ(bytes, read(file("two") + name));
  }
  EXPECT_EQ(run({"report", kExample.substr(0, 3)}).code, 0);
  EXPECT_TRUE(Files().exists(file("gameday-report/" + kExample + "/report.html")));
}

TEST_F(DrillCommands, ReportOfABundleEqualsTheOneOfItsDrill) {
  keep(kExample, passed_drill(), "passed");
  const std::string bundle = bundle_of(passed_drill());
  EXPECT_EQ(run({"report", bundle, "--out", "one", "--format", "json"}).code, 0);
  EXPECT_EQ(run({"report", kExample, "--out", "two"}).code, 0);
  EXPECT_EQ(read(file("one/result.json")), read(file("two/result.json")));
  EXPECT_FALSE(Files().exists(file("one/report.html")));
}

TEST_F(DrillCommands, ReportDoesNotChangeASealedBundle) {
  const std::string bundle = small_bundle();
  const Ran ran = run({"report", bundle, "--out", bundle});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("sealed bundle"), std::string::npos) << ran.err;
  EXPECT_FALSE(Files().exists(bundle + "/report.html"));
  EXPECT_EQ(run({"verify", bundle}).code, 0);
}

TEST_F(DrillCommands, ReportRefusesUnknownFormatsAndJournalsThatDoNotVerify) {
  keep(kExample, passed_drill(), "passed");
  const Ran near = run({"report", kExample, "--format", "htm"});
  EXPECT_EQ(near.code, 2);
  EXPECT_NE(near.err.find("did you mean `html`?"), std::string::npos) << near.err;
  auto lines = passed_drill();
  lines[3][lines[3].size() / 2] ^= 1;
  keep("01E", lines, "passed");
  const Ran edited = run({"report", "01E", "--out", "edited"});
  EXPECT_EQ(edited.code, 1);
  EXPECT_FALSE(Files().exists(file("edited/result.json")));
  EXPECT_EQ(run({"report", file("nowhere")}).code, 2);
}

TEST_F(DrillCommands, RevertLeavesADrillThatIsAliveAlone) {
  const SystemClock clock;
  const auto self = make_processes(clock)->look(getpid());
  ASSERT_TRUE(self);
  JournalMaker maker;
  maker.planned();
  maker.deed(1, "odd", "no-such-fault", "west");
  keep("01D", maker.lines(), "", self->id);
  const Ran named = run({"revert", "01D"});
  EXPECT_EQ(named.code, 1);
  EXPECT_NE(named.err.find("drill 01D is alive"), std::string::npos) << named.err;
  EXPECT_EQ(run({"revert"}).code, 0) << "without a name it is passed over";
  EXPECT_EQ(document(run({"revert", "--list", "--json"})).items("open").size(), 1U);
}

TEST_F(DrillCommands, VerifySaysWhatItProves) {
  keep(kExample, passed_drill(), "passed");
  const Ran plain = run({"verify", kExample});
  EXPECT_EQ(plain.code, 0);
  EXPECT_EQ(plain.out, "consistent; origin not proven\n");
  const Json done = document(run({"verify", kExample, "--json"}));
  EXPECT_TRUE(done.boolean("consistent", false));
  const std::string head = done.text("head");
  const Ran proven = run({"verify", kExample, "--head", head});
  EXPECT_EQ(proven.code, 0);
  EXPECT_EQ(proven.out.find("not proven"), std::string::npos) << proven.out;
  const std::string other = "sha256:" + std::string(64, '0');
  const Ran wrong = run({"verify", kExample, "--head", other});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.out.find("not the one expected"), std::string::npos) << wrong.out;
  EXPECT_EQ(run({"verify", kExample, "--head", "abc"}).code, 2);
}

TEST_F(DrillCommands, VerifySaysNoToAFlippedBitInTheStore) {
  auto lines = passed_drill();
  lines[4][20] ^= 1;
  keep(kExample, lines, "passed");
  const Ran ran = run({"verify", kExample});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("line 5"), std::string::npos) << ran.out;
  const Json done = document(run({"verify", kExample, "--json"}));
  EXPECT_FALSE(done.boolean("consistent", true));
  EXPECT_EQ(done.items("findings").front().integer("line", 0), 5);
}

TEST_F(DrillCommands, VerifySaysNoToAnotherDrillsJournalAndAnInterruptedOne) {
  keep("01X", passed_drill(), "passed");
  EXPECT_NE(run({"verify", "01X"}).out.find("of drill " + kExample), std::string::npos);
  keep(kExample, interrupted_drill(Guardian::absent), "");
  const Ran ran = run({"verify", kExample});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("interrupted"), std::string::npos) << ran.out;
}

TEST_F(DrillCommands, VerifySaysNoToAFlippedBitInABundle) {
  const std::string bundle = small_bundle();
  EXPECT_EQ(run({"verify", bundle}).code, 0);
  std::string bytes = read(bundle + "/journal.jsonl");
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(Files().write(bundle + "/journal.jsonl", bytes));
  const Ran ran = run({"verify", bundle});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("journal.jsonl"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace gameday
