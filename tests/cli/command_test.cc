// The command line itself: help, misspelt words, and the commands that need no store.
#include "cli/command.h"

#include <algorithm>

#include "all_rows.h"
#include "tests/cli/cli_fixture.h"

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

// What a person at a terminal would see on standard error.
class Terminal {
 public:
  Terminal() : main_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(grantpt(main_), 0);
    EXPECT_EQ(unlockpt(main_), 0);
    char name[128];
    EXPECT_EQ(ptsname_r(main_, name, sizeof name), 0);
    name_ = name;
    other_ = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  ~Terminal() {
    close(other_);
    close(main_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string shown() const {
    fcntl(main_, F_SETFL, O_NONBLOCK);
    char block[4096];
    const ssize_t got = ::read(main_, block, sizeof block);
    return got > 0 ? std::string(block, static_cast<std::size_t>(got)) : "";
  }

 private:
  int main_, other_;
  std::string name_;
};

TEST_F(CommandLine, ColoursAreForTerminalsAlone) {
  const auto shown = [this](std::vector<std::string> arguments) {
    const Terminal terminal;
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
