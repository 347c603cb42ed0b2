#include "engine/playbook/data_table.h"

#include <gtest/gtest.h>

#include "engine/base/digest.h"

namespace gameday {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string wrong(const std::string& bytes) {
  const auto table = parse_data(bytes);
  return table ? "" : table.error().text;
}

TEST(DataTable, IsReadAsItIsWritten) {
  const std::string bytes = "user,pass\r\nann,\"a,b\"\r\nbob,\"say \"\"hi\"\"\"\r\n";
  const auto table = parse_data(bytes);
  ASSERT_TRUE(table) << table.error().text;
  EXPECT_EQ(table->columns, (std::vector<std::string>{"user", "pass"}));
  EXPECT_EQ(table->rows, (Rows{{"ann", "a,b"}, {"bob", "say \"hi\""}}));
  EXPECT_EQ(table->sha256, sha256(bytes));
  EXPECT_EQ(table->column("pass"), 1U);
  EXPECT_FALSE(table->column("Pass"));
}

TEST(DataTable, MayHaveAMarkInFrontAndNoLineFeedAtItsEnd) {
  const auto table = parse_data("\xef\xbb\xbfid,b\n1,\n,2");
  ASSERT_TRUE(table) << table.error().text;
  EXPECT_EQ(table->columns.front(), "id");
  EXPECT_EQ(table->rows, (Rows{{"1", ""}, {"", "2"}}));
  EXPECT_EQ(parse_data("a,b\n1,2\n\n")->rows.size(), 1U);
}

TEST(DataTable, WhatIsWrongIsToldWithItsLine) {
  EXPECT_EQ(wrong(""), "it is empty");
  EXPECT_EQ(wrong("a,b\n"), "it has no line below its columns");
  EXPECT_EQ(wrong("a,\n1,2\n"), "line 1: a column without a name");
  EXPECT_EQ(wrong("a,a\n1,2\n"), "line 1: two columns of one name");
  EXPECT_EQ(wrong("a,b\n1,2\n1\n"), "line 3: 1 values, and there are 2 columns");
  EXPECT_EQ(wrong("a,b\n1,2,3\n"), "line 2: 3 values, and there are 2 columns");
  EXPECT_EQ(wrong("a,b\n\n1,2\n"), "line 2: 1 values, and there are 2 columns");
  EXPECT_EQ(wrong("a\n\"1\n"), "line 2: a quote that is not closed");
  EXPECT_EQ(wrong("a\n\"1\"2\n"), "line 2: text behind a closing quote");
  EXPECT_EQ(wrong("a\n1\"2\n"), "line 2: a quote inside of a value without quotes around it");
  for (const std::string value : {"\"x\ny\"", "x\ty", "x\rz", "\xff"}) {
    EXPECT_EQ(wrong("a\n" + value + "\n"),
              "line 2: a value with a line break, a control character or what is no UTF-8");
  }
}

TEST(DataTable, AFileThatIsTooLargeOrNotThereIsNone) {
  EXPECT_FALSE(read_data("/nowhere/users.csv", "users.csv"));
}

}  // namespace
}  // namespace gameday
