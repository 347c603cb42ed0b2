#include "engine/base/json.h"

#include <gtest/gtest.h>

#include "engine/base/assert.h"

namespace gameday {
namespace {

TEST(Json, KeepsMembersInOrderAndReadsBackEqual) {
  const std::string line =
      R"({"z":1,"a":[true,null,-0.5,"\u0007 \"x\" \\"],"m":{"k":1e+300},"whole":2.0})";
  const auto parsed = Json::parse(line);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dump(), line);
}

TEST(Json, AMeasuredWholeNumberStaysADouble) {
  EXPECT_EQ(Json(2.0).dump(), "2.0");
  EXPECT_EQ(Json(2).dump(), "2");
}

TEST(Json, RefusesMembersThatStandTwice) {
  const auto parsed = Json::parse(R"({"a":1,"a":2})");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().text, "member \"a\" stands twice");
}

// A peer's answer that would be looked through for hours, were each name compared with all others.
TEST(Json, ManyMembersAreReadInNoTimeAndOneThatStandsTwiceIsFound) {
  constexpr int kMany = 300'000;
  std::string text = "{";
  for (int i = 0; i < kMany; ++i) text += "\"" + std::to_string(i) + "\":0,";
  const auto many = Json::parse(text + "\"last\":0}");
  ASSERT_TRUE(many);
  EXPECT_EQ(many->members().size(), kMany + 1U);
  const auto twice = Json::parse(text + "\"299990\":0}");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().text, "member \"299990\" stands twice");
}

TEST(Json, RefusesDeepNestingAndTrailingText) {
  EXPECT_FALSE(Json::parse(std::string(65, '[') + std::string(65, ']')));
  EXPECT_TRUE(Json::parse(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(Json::parse("1 2"));
  EXPECT_FALSE(Json::parse(""));
}

TEST(Json, TextThatIsNotUtf8IsReplaced) {
  EXPECT_EQ(Json(std::string("a\xff\x62")).dump(),
            "\"a\xef\xbf\xbd"
            "b\"");
}

TEST(Json, PointersReachIntoObjectsAndArrays) {
  const auto value = Json::parse(R"({"a/b":[10,{"~":20}]})");
  ASSERT_TRUE(value);
  ASSERT_NE(value->at_pointer("/a~1b/1/~0"), nullptr);
  EXPECT_EQ(value->at_pointer("/a~1b/1/~0")->integer(), 20);
  EXPECT_EQ(value->at_pointer("/a~1b/2"), nullptr);
  EXPECT_EQ(value->at_pointer("a"), nullptr);
  EXPECT_EQ(value->at_pointer(""), &*value);
}

TEST(Json, AskingForTheWrongTypeIsADefect) {
  EXPECT_THROW((void)Json("x").integer(), Defect);
  EXPECT_EQ(Json("x").integer("any", 7), 7);
}

}  // namespace
}  // namespace gameday
