#include "engine/playbook/vars.h"

#include <gtest/gtest.h>

#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

using Told = std::vector<std::string>;

Playbook decoded(const std::string& source, const Vars& vars = {}) {
  auto loaded = decode_playbook("/drills/p.yaml", source, vars, test_rows::kRows);
  EXPECT_TRUE(loaded.playbook) << rendered("p.yaml", source, loaded.problems);
  return loaded.playbook ? *loaded.playbook : Playbook{};
}

TEST(Variables, AreKeptInThePlaybookAndSecretsStayReferences) {
  const auto source = edited_design("owner: payments-sre", "owner: ${team}-${env:TEAM}-${file:t}");
  const auto playbook = decoded(source, {{"team", "a"}});
  EXPECT_EQ(playbook.owner, "a-${env:TEAM}-${file:/drills/t}");
  EXPECT_EQ(playbook.vars, (Vars{{"team", "a"}}));
}

TEST(Variables, ThatAreMisspeltOrUnusedAreTold) {
  const auto source = edited_design("owner: payments-sre", "owner: ${taem}");
  EXPECT_EQ(told_of(source, {{"team", "a"}}),
            (Told{"1:1: warning: variable `team` is not used by this playbook",
                  "5:8: error: unknown variable `${taem}`; did you mean `team`?"}));
}

TEST(Variables, HaveDefaultsThatTheCommandLineReplaces) {
  const auto source = edited_design("owner: payments-sre",
                                    "vars: { team: a, key: '${file:t}' }\nowner: ${team}-${key}");
  EXPECT_EQ(decoded(source).owner, "a-${file:/drills/t}");
  const auto playbook = decoded(source, {{"team", "b"}});
  EXPECT_EQ(playbook.owner, "b-${file:/drills/t}");
  EXPECT_EQ(playbook.vars, (Vars{{"team", "b"}, {"key", "${file:/drills/t}"}}));
}

TEST(Variables, HaveDefaultsThatArePlainTexts) {
  const auto told = [](const std::string& vars) {
    return told_of(edited_design("owner: payments-sre", "vars: " + vars + "\nowner: me"));
  };
  EXPECT_EQ(told("5"),
            (Told{"5:1: error: `vars` is a mapping of names to their defaults, not `5`"}));
  EXPECT_EQ(told("{ a-b: 5 }"),
            (Told{"5:9: error: `a-b` is no name of a variable: letters, digits and `_`"}));
  EXPECT_EQ(told("{ a: [5] }"),
            (Told{"5:9: error: the default of variable `a` is a text, not a list"}));
  EXPECT_EQ(told("{ a: '${b}' }").front(),
            "1:1: warning: variable `a` is not used by this playbook");
  EXPECT_EQ(told("{ a: '${b}' }").back(),
            "5:12: error: unknown variable `${b}`; give it with --var b=VALUE");
}

TEST(Variables, AreParsedFromACommandLine) {
  EXPECT_EQ(*parse_var("a_1=b=c"), (std::pair<std::string, std::string>("a_1", "b=c")));
  for (const char* bad : {"", "a", "=b", "1a=b", "a-b=c", "env:A=b"}) {
    EXPECT_FALSE(parse_var(bad)) << bad;
  }
}

}  // namespace
}  // namespace gameday
