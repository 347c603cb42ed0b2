// The commands that take a playbook, as far as they touch no system: check, plan, schema, run.
#include <algorithm>
#include <fstream>
#include <regex>

#include "engine/base/digest.h"
#include "tests/cli/cli_fixture.h"

namespace gameday {
namespace {

constexpr std::string_view kPlaybook = R"(gameday: 1
name: one-process
summary: One process is killed and put back.
owner: somebody
system:
  west: { process: { pidfile: west.pid } }
limits: { targets: 1 }
probes:
  answers: { http: "http://127.0.0.1:9/", every: 1s, timeout: 500ms, expect: { status: 200 } }
timeline:
  - steady_state: { for: 1s, probes: [answers] }
  - { fault: kill, target: west, for: 1s }
)";

class PlaybookCommands : public CliTest {
 protected:
  // Those that run without --var: on the shop and on the composed system.
  static std::vector<std::string> own_playbooks() {
    std::vector<std::string> paths;
    for (const std::string folder : {"/", "/twins", "/shop"}) {
      const auto all =
          std::filesystem::directory_iterator(GAMEDAY_SOURCE_DIR "/playbooks" + folder);
      for (const auto& entry : all) {
        if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
      }
    }
    std::ranges::sort(paths);
    return paths;
  }
};

TEST_F(PlaybookCommands, CheckFindsOurPlaybooksValid) {
  const auto paths = own_playbooks();
  ASSERT_GE(paths.size(), 10u);
  for (const auto& path : paths) {
    const Ran ran = run({"check", path});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out, path + ": valid\n");
  }
  EXPECT_FALSE(Files().exists(file("state")));
}

TEST_F(PlaybookCommands, WhatOfARegionABlockDoesNotHitIsTold) {
  write("region.yaml", R"(gameday: 1
name: block
summary: One fault.
owner: somebody
system:
  cache: { container: cache, region: eu }
  machine: { host: own, region: eu }
  edge: { ssh: root@edge-1, region: eu }
  far: { ssh: root@edge-2, region: us }
timeline:
  - { fault: block, region: eu, for: 1s }
)");
  const Ran ran = run({"check", "region.yaml"});
  for (const std::string other : {"machine (`host`)", "edge (`ssh`)"}) {
    const std::string told =
        "region `eu` has targets with `container`, which alone are hit: what " + other +
        " sends beside them goes on";
    EXPECT_NE((ran.out + ran.err).find(told), std::string::npos) << ran.out << ran.err;
  }
  EXPECT_EQ((ran.out + ran.err).find("far"), std::string::npos) << ran.out << ran.err;
}

// As a system of another size wants; that nothing is lost is no duration.
TEST_F(PlaybookCommands, EveryDurationOfThoseOnTheComposedSystemIsAVariable) {
  const std::regex duration(R"([ \[{,]\d+(ms|s|m|h|d)\b)");
  for (const auto& path : own_playbooks()) {
    if (path.contains("/shop/")) continue;
    std::ifstream file(path);
    bool in_vars = true;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("objectives:") || line.starts_with("system:")) in_vars = false;
      if (const auto none = line.find("rpo: 0s"); none != line.npos) line.erase(none, 7);
      EXPECT_FALSE(!in_vars && std::regex_search(line, duration)) << path << ": " << line;
    }
    EXPECT_FALSE(in_vars) << path;
  }
}

TEST_F(PlaybookCommands, ABlockIsOfLinksByTheirProxiesOrOfAHostByIptables) {
  constexpr std::string_view kSystem = R"(gameday: 1
name: block
summary: One fault.
owner: somebody
system:
  west: { process: { pidfile: west.pid } }
  machine: { host: own }
  links: { out: { listen: "127.0.0.1:2", to: "127.0.0.1:3", region: eu } }
timeline:
  - { fault: block, )";
  const auto told = [&](const std::string& command, const std::string& step) {
    write("block.yaml", std::string(kSystem) + step + " }\n");
    const Ran ran = run({command, "block.yaml"});
    return ran.out + ran.err;
  };
  const auto expect = [&](const std::string& command, const std::string& step,
                          const std::string& part) {
    const std::string all = told(command, step);
    EXPECT_NE(all.find(part), std::string::npos) << step << ": " << all;
  };
  expect("check", "target: machine, port: 80, for: 1s", "valid");
  expect("check", "region: eu, for: 1s", "valid");
  expect("check", "link: out, for: 1s", "valid");
  expect("check", "for: 1s", "the links of a region, one link, or a target");
  expect("check", "link: out, target: machine", "takes only one of");
  expect("check", "target: west, port: 80", "needs a target with `host`");
  expect("check", "link: out, port: 80", "are for a target with `host`");
  expect("check", "target: machine", "i_mean: everything");
  expect("check", "target: machine, addresses: [127.0.0.1]", "from itself");
  expect("check", "target: machine, addresses: [127.0.0.1]", "(127.0.0.0/8); name a port");
  expect("plan", "target: machine, port: 80, for: 1s", "by rules of iptables and ip6tables");
  expect("plan", "target: machine, port: 80, for: 1s", "guardian too: `gameday revert` undoes it");
  expect("plan", "link: out, for: 1s", "by the links' proxies");
  expect("plan", "link: out, for: 1s", "guardian too: it ends by itself, with its lease");
}

TEST_F(PlaybookCommands, CheckNamesFileLineAndColumnOfEachProblem) {
  const std::pair<std::string, std::string> edits[] = {
      {"fault: kill", "fault: kil"},
      {"target: west", "target: wset"},
      {"for: 1s }", "for: 1x }"},
      {"owner:", "onwer:"},
      {"west.pid", "west.pid, pidfile: twice"},
      {"gameday: 1", "gameday: 1\n  bad: ["},
  };
  for (const auto& [from, to] : edits) {
    std::string text(kPlaybook);
    text.replace(text.find(from), from.size(), to);
    write("bad.yaml", text);
    const Ran ran = run({"check", "bad.yaml"});
    EXPECT_EQ(ran.code, 2) << to;
    EXPECT_EQ(ran.out, "");
    const std::string head = ran.err.substr(0, ran.err.find(' '));
    EXPECT_TRUE(head.starts_with("bad.yaml:")) << ran.err;
    EXPECT_EQ(std::ranges::count(head, ':'), 3) << ran.err;
    const Json problems = document(run({"check", "bad.yaml", "--json"}));
    EXPECT_FALSE(problems.boolean("valid", true));
    EXPECT_GT(problems.items("problems").front().integer("line", 0), 0);
    // What is invalid is not run, nor planned.
    EXPECT_EQ(run({"plan", "bad.yaml"}).code, 2);
    EXPECT_EQ(run({"run", "bad.yaml"}).code, 2);
  }
  EXPECT_FALSE(Files().exists(file("state")));
}

TEST_F(PlaybookCommands, CheckOfSeveralSaysNoWhereOneIsInvalid) {
  write("good.yaml", std::string(kPlaybook));
  write("bad.yaml", "gameday: 1\n");
  EXPECT_EQ(run({"check", "good.yaml"}).code, 0);
  const Ran both = run({"check", "good.yaml", "bad.yaml", "gone.yaml"});
  EXPECT_EQ(both.code, 2);
  EXPECT_NE(both.out.find("good.yaml: valid"), std::string::npos);
  EXPECT_NE(both.err.find("gone.yaml:1:1: "), std::string::npos) << both.err;
}

TEST_F(PlaybookCommands, PlanTouchesNothingAndHasADigestThatStays) {
  write("good.yaml", std::string(kPlaybook));
  const Json plan = document(run({"plan", "good.yaml", "--json"}));
  EXPECT_TRUE(plan.text("plan_sha256").starts_with("sha256:"));
  EXPECT_EQ(document(run({"plan", "good.yaml", "--json"})).text("plan_sha256"),
            plan.text("plan_sha256"));
  EXPECT_FALSE(plan.get("plan").items("locks").empty());
  const Json& now = plan.get("now");
  EXPECT_EQ(now.items("deaths")[1].text("death"), "the runner is killed or hangs");
  EXPECT_EQ(now.items("deaths")[1].text("undone_by"), "the guardian undoes");
  ASSERT_EQ(now.items("faults").size(), 1U);
  EXPECT_EQ(now.items("faults")[0].text("after_the_runner"), "the guardian undoes it at once");
  EXPECT_TRUE(now.items("faults")[0].get("held").is_null()) << "nobody is there to be looked at";
  const Ran text = run({"plan", "good.yaml"});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("NOT FOUND west"), std::string::npos) << text.out;
  EXPECT_FALSE(Files().exists(file("state")));
}

// What a load fills in is part of what was planned.
TEST_F(PlaybookCommands, ThePlansDigestCoversTheDataOfALoad) {
  write("users.csv", "user\nann\nbob\n");
  std::string text(kPlaybook);
  text.insert(text.find("timeline:"),
              "load:\n  look:\n    rate: 10/s\n    data: users.csv\n    requests:\n"
              "      - { weight: 3, url: \"http://127.0.0.1:9/{data.user}\", "
              "expect: { body_contains: hello } }\n"
              "      - { name: bye, method: POST, url: \"http://127.0.0.1:9/{uuid}\" }\n");
  write("data.yaml", text);
  const Json plan = document(run({"plan", "data.yaml", "--json"}));
  const Json& load = plan.get("plan").items("load").at(0);
  EXPECT_EQ(load.get("data").text("file"), "users.csv");
  EXPECT_EQ(load.get("data").text("sha256"), sha256("user\nann\nbob\n"));
  EXPECT_EQ(load.items("requests").at(0).items("checks").at(1).text(), "body_contains 'hello'");
  const Ran shown = run({"plan", "data.yaml"});
  for (const char* line :
       {"    3 x GET /{data.user}: GET http://127.0.0.1:9/{data.user}",
        "      an answer is good with: status 2xx, body_contains 'hello'",
        "    1 x bye: POST http://127.0.0.1:9/{uuid}", "    data: users.csv, 2 rows, sha256:"}) {
    EXPECT_TRUE(shown.out.contains(line)) << line << " in\n" << shown.out;
  }
  write("users.csv", "user\nann\nbo\n");
  EXPECT_NE(document(run({"plan", "data.yaml", "--json"})).text("plan_sha256"),
            plan.text("plan_sha256"));
  write("users.csv", "name\nann\n");
  const Ran refused = run({"plan", "data.yaml"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(refused.err.contains("`{data.user}`: `users.csv` has no such column")) << refused.err;
}

TEST_F(PlaybookCommands, PlanTellsWhatAnActionChangesAndThatNothingUndoesIt) {
  write("p.yaml",
        "gameday: 1\nname: promoted\nsummary: S.\nowner: o\nobjectives: {}\nsystem:\n"
        "  standby: { postgres: \"host=127.0.0.1 port=4 dbname=no\" }\n"
        "timeline:\n  - { action: promote, target: standby, id: over }\n");
  const Ran plan = run({"plan", "p.yaml"});
  for (const char* part : {"  over: action promote standby\n", "the server that takes writes.\n",
                           "nothing undoes it; needs: CONNECT on the database; EXECUTE on "
                           "pg_promote(boolean, integer)\n"}) {
    EXPECT_TRUE(plan.out.contains(part)) << part << plan.out << plan.err;
  }
}

TEST_F(PlaybookCommands, PlanSaysByWhatALoadIsCarried) {
  const auto line = [&](const std::string& url, const std::string& headers = "") {
    write("p.yaml",
          "gameday: 1\nname: loaded\nsummary: S.\nowner: o\nobjectives: {}\n"
          "system:\n  shop: { http: \"" +
              url +
              "\" }\n"
              "load:\n  reads: { rate: 5/s, request: { url: \"{shop}/a\"" +
              headers +
              " } }\n"
              "timeline:\n  - wait: 1s\n");
    const Ran plan = run({"plan", "p.yaml"});
    EXPECT_EQ(plan.code, 0) << plan.err;
    return plan.out;
  };
  for (const char* url :
       {"http://127.0.0.1:8080", "http://localhost:8080", "https://127.0.0.1:8080"}) {
    EXPECT_TRUE(line(url).contains("; by sockets of our own")) << line(url);
  }
  const std::string framed = line("http://127.0.0.1:8080", ", headers: { Connection: close }");
  EXPECT_TRUE(framed.contains("; by libcurl")) << framed;
}

TEST_F(PlaybookCommands, PlanTellsTheStagesOfALoad) {
  write("p.yaml",
        "gameday: 1\nname: loaded\nsummary: S.\nowner: o\nobjectives: {}\n"
        "system:\n  shop: { http: \"http://127.0.0.1:8080\" }\n"
        "load:\n  reads:\n    stages: [{ rate: 5/s, for: 10s }, { to: 50/s, for: 20s }]\n"
        "    request: \"{shop}/a\"\n"
        "timeline:\n  - wait: 1s\n");
  const Ran plan = run({"plan", "p.yaml"});
  EXPECT_TRUE(plan.out.contains("  reads: 5/s for 10s, to 50/s over 20s, then 50/s GET http://"))
      << plan.out << plan.err;
  const Json load = document(run({"plan", "p.yaml", "--json"})).get("plan").items("load").front();
  EXPECT_EQ(load.number("rate", 0), 50);
  ASSERT_EQ(load.items("stages").size(), 2U);
  EXPECT_EQ(load.items("stages")[1].dump(), R"({"from":5.0,"to":50.0,"for_s":20.0})");
}

TEST_F(PlaybookCommands, CheckKnowsWhereAndAsOfWhenSomethingCanBeRestored) {
  const auto checked = [&](const std::string& restore) {
    write("p.yaml",
          "gameday: 1\nname: restored\nsummary: S.\nowner: o\nobjectives: {}\nsystem:\n"
          "  store: { sqlite: store.db }\n"
          "  archive: { postgres-archive: { base: base, wal: wal } }\n"
          "timeline:\n  - backup: store\n  - backup: archive\n  - { restore: " +
              restore + " }\n");
    const Ran ran = run({"check", "p.yaml"});
    return ran.code == 0 ? "valid" : ran.err;
  };
  for (const std::string point : {"latest", "0/3000E88", "\"2026-11-26T15:15:40Z\""}) {
    EXPECT_EQ(checked("archive, point: " + point), "valid") << point;
  }
  EXPECT_TRUE(checked("archive, point: before lost").contains("`lost` is no earlier fault"));
  EXPECT_TRUE(checked("archive, point: yesterday").contains("which is neither latest"));
  EXPECT_TRUE(checked("archive, into: place").contains("is restored into scratch alone"));
  EXPECT_TRUE(checked("store, point: latest").contains("it takes no `point`"));
}

TEST_F(PlaybookCommands, ABackupThatIsTakenWhileAFaultHoldsIsRefused) {
  write("p.yaml",
        "gameday: 1\nname: restored\nsummary: S.\nowner: o\nobjectives: {}\nsystem:\n"
        "  store: { sqlite: store.db }\ntimeline:\n"
        "  - { fault: corrupt-data, target: store, how: drop-rows, id: wrong }\n"
        "  - backup: store\n  - { restore: store, into: place }\n");
  for (const char* command : {"check", "plan", "rehearse", "run"}) {
    const Ran ran = run({command, "p.yaml"});
    EXPECT_EQ(ran.code, 2) << command;
    EXPECT_TRUE(
        ran.err.contains("p.yaml:11:5: error: `restore-3` would bring back what `wrong` "
                         "(line 9) did: its backup `backup-2` (line 10) is taken while"))
        << command << ran.err;
  }
}

TEST_F(PlaybookCommands, TheCommittedSchemaIsTheOneThatTheRowsGive) {
  const Ran ran = run({"schema"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_TRUE(document(ran).is_object());
  EXPECT_EQ(ran.out, read(GAMEDAY_SOURCE_DIR "/playbooks/schema.json"))
      << "run: gameday schema > playbooks/schema.json";
}

TEST_F(PlaybookCommands, TheSchemaTakesOurPlaybooksAndRefusesABrokenOne) {
  write("validate.py",
        "import json, sys, jsonschema, yaml\n"
        "schema = json.load(open(sys.argv[1]))\n"
        "validator = jsonschema.Draft202012Validator(schema)\n"
        "wrong = 0\n"
        "for path in sys.argv[2:]:\n"
        "    for error in validator.iter_errors(yaml.safe_load(open(path))):\n"
        "        print(path, error.json_path, error.message)\n"
        "        wrong = 1\n"
        "sys.exit(wrong)\n");
  const std::string schema = GAMEDAY_SOURCE_DIR "/playbooks/schema.json";
  std::vector<std::string> argv = {"/usr/bin/python3", "validate.py", schema};
  for (const auto& path : own_playbooks()) argv.push_back(path);
  const Ran good = run_program(argv);
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  std::string text(kPlaybook);
  write("bad.yaml", text.replace(text.find("owner:"), 6, "onwer:"));
  const Ran bad = run_program({"/usr/bin/python3", "validate.py", schema, "bad.yaml"});
  EXPECT_EQ(bad.code, 1) << bad.err;
  EXPECT_NE(bad.out.find("onwer"), std::string::npos) << bad.out << bad.err;
}

TEST_F(PlaybookCommands, RunRefusesABadOutputFolderBeforeItTouchesAnything) {
  write("good.yaml", std::string(kPlaybook));
  write("a-file", "");
  ASSERT_TRUE(Files().make_folder(file("in-use")));
  write("in-use/letter.txt", "mine\n");
  for (const char* out : {"a-file", "a-file/below", "in-use", "/proc/gameday-report"}) {
    const Ran ran = run({"run", "good.yaml", "--out", out});
    EXPECT_EQ(ran.code, 2) << out << ran.err;
    EXPECT_NE(ran.err.find(out), std::string::npos) << ran.err;
  }
  EXPECT_FALSE(Files().exists(file("state")));
  EXPECT_EQ(read(file("in-use/letter.txt")), "mine\n");
}

TEST_F(PlaybookCommands, RunSaysWhereItsStoreCannotBe) {
  write("good.yaml", std::string(kPlaybook));
  const Ran ran = run({"run", "good.yaml", "--store", "/proc/gameday/store.db"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_NE(ran.err.find("/proc/gameday"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace gameday
