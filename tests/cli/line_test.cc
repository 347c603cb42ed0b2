#include "cli/line.h"

#include <gtest/gtest.h>

#include "cli/say.h"

namespace gameday {
namespace {

TerminalTerms narrow(int columns) { return {columns, 24, false, true}; }

TEST(LineText, IsCutWithAMarkBeforeTheLastColumn) {
  EXPECT_EQ(Line(narrow(11)).add("0123456789").text(), "0123456789");
  EXPECT_EQ(Line(narrow(11)).add("0123456789a").text(), "012345678…");
  EXPECT_EQ(Line(narrow(11)).add("01234").add("56789").add("more").text(), "0123456789");
  TerminalTerms plain = narrow(11);
  plain.unicode = false;
  EXPECT_EQ(Line(plain).add("0123456789a").text(), "012345678~");
}

TEST(LineText, WideLettersAndMarksThatCombineTakeTheColumnsTheyTake) {
  EXPECT_EQ(columns_of("abc"), 3);
  EXPECT_EQ(columns_of("数据库"), 6);
  EXPECT_EQ(columns_of("e\u0301"), 1);
  EXPECT_EQ(columns_of("🔥"), 2);
  // A wide letter of which one column would be left over is left out whole.
  EXPECT_EQ(columns_of(Line(narrow(7)).add("数据库存").text()), 5);
  EXPECT_EQ(Line(narrow(40)).field("数据", 6).add("|").text(), "数据  |");
  EXPECT_EQ(Line(narrow(40)).field("abcdef", 4).add("|").text(), "abc…|");
  EXPECT_EQ(Line(narrow(40)).field("abcdef", -3).add("|").text(), "|");
}

TEST(LineText, NothingFromElsewhereMovesTheCursor) {
  const std::string hostile = "a\x1b[2Jb\rc\nd\te\x07\x7f\u009b31m\u202egpj";
  const std::string shown = Line(narrow(60)).add(hostile).text();
  EXPECT_EQ(shown, "a?[2Jb?c d e???31m?gpj");
  TerminalTerms plain = narrow(60);
  plain.unicode = false;
  EXPECT_EQ(Line(plain).add("schön 数").text(), "sch?n ?");
}

TEST(Harmless, KeepsLettersOfAllLanguagesAndTakesWhatCommandsATerminal) {
  EXPECT_EQ(harmless("größer – 数据库 🔥\n\tzwei"), "größer – 数据库 🔥\n\tzwei");
  EXPECT_EQ(harmless("\x1b]0;title\x07"), "?]0;title?");
  EXPECT_EQ(harmless("\u0085\u009d\u200e\u200f\u061c\u2028\u2029\u202a\u202e\u2066\u2069\ufeff"),
            "????????????");
  EXPECT_EQ(harmless("\x9b"
                     "31m"),
            "\ufffd31m");
}

TEST(LineText, OfWhatIsTooWideItsStartOrItsEndIsTaken) {
  EXPECT_EQ(start_of("one two three", 13), "one two three");
  EXPECT_EQ(start_of("one two three", 12), "one two t...");
  EXPECT_EQ(end_of("one two three", 13), "one two three");
  EXPECT_EQ(end_of("one two three", 12), "...two three");
  EXPECT_EQ(start_of("数据库数据库", 9), "数据库...");
  EXPECT_EQ(end_of("数据库数据库", 9), "...数据库");
  EXPECT_EQ(start_of("abcd", 2), "...");
}

TEST(LineText, ColoursAreLeftOutWhereThereAreNone) {
  TerminalTerms coloured = narrow(40);
  coloured.colour = true;
  EXPECT_EQ(Line(coloured).add("bad", Ink::bad).text(), "\x1b[1;31mbad\x1b[0m");
  EXPECT_EQ(Line(narrow(40)).add("bad", Ink::bad).text(), "bad");
}

TEST(Sparklines, ShowTheLowTheHighAndTheGaps) {
  EXPECT_EQ(sparkline({0, 0.5, 1, -1, 2}, 0, 1, true), "▁▅█ █");
  EXPECT_EQ(sparkline({0, 0.5, 1, -1}, 0, 1, false), "_=# ");
  EXPECT_EQ(sparkline({3, 3}, 3, 3, true), "▁▁");
  EXPECT_EQ(bar(0.5, 4, true), "██░░");
  EXPECT_EQ(bar(7, 4, false), "####");
  EXPECT_EQ(bar(-1, 4, false), "....");
}

}  // namespace
}  // namespace gameday
