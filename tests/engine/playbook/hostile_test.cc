// What an attacker or a broken editor could hand in: refused with a place, soon and in little
// memory.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

struct Hostile {
  const char* name;
  std::string source;
  std::string told;  // its first problem
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string alias_bomb() {
  std::string source = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    source += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
              repeated(before + ",", 9) + before + "]\n";
  }
  return source;
}

const Hostile kHostile[] = {
    {"Empty", "", "1:1: error: nothing is written here"},
    {"OnlyAComment", "# nothing\n", "1:1: error: nothing is written here"},
    {"AListAtTheTop", "- a\n", "1:1: error: a playbook: expected a mapping, not a list"},
    {"AnAliasBomb", alias_bomb(),
     "5:38: error: too much: a playbook has at most 100000 values, aliases expanded"},
    {"ABombOfText", "a: &a " + std::string(900'000, 'x') + "\nb: [" + repeated("*a,", 100) + "]\n",
     "2:56: error: too much: a playbook has at most 100000 values, aliases expanded"},
    {"AnAliasInsideItself", "a: &a [*a]\n", "1:8: error: an alias inside of what it stands for"},
    {"AnUnknownAlias", "a: *b\n", "1:4: error: not YAML: the referenced anchor is not defined"},
    {"ListsInLists", "a: " + repeated("[", 100) + repeated("]", 100) + "\n",
     "1:35: error: nested more than 32 levels deep"},
    {"MappingsInMappings", repeated("{a: ", 100) + "b" + repeated("}", 100),
     "1:126: error: nested more than 32 levels deep"},
    {"AMebibyteOfBrackets", std::string(1 << 20, '['),
     "1:17: error: nested more than 32 levels deep"},
    {"BlocksInBlocks", repeated("- ", 10'000), "1:65: error: nested more than 32 levels deep"},
    {"TooManyKeys",
     [] {
       std::string source;
       for (int i = 0; i < 5000; ++i) source += "k" + std::to_string(i) + ": 1\n";
       return source;
     }(),
     "1001:1: error: a mapping with more than 1000 keys"},
    {"LargerThanAMebibyte", std::string((1 << 20) + 1, ' '),
     "1:1: error: larger than 1048576 bytes"},
    {"ANulByte", std::string("a: b\nc: \0d\n", 11), "2:4: error: a NUL byte"},
    {"ANulByEscape", "a: \"b\\0\"\n", "1:4: error: a NUL character"},
    {"BytesThatAreNotUtf8", "a: b\nc: \xff\xfe\n", "2:4: error: a byte that is not UTF-8"},
    {"ALoneSurrogate", "a: \"\\ud800\"\n", "1:11: error: not YAML: invalid unicode: 55296"},
    {"Utf16",
     std::string("\xff\xfe"
                 "a\0:\0",
                 6),
     "1:4: error: a NUL byte"},
    {"ATabBeforeAKey", "limits:\n\ttargets: 2\n",
     "2:1: error: a tab in the indentation; use spaces"},
    {"ATabAfterSpaces", "a:\n  b: 1\n \tc: 2\n",
     "3:2: error: a tab in the indentation; use spaces"},
    {"DuplicateKeys", "a: 1\nb: 2\na: 3\n", "3:1: error: duplicate key `a`, first on line 1"},
    {"DuplicateKeysDeepDown", "a: { b: [ { c: 1, c: 2 } ] }\n",
     "1:19: error: duplicate key `c`, first on line 1"},
    {"AKeyThatIsAList", "? [a]\n: b\n", "1:3: error: a key must be a plain word"},
    {"AKeyThatIsNothing", "~: b\n", "1:1: error: a key must be a plain word"},
    {"ASecondDocument", "a: 1\n---\nb: 2\n",
     "2:1: error: a second document; a playbook is one document"},
    {"ATag", "a: !!python/object x\n", "1:4: error: tags are not supported"},
    {"AnOpenQuote", "a: 'b\n", "1:4: error: a quote that is never closed"},
    {"AnOpenDoubleQuote", "a: \"b\\\"\nc: d\n", "1:4: error: a quote that is never closed"},
    {"AnOpenList", "a: [1\nb: 2\n", "2:2: error: not YAML: end of sequence flow not found"},
    {"AMergeKey", "<<: { a: 1 }\n",
     "1:1: error: unknown key `<<` in playbook; known are: gameday, name, summary, owner, "
     "environment, window, cadence, controls, not_applicable, vars, objectives, system, limits, "
     "load, "
     "probes, timeline"},
};

class HostilePlaybook : public testing::TestWithParam<Hostile> {};

TEST_P(HostilePlaybook, IsRefusedWithItsPlace) {
  const auto told = told_of(GetParam().source);
  ASSERT_FALSE(told.empty());
  bool found = false;
  for (const auto& line : told) found = found || line == GetParam().told;
  EXPECT_TRUE(found) << "told first: " << told.front();
}

INSTANTIATE_TEST_SUITE_P(Playbook, HostilePlaybook, testing::ValuesIn(kHostile),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(HostileFile, OfAHundredMegabytesIsNotReadToItsEnd) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("playbook-" + std::to_string(getpid()) + ".yaml");
  {
    std::ofstream(path) << "gameday: 1\n";
  }
  std::filesystem::resize_file(path, 100'000'000);
  const auto loaded = load_playbook(path.string(), {}, test_rows::kRows);
  std::filesystem::remove(path);
  EXPECT_FALSE(loaded.playbook);
  EXPECT_EQ(loaded.problems.sorted().at(0).text, path.string() + " is larger than 1048576 bytes");
  EXPECT_TRUE(loaded.source.empty());
}

// No cut and no changed byte of a good playbook may end in anything but values.
TEST(HostilePlaybooks, EveryCutOfAGoodOneEndsInAnAnswer) {
  const std::string whole(kDesignPlaybook);
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    EXPECT_NO_THROW((void)told_of(whole.substr(0, length))) << length;
  }
}

TEST(HostilePlaybooks, EveryOddByteInAGoodOneEndsInAnAnswer) {
  const std::string whole(kDesignPlaybook);
  const std::string odd("\0\"'{}[]:#&*!|>%@`~\t\n\xff", 21);
  for (std::size_t at = 0; at < whole.size(); at += 5) {
    auto source = whole;
    source[at] = odd[at % odd.size()];
    EXPECT_NO_THROW((void)told_of(source)) << at;
  }
}

}  // namespace
}  // namespace gameday
