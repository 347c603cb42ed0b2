// What help, man pages and completions are made of: all of it from the rows.
#include "cli/manual.h"

#include <algorithm>

#include "all_rows.h"
#include "engine/base/text.h"
#include "tests/cli/cli_fixture.h"

namespace gameday {
namespace {

class Manual : public CliTest {
 protected:
  // Answers of `__complete`: the line about files, then words with what they are.
  [[nodiscard]] std::vector<std::string> completed(std::vector<std::string> words) const {
    words.insert(words.begin(), "__complete");
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
    auto lines = split(ran.out, '\n');
    lines.pop_back();
    return lines;
  }
  // Without what they are.
  [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& of) const {
    std::vector<std::string> found;
    for (const auto& line : completed(of)) found.push_back(line.substr(0, line.find('\t')));
    return found;
  }
};

using Words = std::vector<std::string>;

TEST_F(Manual, HelpNamesEachCommandOnceInItsGroupInTheOrderOfADrill) {
  const Ran ran = run({"help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "");
  std::size_t last = 0;
  for (const Group group : kGroups) {
    const auto at = ran.out.find("\n" + std::string(title_of(group)) + ":\n");
    ASSERT_NE(at, std::string::npos) << title_of(group);
    EXPECT_GT(at, last);
    last = at;
  }
  for (const auto* row : all_commands()) {
    const std::string line = "\n  " + std::string(row->name) + " ";
    const auto at = ran.out.find(line);
    ASSERT_NE(at, std::string::npos) << row->name;
    EXPECT_EQ(ran.out.find(line, at + 1), std::string::npos) << row->name;
    EXPECT_GT(at, ran.out.find("\n" + std::string(title_of(row->group)) + ":\n")) << row->name;
  }
  EXPECT_EQ(run({"--help"}).out, ran.out);
}

TEST_F(Manual, HelpOfACommandIsTheSameByEitherNameAndFitsAPage) {
  for (const auto* row : all_commands()) {
    const std::string name(row->name);
    const Ran help = run({"help", name});
    EXPECT_EQ(help.code, 0);
    EXPECT_EQ(help.out, run({name, "--help"}).out);
    EXPECT_NE(help.out.find("Usage: gameday " + name), std::string::npos);
    EXPECT_NE(help.out.find("Exit codes:\n  0 "), std::string::npos) << name;
    for (const auto& line : split(help.out, '\n')) {
      EXPECT_TRUE(line.size() < 80 || line.contains(row->example)) << line;
    }
  }
}

TEST_F(Manual, LongTextsAreBrokenBetweenWords) {
  EXPECT_EQ(wrapped("one two three", 2, 7), "one two\n  three");
  EXPECT_EQ(wrapped("unbreakable-word more", 1, 5), "unbreakable-word\n more");
  EXPECT_EQ(wrapped("", 4, 10), "");
}

// Whatever roff finds wrong with a page, it says on standard error.
TEST_F(Manual, EachManPageIsCleanRoffWithAllThatTheRowSays) {
  const auto shown = [this](const std::string& page) {
    write("page.1", page);
    const Ran ran =
        run_program({"groff", "-man", "-ww", "-Tascii", "-P-cbou", "-rHY=0", file("page.1")});
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err, "") << page;
    // As words: where a line ends, and how it is filled, is roff's business.
    std::string out;
    for (const char c : ran.out) {
      const bool blank = c == ' ' || c == '\n';
      if (!blank || (!out.empty() && out.back() != ' ')) out += blank ? ' ' : c;
    }
    return out;
  };
  for (const auto* row : all_commands()) {
    const Ran page = run({"man", std::string(row->name)});
    EXPECT_EQ(page.code, 0);
    const std::string text = shown(page.out);
    for (const char* name : {"NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "EXAMPLES"}) {
      EXPECT_NE(text.find(name), std::string::npos) << row->name << " " << name;
    }
    for (const auto& option : options_of(*row)) {
      EXPECT_NE(text.find("--" + std::string(option.name)), std::string::npos) << row->name;
    }
    EXPECT_NE(text.find(row->example), std::string::npos) << text;
  }
  const std::string whole = shown(run({"man"}).out);
  for (const auto* row : all_commands()) {
    EXPECT_NE(whole.find("gameday-" + std::string(row->name) + "(1)"), std::string::npos);
  }
  for (const char* text : {"FILES", "ENVIRONMENT", "NO_COLOR", "gameday.db", "EXIT STATUS",
                           "residue: something could not be undone"}) {
    EXPECT_NE(whole.find(text), std::string::npos) << text;
  }
}

TEST_F(Manual, RoffThatIsNotCleanIsFoundOut) {
  write("page.1", ".TH x 1\n.SH NAME\nx\n.XY what\n");
  EXPECT_NE(run_program({"groff", "-man", "-ww", "-Tascii", file("page.1")}).err, "");
}

TEST_F(Manual, CommandsAndOptionsAreCompleted) {
  EXPECT_EQ(words({"rev"}), (Words{":none", "revert"}));
  EXPECT_EQ(words({""}).size(), all_commands().size() + 1);
  EXPECT_EQ(words({"revert", "--disc"}), (Words{":none", "--discover"}));
  EXPECT_EQ(words({"nothing-like-it", ""}), (Words{":none"}));
  for (const auto* row : all_commands()) {
    EXPECT_EQ(words({std::string(row->name), "--"}).size(), options_of(*row).size() + 1);
  }
  EXPECT_TRUE(completed({"ru"})[1].starts_with("run\tRuns the drill"));
}

TEST_F(Manual, FilesAreLeftToTheShellByTheirKind) {
  EXPECT_EQ(words({"run", ""}), (Words{":playbooks"}));
  EXPECT_EQ(words({"run", "p.yaml", "--out", ""}), (Words{":folders"}));
  EXPECT_EQ(words({"run", "p.yaml", "--store", ""}), (Words{":files"}));
  EXPECT_EQ(words({"run", "p.yaml", "--seed", ""}), (Words{":none"}));
  EXPECT_EQ(words({"verify", ""}), (Words{":folders"}));
}

TEST_F(Manual, NamesToExplainAndShellsAreCompleted) {
  EXPECT_EQ(words({"explain", "corr"}),
            (Words{":none", "corrupt-data", "corrupt-data-s3", "corrupt-page"}));
  const auto all = words({"explain", ""});
  for (const auto* row : all_rows().probes) {
    EXPECT_NE(std::ranges::find(all, row->name), all.end()) << row->name;
  }
  for (const char* name : {"command", "steady_state", "objectives", "load"}) {
    EXPECT_NE(std::ranges::find(all, name), all.end()) << name;
  }
  EXPECT_EQ(words({"completion", ""}), (Words{":none", "bash", "zsh", "fish"}));
  EXPECT_EQ(words({"help", "ver"}), (Words{":none", "verify"}));
}

TEST_F(Manual, DrillsAreCompletedNewestFirstAndWithoutAStoreNoneAndNoneIsMade) {
  EXPECT_EQ(words({"show", ""}), (Words{":none"}));
  EXPECT_FALSE(Files().exists(store_));
  keep("01AAA", {}, "passed");
  keep("01BBB", {}, "");
  EXPECT_EQ(words({"show", ""}), (Words{":none", "latest", "01BBB", "01AAA"}));
  EXPECT_EQ(completed({"revert", "01A"})[1], "01AAA\tname-of-01AAA, passed, 2026-01-02T03:04");
  EXPECT_EQ(words({"show", "--store", file("other.db"), ""}), (Words{":none"}));
  EXPECT_EQ(words({"show", "--store", store_, "01B"}), (Words{":none", "01BBB"}));
}

TEST_F(Manual, ADrillThatIsCalledLatestIsTheOneThatWasEnteredLast) {
  EXPECT_EQ(run({"revert", "latest"}).code, 2);
  keep("01BBB", {}, "passed");
  keep("01AAA", {}, "passed");
  const SystemClock clock;
  auto store = Store::open(store_, clock);
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->drill("latest")->id, "01AAA");
}

}  // namespace
}  // namespace gameday
