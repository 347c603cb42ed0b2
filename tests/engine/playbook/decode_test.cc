// Short forms, defaults, rendering and the places where one edit is not enough.
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/playbook/arguments.h"
#include "engine/playbook/explain.h"
#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;
using Told = std::vector<std::string>;

Playbook decoded(const std::string& source, const Vars& vars = {}) {
  auto loaded = decode_playbook("/drills/p.yaml", source, vars, test_rows::kRows);
  EXPECT_TRUE(loaded.playbook) << rendered("p.yaml", source, loaded.problems);
  return loaded.playbook ? *loaded.playbook : Playbook{};
}

TEST(Rendering, ShowsTheLineAndPointsAtTheColumn) {
  const std::string source =
      "gameday: 1\nname: é é\nsystem: {}\ntimeline: [ { wait: 1s, oops: 2 } ]\n";
  auto loaded = decode_playbook("p.yaml", source, {}, test_rows::kRows);
  EXPECT_EQ(
      rendered("drills/p.yaml", source, loaded.problems),
      "drills/p.yaml:2:7: error: `é é` is no name: letters, digits, `-`, `_` and `.`, at most "
      "64, a letter or digit first\n"
      "  name: é é\n"
      "        ^\n"
      "drills/p.yaml:4:25: error: unknown key `oops` in `wait`; known are: wait, id\n"
      "  timeline: [ { wait: 1s, oops: 2 } ]\n"
      "                          ^\n");
}

TEST(Rendering, OfALongLineShowsWhatIsAroundThePlace) {
  const auto shown = [](const std::string& source, int column) {
    Problems problems;
    problems.error({1, column}, "wrong");
    const auto lines = split(rendered("p.yaml", source, problems), '\n');
    // The letter that the caret points at.
    return std::pair(lines[1], lines[1].substr(std::min(lines[1].size(), lines[2].find('^')), 1));
  };
  const std::string line = std::string(1000, 'a') + "X" + std::string(1000, 'b');
  const auto [middle, at] = shown(line, 1001);
  EXPECT_EQ(at, "X");
  EXPECT_LE(middle.size(), 140u);
  EXPECT_TRUE(middle.starts_with("  ...a") && middle.ends_with("b...")) << middle;
  EXPECT_EQ(shown(line, 1).first, "  " + std::string(120, 'a') + "...");
  const auto [end, last] = shown(line + "Y", 2002);
  EXPECT_EQ(last, "Y");
  EXPECT_TRUE(end.ends_with("bY")) << end;
  // Letters of several bytes are not cut in two.
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "é";
  const auto [letters, none] = shown("x" + wide, 400);
  EXPECT_FALSE(letters.contains("\ufffd")) << letters;
}

TEST(Rendering, OfALineThatIsNoUtf8ShowsWhatItCan) {
  const std::string source(400, '\x94');
  for (const int column : {1, 60, 200, 400, 1000}) {
    Problems problems;
    problems.error({1, column}, "bad");
    EXPECT_TRUE(rendered("p.yaml", source, problems).ends_with("^\n")) << column;
  }
}

TEST(Rendering, PassesNoControlCharactersOn) {
  Problems problems;
  problems.error({1, 1}, "bad \x1b[2J");
  EXPECT_EQ(rendered("p\x1b.yaml", "a\x1b[31m: b\n", problems),
            "p .yaml:1:1: error: bad  [2J\n  a [31m: b\n  ^\n");
}

TEST(Rendering, StopsAtAHundredAndStillCountsAsAnError) {
  Problems problems;
  for (int i = 0; i < 150; ++i) problems.warning({1, 1}, "unwise");
  problems.error({2, 1}, "wrong");
  EXPECT_EQ(problems.sorted().size(), Problems::kMost);
  EXPECT_TRUE(problems.has_errors());
}

TEST(ShortForms, AGroupFieldTakesItsScalar) {
  const auto playbook = decoded(edited_design("rto: { within: 60s, hold: 5s }", "rto: 30s"));
  EXPECT_EQ(playbook.objectives.rto->within, Duration(30s));
  EXPECT_FALSE(playbook.objectives.rto->hold);
}

TEST(ShortForms, AnObjectiveMayNameItsPhase) {
  const auto playbook =
      decoded(edited_design("latency_p99: 250ms", "latency_p99.9: { within: 1s, during: lost }"));
  EXPECT_DOUBLE_EQ(playbook.objectives.latencies.at(0).quantile, 0.999);
  EXPECT_EQ(playbook.objectives.latencies.at(0).during, "lost");
}

TEST(ShortForms, AProbeTakesAListOrAMapping) {
  const auto as_list =
      decoded(edited_design("timeline:", "  up: { command: [./shop, \"up?\"] }\ntimeline:"));
  EXPECT_EQ(as_list.probe("up")->arguments.dump(), R"({"run":["./shop","up?"],"retries":0})");
  EXPECT_EQ(as_list.probe("up")->every, Duration(1s));
  const auto as_mapping = decoded(edited_design(
      "timeline:", "  up: { http: { url: \"{front}/\", expect: 204 }, every: 2s }\ntimeline:"));
  EXPECT_EQ(as_mapping.probe("up")->arguments.dump(),
            R"({"url":"http://127.0.0.1:8080/","expect":{"status":204}})");
  EXPECT_EQ(as_mapping.probe("up")->every, Duration(2s));
  EXPECT_EQ(as_mapping.probe("up")->failures, 1);
  EXPECT_EQ(as_mapping.probe("up")->successes, 1);
  const auto patient = decoded(edited_design(
      "timeline:", "  up: { http: \"{front}/\", failures: 3, successes: 2 }\ntimeline:"));
  EXPECT_EQ(patient.probe("up")->failures, 3);
  EXPECT_EQ(patient.probe("up")->successes, 2);
}

TEST(Defaults, AnAbsentGroupWithADefaultIsFilledIn) {
  const auto playbook = decoded(edited_design(", expect: { status: 200 }", ""));
  EXPECT_EQ(playbook.probe("shop-answers")->arguments.get("expect").integer("status", 0), 200);
}

TEST(Defaults, LimitsThatAreNotWrittenAreSafeOnes) {
  const auto playbook = decoded("gameday: 1\nname: a\nsystem: {}\ntimeline: [{ wait: 1s }]\n");
  EXPECT_EQ(playbook.limits.targets, 1);
  EXPECT_EQ(playbook.limits.writes, 0);
  EXPECT_EQ(playbook.limits.duration, Duration(10min));
}

TEST(Json, OfARequestKeepsItsOrderAndOnlyWhatIsWrittenAsANumberIsOne) {
  const auto playbook = decoded(edited_design("{ item: book, sum: \"{digest}\" }",
                                              "{ z: 1, a: -2.5, no: no, oct: 010, quoted: \"1\", "
                                              "t: true, n: ~, l: [x], sum: \"{digest}\" }"));
  EXPECT_EQ(playbook.load("checkout")->request.body,
            R"({"z":1,"a":-2.5,"no":"no","oct":"010","quoted":"1","t":true,"n":null,"l":["x"],)"
            R"("sum":"{digest}"})");
}

TEST(Urls, ATrailingSlashOfATargetIsNotDoubled) {
  const auto playbook =
      decoded(edited_design("\"http://127.0.0.1:8080\"", "\"http://127.0.0.1:8080/\""));
  EXPECT_EQ(playbook.load("checkout")->request.url, "http://127.0.0.1:8080/orders/{key}");
}

TEST(Urls, SecretsAndDoubledBracesStay) {
  const auto playbook =
      decoded(edited_design("{front}/healthz", "http://u:${env:PW}@h/{{x}?d={drill}"));
  EXPECT_EQ(playbook.probe("shop-answers")->arguments.text("url"),
            "http://u:${env:PW}@h/{{x}?d={drill}");
}

TEST(Paths, AnAbsoluteOneStays) {
  const auto playbook =
      decoded(edited_design("sqlite: run/store.db", "sqlite: /srv/../srv/store.db"));
  EXPECT_EQ(playbook.system.target("store")->facets.get("sqlite").text("path"), "/srv/store.db");
}

TEST(Verify, OfNothingIsOfEveryLoad) {
  for (const char* form : {"verify:", "verify: []", "verify: ~"}) {
    const auto playbook = decoded(edited_design("verify: [checkout]", form));
    EXPECT_EQ(playbook.timeline.back().names, std::vector<std::string>{"checkout"}) << form;
  }
}

TEST(Variables, FillValuesAndNeverTheStructure) {
  const auto source = edited_design("rate: 200/s", "rate: ${rate}");
  EXPECT_DOUBLE_EQ(decoded(source, {{"rate", "50/s"}}).load("checkout")->rate, 50);
  EXPECT_EQ(told_of(source, {{"rate", "50/s\n    ledger: x"}}),
            (Told{"26:11: error: `load.checkout.rate`: expected a number with a unit (/s, /m, /h), "
                  "like 200/s, not `50/s     ledger: x`"}));
}

TEST(Objectives, TheSmallestIsOfThoseThatAreTimes) {
  Objectives objectives;
  EXPECT_FALSE(smallest(objectives));
  objectives.rpo = Duration{};  // none lost: not a time
  EXPECT_FALSE(smallest(objectives));
  objectives.rto = RtoObjective{std::chrono::seconds(60), {}, ""};
  EXPECT_EQ(smallest(objectives), std::chrono::seconds(60));
  objectives.latencies.push_back({0.99, "latency_p99", std::chrono::milliseconds(250), "steady"});
  EXPECT_EQ(smallest(objectives), std::chrono::milliseconds(250));
}

TEST(Secrets, AreTakenOutOfTheEnvironmentAndStillRevealed) {
  setenv("GAMEDAY_TEST_SECRET", "hidden", 1);
  setenv("GAMEDAY_TEST_OTHER", "plain", 1);
  Secrets secrets;
  secrets.take_from_environment("a: ${env:GAMEDAY_TEST_SECRET} ${env:GAMEDAY_TEST_NOT_SET}");
  EXPECT_EQ(std::getenv("GAMEDAY_TEST_SECRET"), nullptr);
  EXPECT_STREQ(std::getenv("GAMEDAY_TEST_OTHER"), "plain");
  EXPECT_EQ(secrets.reveal("x${env:GAMEDAY_TEST_SECRET}y").value_or(""), "xhiddeny");
  EXPECT_FALSE(secrets.reveal("${env:GAMEDAY_TEST_NOT_SET}"));
  unsetenv("GAMEDAY_TEST_OTHER");
}

TEST(Files, ThatCannotBeReadAreAProblemAtTheirStart) {
  const std::string path = testing::TempDir() + "/there-is-no-such-playbook.yaml";
  const auto loaded = load_checked(path, {}, test_rows::kRows);
  EXPECT_FALSE(loaded.playbook);
  EXPECT_TRUE(rendered(path, loaded.source, loaded.problems)
                  .starts_with(path + ":1:1: error: cannot open " + path));
  EXPECT_TRUE(load_playbook(std::string("a\0b", 3), {}, test_rows::kRows).problems.has_errors());
}

TEST(Check, SaysThatNoObjectiveCanBeJudgedWithoutALoad) {
  std::string source(kDesignPlaybook);
  const auto load = source.find("load:\n");
  source.erase(load, source.find("probes:\n") - load);
  source.replace(source.find("[checkout]"), 10, "[]");
  EXPECT_EQ(told_of(source),
            (Told{"10:13: error: `objectives.rto` cannot be judged: there is no load, and no probe "
                  "in `from`",
                  "10:13: error: `objectives.rpo` cannot be judged: no load has a ledger",
                  "10:13: error: `objectives.success_rate` cannot be judged: there is no load",
                  "10:13: error: `objectives.latency_p99` cannot be judged: there is no load"}));
}

TEST(Check, WarnsOfARateTooLowForTheRpo) {
  auto source = edited_design("rate: 200/s", "rate: 1/m");
  source.replace(source.find("rpo: 0s"), 7, "rpo: 30s");
  EXPECT_EQ(told_of(source), (Told{"25:3: warning: load `checkout` writes once in 1m: too slow to "
                                   "judge an RPO of 30s"}));
}

TEST(Check, NeedsAHoldWhereNoSteadyStateGivesIt) {
  EXPECT_EQ(
      told_of("gameday: 1\nname: a\nobjectives: { rto: { within: 9s, from: p } }\nsystem: {}\n"
              "probes: { p: { http: \"http://h/\" } }\ntimeline: [{ wait: 1s }]\n"),
      (Told{"3:13: error: `objectives.rto` needs `hold`: there is no steady state to take it "
            "from",
            "6:12: warning: no fault: this drill breaks nothing"}));
}

TEST(Check, WarnsOfAFaultThatNothingWatches) {
  EXPECT_EQ(told_of("gameday: 1\nname: a\nsystem: { w: { process: w.pid } }\n"
                    "timeline: [{ fault: kill, target: w, for: 1s }]\n"),
            (Told{"4:12: warning: no steady state before the first fault: what it breaks may have "
                  "been broken before",
                  "4:12: warning: neither a probe nor a load watches fault `fault-1`"}));
}

TEST(Check, AcceptsAnIrreversibleFaultWithItsReason) {
  EXPECT_EQ(told_of(edited_design("fault: kill, target: west",
                                  "fault: burn, allow_irreversible: it is a copy, target: west")),
            Told{});
}

TEST(Check, ARestoreIntoPlaceClosesTheLossSoThatTheNextFaultMayOpen) {
  const auto source =
      edited_design("  - verify: [checkout]",
                    "  - { fault: kill, target: west }\n  - { fault: kill, target: north }\n");
  EXPECT_EQ(told_of(source), Told{});
}

TEST(Arguments, AreReadWithTheirUnitsOrNotAtAll) {
  const Json arguments = Json::object(
      {{"d", "1500ms"}, {"r", "2/s"}, {"s", "1KiB"}, {"p", "50%"}, {"bad", "x"}, {"n", 5}});
  EXPECT_EQ(duration_in(arguments, "d"), Duration(1500ms));
  EXPECT_EQ(rate_in(arguments, "r"), 2.0);
  EXPECT_EQ(size_in(arguments, "s"), 1024);
  EXPECT_EQ(percent_in(arguments, "p"), 0.5);
  for (const char* name : {"bad", "n", "absent"}) EXPECT_FALSE(duration_in(arguments, name));
  EXPECT_FALSE(duration_in(Json(), "d"));
}

TEST(SteadyState, WithoutAnEndHasTimeUntilItsProbesHaveBeenHeardOf) {
  const auto playbook = decoded(edited_design("within: 30s, ", ""));
  ASSERT_FALSE(playbook.timeline.empty());
  EXPECT_EQ(playbook.timeline[0].within, Duration(10s + 500ms + 400ms));
}

TEST(FaultNames, MeanWhatTheTargetIs) {
  const auto killed = [](const std::string& step) {
    const auto found = decoded(edited_design("{ fault: kill, target: west, for: 5s }", step));
    return found.timeline.size() > 2 ? found.timeline[2].fault : "";
  };
  EXPECT_EQ(killed("{ fault: kill, target: west, for: 5s }"), "kill");
  EXPECT_EQ(killed("{ fault: kill, target: orders, harder: true, for: 5s }"), "kill-queue");
  EXPECT_EQ(killed("{ fault: kill-queue, target: orders, for: 5s }"), "kill-queue");
}

TEST(FaultNames, MeanTheLinksOfARegionElseItsTargets) {
  const auto blocked = [](const std::string& aim, const std::string& region) {
    std::string source = edited_design("{ fault: block, region: eu-west, for: 15s }",
                                       "{ fault: block, " + aim + ", for: 15s }");
    const std::string queue = "\"http://127.0.0.1:8090/orders\" }";
    return decoded(
        source.replace(source.find(queue), queue.size(),
                       queue.substr(0, queue.size() - 2) + ", region: " + region + " }"));
  };
  EXPECT_EQ(blocked("region: eu-west", "eu-west").timeline[1].fault, "block");
  const auto found = blocked("region: eu-south, harder: true", "eu-south");
  EXPECT_EQ(found.timeline[1].fault, "block-queue");
  const auto hit = names_hit(found.system, test_rows::kBlockQueue, found.timeline[1]);
  EXPECT_EQ(hit, std::vector<std::string>{"orders"});
  EXPECT_EQ(blocked("target: orders", "eu-south").timeline[1].fault, "block-queue");
}

TEST(FaultNames, OfTwoKindsOnOneTargetTheNamesOwnIsMeant) {
  const auto found = decoded(edited_design("{ process: { pidfile: run/north.pid }",
                                           "{ queue: \"http://127.0.0.1:1/q\", "
                                           "process: { pidfile: run/north.pid }"));
  EXPECT_EQ(test_rows::kRows.fault_on(*found.system.target("north"), "kill")->name, "kill");
}

TEST(FaultNames, OnWhatNoneFitsAreTheNamesOwn) {
  EXPECT_EQ(told_of(edited_design("{ fault: kill, target: west, for: 5s }",
                                  "{ fault: kill, target: front, for: 5s }"))
                .size(),
            1U);
  const auto told = told_of(edited_design("{ fault: kill, target: west, for: 5s }",
                                          "{ fault: kill, target: west, harder: true }"));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("unknown key `harder`"), std::string::npos) << told[0];
}

TEST(Explain, SaysByWhichOtherNameItIsMeant) {
  EXPECT_NE(explain(test_rows::kKillQueue).find("Said as\n  kill, of such a target\n"),
            std::string::npos)
      << explain(test_rows::kKillQueue);
}

TEST(Explain, SaysWhatARegionMeansToIt) {
  EXPECT_TRUE(explain(test_rows::kBlockQueue)
                  .contains("Hits\n  a target with queue, or all those of a region\n"));
}

TEST(Explain, ShowsFieldsBoundsDefaultsReversalAndExample) {
  const auto text = explain(test_rows::kKill);
  for (const char* part :
       {"kill (fault)\n  Does something.\n", "  a target with process\n",
        "  signal  one of KILL, TERM, default KILL\n          What it is ended with.\n",
        "  grace   a duration like 15s, 100ms to 1m, default 5s\n",
        "  target  the name of a target, required\n",
        "Reversal\n  restart: what was ended is started again\n", "Rights\n  the same user\n",
        "Example\n  { fault: x }\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
  EXPECT_EQ(text.find("region"), std::string::npos);
  EXPECT_NE(explain(test_rows::kBurn).find("allow_irreversible"), std::string::npos);
  EXPECT_NE(explain(test_rows::kHttpProbe).find("http: VALUE stands for its url."),
            std::string::npos);
  EXPECT_NE(explain(test_rows::kSqliteRestore).find("into      one of scratch, place"),
            std::string::npos);
}

// What a playbook says of each field, an explanation has too: both are of one row.
TEST(Explain, KnowsEachPartOfAPlaybookAsItIsDecoded) {
  const auto parts = playbook_parts();
  const auto explained = [&](std::string_view path) {
    const auto found = std::ranges::find(parts, path, &PlaybookPart::path);
    return found == parts.end() ? "" : explain(*found, test_rows::kRows);
  };
  for (const auto& field : playbook_fields()) {
    EXPECT_TRUE(explained(field.name).contains(field.help)) << field.name;
  }
  for (const auto& field : load_fields()) {
    EXPECT_TRUE(explained("load").contains("\n  " + std::string(field.name) + " ")) << field.name;
    EXPECT_TRUE(explained("load." + std::string(field.name)).contains(field.help)) << field.name;
  }
  const auto rto = explained("objectives.rto");
  for (const char* part :
       {"objectives.rto (part of a playbook)\n", "rto: VALUE stands for its within",
        "\n  within  a duration like 15s, 1ms or more, required\n"}) {
    EXPECT_TRUE(rto.contains(part)) << part << " in " << rto;
  }
  EXPECT_TRUE(explained("load.rate").contains("Takes\n  a rate like 200/s, at most")) << "a leaf";
  EXPECT_TRUE(explained("system").contains("one or more of\n  process, ")) << explained("system");
  EXPECT_TRUE(explained("system").contains("under links\n  listen ")) << explained("system");
  EXPECT_TRUE(explained("system.links").contains("\n  listen ")) << explained("system.links");
  EXPECT_TRUE(explained("probes").contains("one of\n  http")) << explained("probes");
  EXPECT_TRUE(explained("timeline").contains("steady_state, ")) << explained("timeline");
}

}  // namespace
}  // namespace gameday
