#include "reports/result.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/processes.h"
#include "reports/unstarted.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

Json result_of(const std::vector<std::string>& lines) {
  auto result = result_document(lines);
  EXPECT_TRUE(result) << (result ? "" : result.error().text);
  return result ? *result : Json();
}

// Asks a validator that is not ours whether the document fits the schema; 0: it does.
int validated(const Json& document) {
  constexpr Duration kPatience = std::chrono::seconds(30);
  std::string path = (std::filesystem::temp_directory_path() / "gameday-result-XXXXXX").string();
  const Descriptor file(mkostemp(path.data(), O_CLOEXEC));
  EXPECT_TRUE(file);
  std::ofstream(path) << document.dump();
  const std::string script =
      "import json,sys,jsonschema\n"
      "jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))"
      ".validate(json.load(open(sys.argv[2])))";
  const SystemClock clock;
  const auto ended = make_processes(clock)->run(
      {{"/usr/bin/python3", "-c", script, GAMEDAY_SOURCE_DIR "/reports/result.schema.json", path},
       "/",
       {}},
      {Stop(), clock.in(kPatience)});
  std::filesystem::remove(path);
  if (!ended) {
    ADD_FAILURE() << ended.error().text;
    return -1;
  }
  // Only the validator's own refusal counts as one.
  const bool refused = ended->output.find("ValidationError") != std::string::npos;
  EXPECT_NE(ended->succeeded(), refused) << ended->output;
  return ended->succeeded() ? 0 : 1;
}

TEST(ResultDocument, IsADocumentForADrillThatCameToNoJournal) {
  Unstarted unstarted;
  unstarted.exit_code = 2;
  unstarted.reasons = {"p.yaml:1:1: unknown key `x`", "p.yaml:2:1: another"};
  unstarted.version = "1.0";
  unstarted.at = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();
  const Json invalid = unstarted_document(unstarted);
  EXPECT_EQ(validated(invalid), 0);
  EXPECT_EQ(invalid.text("verdict"), "invalid");
  EXPECT_EQ(invalid.items("reasons").size(), 2U);
  EXPECT_EQ(invalid.text("started"), "2026-01-02T03:04:05.000000Z");
  EXPECT_TRUE(invalid.get("drill").is_null());
  unstarted.exit_code = 3;
  unstarted.playbook = "p";
  const Json not_started = unstarted_document(unstarted);
  EXPECT_EQ(validated(not_started), 0);
  EXPECT_EQ(not_started.text("verdict"), "not_started");
  EXPECT_EQ(not_started.get("playbook").text("name"), "p");
}

const Json& fault_of(const Json& result, std::string_view id) {
  static const Json none;
  for (const auto& fault : result.items("faults")) {
    if (fault.text("id") == id) return fault;
  }
  return none;
}

TEST(ResultDocument, HasTheMembersOfTheContractInTheirOrder) {
  std::vector<std::string> names;
  const Json result = result_of(passed_drill());
  for (const auto& [name, value] : result.members()) names.push_back(name);
  const std::vector<std::string> wanted{
      "gameday",     "version", "drill",      "operator", "environment", "seed",    "playbook",
      "plan_sha256", "verdict", "exit_code",  "reasons",  "stop",        "residue", "started",
      "ended",       "steps",   "objectives", "faults",   "load",        "outages", "recovery",
      "ledgers",     "backups", "restores",   "humans",   "score",       "evidence"};
  EXPECT_EQ(names, wanted);
}

TEST(ResultDocument, TakesWhoAndWhatFromThePlannedEvent) {
  const Json result = result_of(passed_drill());
  EXPECT_EQ(result.text("drill"), kExampleDrill);
  EXPECT_EQ(result.text("operator"), "mara");
  EXPECT_EQ(result.integer("seed", 0), 7);
  EXPECT_EQ(result.get("playbook").text("name"), "shop-survives-losing-its-store");
  EXPECT_EQ(result.get("playbook").get("git").text("commit"), "8c19778");
  EXPECT_EQ(result.get("playbook").find("summary"), nullptr);
}

TEST(ResultDocument, TakesTheMeasuredPartsFromTheVerdictAsTheyAre) {
  const Json result = result_of(passed_drill());
  EXPECT_EQ(result.text("verdict"), "passed");
  EXPECT_EQ(result.get("recovery").number("rto_s", 0), 12.417);
  EXPECT_EQ(result.items("outages").size(), 2U);
  EXPECT_EQ(fault_of(result, "lost").text("undo"), "superseded");
}

TEST(ResultDocument, CountsTheWholeChainAndGivesItsHead) {
  const auto lines = passed_drill();
  const Json result = result_of(lines);
  EXPECT_EQ(result.get("evidence").integer("events", 0), static_cast<std::int64_t>(lines.size()));
  EXPECT_EQ(result.get("evidence").text("head"), parse_event(lines.back())->hash);
  EXPECT_EQ(result.get("evidence").text("anchored"), "self-attested");
}

TEST(ResultDocument, TellsThatTheClockWasSet) {
  JournalMaker journal;
  journal.planned();
  journal.event(12.3, "clock", Json::object({{"set_by_s", -3600.25}}));
  journal.event(20, "clock", Json::object({{"set_by_s", 2.0}}));
  const Json result = result_of(journal.lines());
  EXPECT_EQ(validated(result), 0);
  std::vector<std::string> told;
  for (const auto& reason : result.items("reasons")) {
    if (reason.integer("code", -1) == 0) told.push_back(reason.text("text"));
  }
  const std::string rest = "all times told here go on from the start as if it had not been";
  EXPECT_EQ(told, (std::vector<std::string>{
                      "the clock was set back by 1 h 00 min at 0:12.3 (event 2): " + rest,
                      "the clock was set forward by 2.00 s at 0:20.0 (event 3): " + rest}));
}

TEST(ResultDocument, HasAScoreOfAllFivePillars) {
  const Json score = result_of(passed_drill()).get("score");
  EXPECT_GT(score.number("floor", 0), 0);
  EXPECT_LE(score.number("floor", 0), score.number("ceiling", 0));
  double weights = 0;
  for (const auto& pillar : score.items("pillars")) {
    weights += pillar.number("weight", 0);
    EXPECT_FALSE(pillar.items("criteria").empty());
  }
  EXPECT_EQ(score.items("pillars").size(), 5U);
  EXPECT_NEAR(weights, 1, 1e-9);
}

TEST(ResultDocument, IsTheSameBytesEachTime) {
  EXPECT_EQ(result_of(passed_drill()).dump(), result_of(passed_drill()).dump());
  EXPECT_NE(result_of(passed_drill()).dump(), result_of(bad_drill()).dump());
}

TEST(ResultDocument, RefusesAChainThatDoesNotVerify) {
  auto lines = passed_drill();
  lines[20].replace(lines[20].find("200"), 3, "201");
  const auto edited = result_document(lines);
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().code, ErrorCode::corrupt);
  EXPECT_NE(edited.error().text.find("line 21"), std::string::npos) << edited.error().text;
  EXPECT_FALSE(result_document({}));
}

TEST(InterruptedDrill, IsStoppedByTheGuardianThatPutEverythingBack) {
  const Json result = result_of(interrupted_drill(Guardian::undoes_all));
  EXPECT_EQ(result.text("verdict"), "stopped");
  EXPECT_EQ(result.integer("exit_code", 0), 4);
  EXPECT_EQ(result.get("stop").text("by"), "guardian");
  EXPECT_NEAR(result.get("stop").number("undone_after_s", 0), 0.3, 1e-6);
  EXPECT_TRUE(result.items("residue").empty());
  EXPECT_EQ(fault_of(result, "block-2").text("undo"), "undone");
  EXPECT_EQ(fault_of(result, "lost").text("undo"), "undone");
  EXPECT_TRUE(fault_of(result, "lost").boolean("proven", false));
  EXPECT_TRUE(fault_of(result, "lost").get("reverted").is_text());
  EXPECT_EQ(result.items("faults").size(), 2U) << "a load is no fault";
  EXPECT_EQ(result.items("backups").size(), 1U);
}

TEST(InterruptedDrill, IsResidueWhereAnUndoFailed) {
  const Json result = result_of(interrupted_drill(Guardian::fails_at_one));
  EXPECT_EQ(result.text("verdict"), "residue");
  EXPECT_EQ(result.integer("exit_code", 0), 5);
  ASSERT_EQ(result.items("residue").size(), 1U);
  EXPECT_NE(result.items("residue")[0].text("what").find("lose-data on store"), std::string::npos);
  EXPECT_NE(result.items("residue")[0].text("by_hand").find("gameday revert 01JD2Z"),
            std::string::npos);
  EXPECT_TRUE(fault_of(result, "lost").boolean("residue", false));
  EXPECT_FALSE(fault_of(result, "block-2").boolean("residue", true));
}

TEST(InterruptedDrill, NamesWhatNobodyHasPutBackYetNewestFirst) {
  const Json result = result_of(interrupted_drill(Guardian::absent));
  EXPECT_EQ(result.integer("exit_code", 0), 5);
  ASSERT_EQ(result.items("residue").size(), 2U);
  EXPECT_NE(result.items("residue")[0].text("what").find("lose-data"), std::string::npos);
  EXPECT_NE(result.items("residue")[1].text("what").find("load checkout"), std::string::npos);
  EXPECT_TRUE(result.get("recovery").get("rto_s").is_null());
}

TEST(InterruptedDrill, OwesNothingThatAVerifiedRestoreHasSuperseded) {
  JournalMaker maker;
  maker.planned();
  maker.deed(1, "lost", "lose-data", "store");
  maker.deed(2, "kept", "restore", "store");
  const std::string mark = std::string(kExampleDrill) + "-";
  Json deeds = Json::array();
  deeds.push(mark + "lost").push(mark + "kept");
  EXPECT_EQ(result_of(maker.lines()).items("residue").size(), 2U);
  maker.event(3, "superseded", Json::object({{"deeds", deeds}, {"by", "kept"}}));
  const Json result = result_of(maker.lines());
  EXPECT_EQ(result.text("verdict"), "stopped");
  EXPECT_EQ(fault_of(result, "lost").text("undo"), "superseded");
}

TEST(InterruptedDrill, KeepsAnUndoOpenWhoseInjectionMayStillArrive) {
  JournalMaker maker;
  maker.planned();
  maker.deed(1, "cut", "block", "west-to-store");
  const Json held = Json::object({{"by", "guardian"}, {"held", true}, {"closes", false}});
  maker.deed_event(3, "gone", "cut", held);
  EXPECT_EQ(result_of(maker.lines()).text("verdict"), "residue");
  maker.deed_event(18.5, "gone", "cut", Json::object({{"held", true}, {"closes", true}}));
  const Json result = result_of(maker.lines());
  EXPECT_EQ(result.text("verdict"), "stopped");
  EXPECT_TRUE(fault_of(result, "cut").get("injected").is_null());
}

TEST(InterruptedDrill, GoesByTheTimeOfDayAfterAReboot) {
  JournalMaker maker;
  maker.planned();
  maker.deed(1, "cut", "block", "west-to-store");
  maker.reboot();
  maker.deed_event(600, "undo", "cut", Json::object({{"by", "revert"}, {"ok", true}}));
  maker.deed_event(601, "gone", "cut",
                   Json::object({{"by", "revert"}, {"held", true}, {"closes", true}}));
  const Json result = result_of(maker.lines());
  EXPECT_EQ(result.text("verdict"), "stopped");
  EXPECT_EQ(result.get("stop").text("by"), "revert");
  EXPECT_EQ(fault_of(result, "cut").text("reverted"), maker.utc(601));
  EXPECT_EQ(validated(result), 0);
}

TEST(InterruptedDrill, IsADefectWhereTheRunnerHadToReplayItsOwnUndos) {
  JournalMaker maker;
  maker.planned();
  maker.deed(1, "cut", "block", "west-to-store");
  maker.deed_event(1.1, "injected", "cut", Json::object({{"ok", true}}));
  maker.deed_event(2, "gone", "cut",
                   Json::object({{"by", "runner"}, {"held", true}, {"closes", true}}));
  const Json result = result_of(maker.lines());
  EXPECT_EQ(result.text("verdict"), "defect");
  EXPECT_EQ(result.integer("exit_code", 0), 70);
}

TEST(NotStartedDrill, SaysWhy) {
  const Json result = result_of(not_started_drill());
  EXPECT_EQ(result.text("verdict"), "not_started");
  EXPECT_EQ(result.integer("exit_code", 0), 3);
  EXPECT_TRUE(result.get("stop").is_null());
  EXPECT_NE(result.items("reasons")[0].text("text").find("no such file"), std::string::npos);
}

TEST(ResultSchema, AcceptsEveryKindOfDrill) {
  for (const auto& lines :
       {passed_drill(), closed_drill(), bad_drill(), not_started_drill(),
        interrupted_drill(Guardian::undoes_all), interrupted_drill(Guardian::fails_at_one),
        interrupted_drill(Guardian::absent)}) {
    EXPECT_EQ(validated(result_of(lines)), 0);
  }
}

TEST(ResultSchema, RefusesWhatIsNoResult) {
  const Json good = result_of(passed_drill());
  Json extra = good, missing = good, wrong_verdict = good, nested = good;
  EXPECT_NE(validated(extra.set("surprise", 1)), 0);
  missing.erase("evidence");
  EXPECT_NE(validated(missing), 0);
  EXPECT_NE(validated(wrong_verdict.set("verdict", "fine")), 0);
  Json recovery = good.get("recovery");
  EXPECT_NE(validated(nested.set("recovery", recovery.set("lost", -1))), 0);
}

TEST(TextSummary, NamesTheVerdictItsReasonsAndTheObjectives) {
  const std::string text = text_summary(result_of(passed_drill()));
  EXPECT_TRUE(text.starts_with("PASSED  shop-survives-losing-its-store")) << text;
  EXPECT_NE(text.find("- every objective held"), std::string::npos) << text;
  EXPECT_NE(text.find("11.9 s to 12.4 s  held"), std::string::npos) << text;
}

TEST(TextSummary, MarksWhatAClosedLoopMeasured) {
  const std::string text = text_summary(result_of(closed_drill()));
  EXPECT_NE(text.find("held, in a closed loop"), std::string::npos) << text;
  EXPECT_EQ(text_summary(result_of(passed_drill())).find("closed loop"), std::string::npos);
}

TEST(TextSummary, ShowsWhatIsLeftAndWhatWasMissed) {
  const std::string text = text_summary(result_of(bad_drill()));
  EXPECT_NE(text.find("LEFT BEHIND"), std::string::npos) << text;
  EXPECT_NE(text.find("by hand: gameday revert"), std::string::npos) << text;
  EXPECT_NE(text.find("missed"), std::string::npos) << text;
  EXPECT_NE(text.find("not judged"), std::string::npos) << text;
}

TEST(TextSummary, LetsNoTextSteerTheTerminal) {
  Json result = result_of(passed_drill());
  Json reasons = Json::array();
  reasons.push(Json::object({{"code", 0}, {"text", "fine\x1b[2J\r\nPASSED\xe2\x80\xae"}}));
  const std::string text = text_summary(result.set("reasons", reasons));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  EXPECT_NE(text.find("[U+001B]"), std::string::npos) << text;
}

}  // namespace
}  // namespace gameday
