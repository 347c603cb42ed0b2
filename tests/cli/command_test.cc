// The command line itself: help, misspelt words, and the commands that need no store.
#include "cli/command.h"

#include <algorithm>

#include "all_rows.h"
#include "engine/base/text.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/pty.h"

namespace gameday {
namespace {

class CommandLine : public CliTest {};

TEST_F(CommandLine, HelpOfEachCommandHasItsSummaryOptionsAndAnExample) {
  ASSERT_GE(all_commands().size(), 10u);
  const Ran whole = run({"--help"});
  EXPECT_EQ(whole.code, 0);
  for (const auto* row : all_commands()) {
    const std::string name(row->name);
    EXPECT_NE(whole.out.find("\n  " + name), std::string::npos) << name;
    const Ran help = run({name, "--help"});
    EXPECT_EQ(help.code, 0) << name;
    EXPECT_NE(help.out.find("Example:\n  " + std::string(row->example)), std::string::npos) << name;
    EXPECT_TRUE(row->example.starts_with("gameday ")) << name;
    for (const auto& option : row->options) {
      EXPECT_NE(help.out.find("--" + std::string(option.name)), std::string::npos) << name;
      EXPECT_FALSE(option.help.empty()) << name << " " << option.name;
    }
  }
}

TEST_F(CommandLine, ExamplesNameCommandsAndOptionsThatThereAre) {
  for (const auto* row : all_commands()) {
    std::string example(row->example);
    const auto words = [&] {
      std::vector<std::string> all;
      for (std::size_t at = 0; at <= example.size();) {
        const auto end = std::min(example.find(' ', at), example.size());
        all.push_back(example.substr(at, end - at));
        at = end + 1;
      }
      return all;
    }();
    const auto named = std::ranges::find(all_commands(), std::string_view(words[1]),
                                         [](const CommandRow* other) { return other->name; });
    ASSERT_NE(named, all_commands().end()) << example;
    for (const auto& word : words) {
      if (!word.starts_with("--")) continue;
      EXPECT_TRUE(std::ranges::any_of((*named)->options, [&](const Option& option) {
        return word == "--" + std::string(option.name);
      })) << example;
    }
  }
}

TEST_F(CommandLine, MisspeltCommandsAndOptionsAreUsageErrorsWithTheNearestWord) {
  const std::pair<std::vector<std::string>, std::string> bad[] = {
      {{"rvert"}, "did you mean `revert`?"},
      {{"rnu"}, "did you mean `run`?"},
      {{"run", "--stroe", "x", "p.yaml"}, "did you mean `--store`?"},
      {{"run", "--stroe=x", "p.yaml"}, "`gameday run` has no option --stroe"},
      {{"--jsno", "list"}, "did you mean `--json`?"},
      {{"--out", "x", "list"}, "`gameday list` has no option --out"},
      {{"verfy", "x"}, "did you mean `verify`?"},
      {{"list", "--jsn"}, "did you mean `--json`?"},
      {{"run", "p.yaml", "--ot", "x"}, "did you mean `--out`?"},
      {{"list", "--no-colour"}, "did you mean `--no-color`?"},
      {{"--vrsion"}, "did you mean `--version`?"},
      {{"help", "rvert"}, "did you mean `revert`?"},
      {{"man", "rvert"}, "did you mean `revert`?"},
      {{"explode"}, "`gameday help` names the commands"},
  };
  for (const auto& [arguments, hint] : bad) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 2) << arguments.front();
    EXPECT_NE(ran.err.find(hint), std::string::npos) << ran.err;
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(CommandLine, OptionsMayStandBeforeTheCommand) {
  EXPECT_EQ(run({"--no-color", "list"}).code, 0);
  const Ran ran = run({"--store", "other.db", "--json", "list"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(document(ran).items("drills").empty());
  EXPECT_TRUE(ran.err.contains("other.db")) << ran.err;
}

TEST_F(CommandLine, ANumberIsAWholeOne) {
  write("p.yaml", "gameday: 1\n");
  for (const std::string seed :
       {"1.5", "1e3", "-1", "+1", "010", "0x10", " 1", "many", "99999999999999999999"}) {
    for (const auto& words : {std::vector<std::string>{"--seed", seed}, {"--seed=" + seed}}) {
      std::vector<std::string> arguments = {"rehearse", "p.yaml"};
      arguments.insert(arguments.end(), words.begin(), words.end());
      const Ran ran = run(arguments);
      EXPECT_EQ(ran.code, 2) << seed;
      EXPECT_TRUE(ran.err.starts_with("gameday: error: --seed wants a whole number from 0, not `" +
                                      seed + "`\n"))
          << ran.err;
    }
  }
  EXPECT_TRUE(run({"rehearse", "p.yaml", "--seed", "0"}).err.starts_with("p.yaml:"));
}

TEST_F(CommandLine, WrongUsageIsExitCodeTwoAndTouchesNothing) {
  const std::vector<std::string> bad[] = {
      {},
      {"run"},
      {"check"},
      {"show"},
      {"report"},
      {"verify"},
      {"show", "a", "b"},
      {"run", "p.yaml", "--seed", "-1"},
      {"run", "p.yaml", "--seed", "many"},
      {"list", "--store"},
      {"list", "--store", "a", "--store", "b"},
      {"check", "p.yaml", "--var", "novalue"},
      {"proxy", "--name", "x"},
      {"explain", "nothing-like-it"},
  };
  for (const auto& arguments : bad) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 2) << (arguments.empty() ? "" : arguments.front());
    EXPECT_NE(ran.err.find("gameday: error: "), std::string::npos) << ran.err;
    EXPECT_EQ(ran.out, "");
  }
  EXPECT_FALSE(Files().exists(file("state")));
}

TEST_F(CommandLine, OptionsMayStandBeforeWhatTheyAreFor) {
  const std::string store = file("none.db");
  const std::pair<std::vector<std::string>, std::string> lines[] = {
      {{"run", "--out", "o", "missing.yaml"}, "missing.yaml"},
      {{"run", "--store", store, "--seed", "1", "missing.yaml"}, "missing.yaml"},
      {{"plan", "--var", "a=b", "missing.yaml"}, "missing.yaml"},
      {{"check", "--var", "a=b", "missing.yaml"}, "missing.yaml"},
      {{"rehearse", "--seed", "1", "--out", "o", "missing.yaml"}, "missing.yaml"},
      {{"show", "--store", store, "01J"}, "none.db"},
      {{"report", "--store", store, "--format", "html", "01J"}, "none.db"},
      {{"revert", "--store", store, "01J"}, "none.db"},
      {{"verify", "--head", "sha256:" + std::string(64, '0'), "no-folder"}, "no store"},
  };
  for (const auto& [arguments, named] : lines) {
    const Ran ran = run(arguments);
    EXPECT_NE(ran.code, 0) << arguments.front();
    EXPECT_NE(ran.err.find(named), std::string::npos) << arguments.front() << ": " << ran.err;
    EXPECT_EQ(ran.err.find("At Most"), std::string::npos) << ran.err;
  }
}

TEST_F(CommandLine, ARunThatIsNotUnderstoodIsADocumentTooWhereOneIsWanted) {
  write("p.yaml", "gameday: 1\n");
  const std::pair<std::vector<std::string>, std::string> bad[] = {
      {{"run", "--json"}, "PLAYBOOK is required"},
      {{"run", "p.yaml", "--json", "--ot=x"}, "--ot"},
      {{"run", "p.yaml", "--seed", "many", "--json"}, "many"},
      {{"run", "p.yaml", "--json", "--var", "novalue"}, "novalue"},
  };
  for (const auto& [arguments, reason] : bad) {
    const Ran ran = run(arguments);
    const Json result = document(ran);
    EXPECT_EQ(ran.code, 2) << ran.out;
    EXPECT_EQ(result.text("verdict"), "invalid");
    EXPECT_EQ(result.integer("exit_code", 0), 2);
    ASSERT_EQ(result.items("reasons").size(), 1u) << ran.out;
    EXPECT_TRUE(result.items("reasons").front().text("text").contains(reason)) << ran.out;
    EXPECT_NE(ran.err.find("gameday: error: "), std::string::npos) << ran.err;
  }
  EXPECT_EQ(run({"run"}).out, "");
  EXPECT_FALSE(Files().exists(file("state")));
}

TEST_F(CommandLine, VersionIsOneLineWithTheCommit) {
  const Ran ran = run({"--version"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 1);
  EXPECT_TRUE(ran.out.starts_with("gameday "));
  if (!std::filesystem::exists(GAMEDAY_SOURCE_DIR "/.git")) return;
  Ran head = run_program({"git", "-C", GAMEDAY_SOURCE_DIR, "rev-parse", "--short=7", "HEAD"});
  if (head.code != 0) return;
  EXPECT_NE(ran.out.find("(commit "), std::string::npos) << ran.out;
}

TEST_F(CommandLine, ExplainKnowsEveryRow) {
  const Rows rows = all_rows();
  std::vector<std::string> names;
  for (const auto* row : rows.faults) names.emplace_back(row->name);
  for (const auto* row : rows.probes) names.emplace_back(row->name);
  for (const auto* row : rows.restores) names.emplace_back(row->name);
  for (const auto* row : rows.facets) names.emplace_back(row->name);
  const Ran all = run({"explain"});
  EXPECT_EQ(all.code, 0);
  for (const auto& name : names) {
    const Ran ran = run({"explain", name});
    EXPECT_EQ(ran.code, 0) << name;
    EXPECT_TRUE(ran.out.starts_with(name + " (")) << ran.out;
    EXPECT_NE(all.out.find(name), std::string::npos);
  }
  const Ran near = run({"explain", "lose-dta"});
  EXPECT_EQ(near.code, 2);
  EXPECT_NE(near.err.find("did you mean `lose-data`?"), std::string::npos) << near.err;
}

TEST_F(CommandLine, ExplainKnowsThePartsOfAPlaybook) {
  for (const char* part : {"load", "objectives", "system", "limits", "probes", "timeline"}) {
    const Ran ran = run({"explain", part});
    EXPECT_EQ(ran.code, 0) << part;
    EXPECT_TRUE(ran.out.starts_with(std::string(part) + " (part of a playbook)\n")) << ran.out;
  }
  EXPECT_TRUE(run({"explain", "steady_state"}).out.starts_with("steady_state (step)\n"));
  // Of several, each.
  const std::string timeout = run({"explain", "timeout"}).out;
  EXPECT_TRUE(timeout.contains("load.timeout (") && timeout.contains("probes.timeout ("))
      << timeout;
  EXPECT_TRUE(run({"explain", "system.links"}).out.contains("\n  listen "));
  for (const auto& [slip, meant] :
       {std::pair("objectivs", "objectives"), std::pair("laod", "load"),
        std::pair("limits.targts", "limits.targets"), std::pair("raed_back", "read_back")}) {
    const Ran near = run({"explain", slip});
    EXPECT_EQ(near.code, 2) << slip;
    EXPECT_TRUE(near.err.contains("did you mean `" + std::string(meant) + "`?")) << near.err;
  }
}

TEST_F(CommandLine, ExplainListsByKindAndIsNotTooWide) {
  const std::string all = run({"explain"}).out;
  std::size_t at = 0;
  for (const char* title : {"Faults:\n", "\n\nActions:\n", "\n\nProbes:\n", "\n\nRestores:\n",
                            "\n\nTargets:\n", "\n\nSteps:\n", "\n\nParts of a playbook:\n"}) {
    const auto found = all.find(title, at);
    ASSERT_NE(found, std::string::npos) << title << all;
    at = found;
  }
  EXPECT_LT(all.find("\n  kill "), all.find("Probes:"));
  EXPECT_GT(all.find("\n  tcp "), all.find("Probes:"));
  const auto expect_narrow = [](const std::string& text) {
    bool example = false;
    for (const auto& line : split(text, '\n')) {
      if (!line.starts_with(' ')) example = line.starts_with("Example");
      EXPECT_TRUE(example || line.size() <= 79) << line;
    }
  };
  expect_narrow(all);
  for (const auto* row : all_rows().faults) {
    const std::string text = run({"explain", std::string(row->name)}).out;
    expect_narrow(text);
    // Nothing is lost, and an example stays in one piece.
    EXPECT_TRUE(text.contains("\n  " + std::string(row->example) + "\n")) << text;
    for (const auto& field : row->fields) EXPECT_TRUE(text.contains(field.name)) << text;
  }
}

TEST_F(CommandLine, WithoutAHomeItSaysWhatIsMissing) {
  unsetenv("HOME");
  unsetenv("XDG_STATE_HOME");
  for (const char* command : {"list", "revert"}) {
    const Ran ran = run({command});
    EXPECT_EQ(ran.code, 1) << command;
    EXPECT_NE(ran.err.find("HOME is not set"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("--store FILE"), std::string::npos) << ran.err;
  }
}

TEST_F(CommandLine, AFileThatIsNoStoreIsSaidToBeNone) {
  write("text", "not a database, but long enough to be looked at as one, so it is looked at\n");
  const Ran ran = run({"list", "--store", "text"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("is no gameday store"), std::string::npos) << ran.err;
}

TEST_F(CommandLine, ColoursAreForTerminalsAlone) {
  const auto shown = [this](std::vector<std::string> arguments) {
    const Pty terminal;
    arguments.insert(arguments.begin(), GAMEDAY_BINARY);
    EXPECT_EQ(ended(start(arguments, terminal.name())), 2);
    return terminal.shown();
  };
  setenv("TERM", "xterm-256color", 1);
  EXPECT_NE(shown({"show", "X"}).find("\x1b["), std::string::npos);
  EXPECT_EQ(shown({"show", "X", "--no-color"}).find('\x1b'), std::string::npos);
  EXPECT_EQ(run({"show", "X"}).err.find('\x1b'), std::string::npos);
  setenv("TERM", "dumb", 1);
  EXPECT_EQ(shown({"show", "X"}).find('\x1b'), std::string::npos);
  setenv("TERM", "xterm-256color", 1);
  setenv("NO_COLOR", "1", 1);
  const std::string plain = shown({"show", "X"});
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(plain.find("gameday: error: "), std::string::npos) << plain;
}

}  // namespace
}  // namespace gameday
