#include "engine/base/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gameday {
namespace {

bool holds(std::string_view written, const Json& seen) {
  const auto comparison = parse_comparison(written);
  EXPECT_TRUE(comparison) << written;
  return comparison && comparison->holds(seen);
}

TEST(Comparisons, OfNumbersAreByValue) {
  for (const auto& [written, less, equal, more] :
       {std::tuple("== 5", false, true, false), std::tuple("!= 5", true, false, true),
        std::tuple("< 5", true, false, false), std::tuple("<= 5", true, true, false),
        std::tuple("> 5", false, false, true), std::tuple(">=5", false, true, true),
        std::tuple("5e0", false, true, false)}) {
    EXPECT_EQ(holds(written, 4), less) << written;
    EXPECT_EQ(holds(written, 5.0), equal) << written;
    EXPECT_EQ(holds(written, 6), more) << written;
  }
  EXPECT_TRUE(holds("<= -1", -1));
  EXPECT_FALSE(holds("< -1", -1));
  EXPECT_FALSE(holds("== up", 5));
}

TEST(Comparisons, KnowTheUnitsOfWhatIsWritten) {
  EXPECT_TRUE(holds(">= 99.5%", 0.995));
  EXPECT_FALSE(holds(">= 99.5%", 0.9949));
  EXPECT_TRUE(holds("<= 150%", 1.5));
  EXPECT_TRUE(holds("< 2m", 119));
  EXPECT_FALSE(holds("< 2m", 120));
  EXPECT_TRUE(holds("> 1KiB", 1025));
  EXPECT_FALSE(holds("> 1KiB", 1024));
  EXPECT_TRUE(holds("> 30/m", 0.6));
  EXPECT_FALSE(holds("> 30/m", 0.5));
}

TEST(Comparisons, OfTextsAreLetterByLetter) {
  EXPECT_TRUE(holds("idle", "idle"));
  EXPECT_FALSE(holds("idle", "Idle"));
  EXPECT_TRUE(holds("!= idle", "busy"));
  EXPECT_FALSE(holds("!= idle", "idle"));
  EXPECT_TRUE(holds("== up and running", "up and running"));
  EXPECT_TRUE(holds("!= 5", ""));
  EXPECT_TRUE(holds("5", "5"));
  EXPECT_FALSE(holds("1.10", "1.1")) << "two versions";
  EXPECT_FALSE(holds("!= 1.10", "1.1")) << "one number";
  EXPECT_FALSE(holds("!= 0", "0.0"));
  EXPECT_TRUE(holds("!= 0", "0.1"));
  EXPECT_TRUE(holds("true", true));
  EXPECT_FALSE(holds("true", false));
  EXPECT_TRUE(holds("null", Json()));
  EXPECT_FALSE(holds("!= null", Json()));
}

TEST(Comparisons, ANumberInATextIsMoreOrLess) {
  EXPECT_TRUE(holds("> 5", "5.01"));
  EXPECT_FALSE(holds("> 5", "5"));
  EXPECT_TRUE(holds("< 50%", "49%"));
  for (const auto& seen : {Json("many"), Json("6 rows"), Json(""), Json(), Json(true)}) {
    EXPECT_FALSE(holds("> 0", seen)) << seen.dump();
    EXPECT_FALSE(holds("<= 5", seen)) << seen.dump();
  }
}

TEST(Comparisons, WhatIsNoNumberIsNeitherMoreNorLessNorDifferent) {
  for (const char* written : {"< 5", "> 5", "== 5", "!= 5"}) {
    EXPECT_FALSE(parse_comparison(written)->holds(std::nan(""))) << written;
    EXPECT_FALSE(holds(written, "nan")) << written;
  }
  EXPECT_FALSE(holds("> 5", "inf"));
  EXPECT_FALSE(parse_comparison("!= up")->holds(5.0));
  EXPECT_TRUE(parse_comparison("> 5")->holds(6.0));
}

TEST(Comparisons, ThatSayNothingAreRefused) {
  for (const char* written : {"", "  ", ">", ">= ", "> many", "<= 5 %", "<= 5x", "< nan"}) {
    EXPECT_FALSE(parse_comparison(written)) << written;
  }
}

// Whoever writes it means eight, ten or a text; which of them, nobody can tell.
TEST(Comparisons, WithAZeroInFrontAreNoNumbers) {
  for (const char* written : {"== 010", "!= 010", "< 010", ">= -010", "> 010%", "< 010s", "> 00.5m",
                              "<= 01KiB", "== 030/m", "< 00"}) {
    EXPECT_FALSE(parse_comparison(written)) << written;
  }
  EXPECT_FALSE(holds("010", 10));
  EXPECT_TRUE(holds("010", "010"));
  EXPECT_FALSE(holds("010", "10"));
  for (const char* written : {"> 0", "== 0", "< 0.5", "> -0.5", "== 0%", "!= 0s", "== 01J2",
                              "!= 0x1f", "== 01.02.2026"}) {
    EXPECT_TRUE(parse_comparison(written)) << written;
  }
}

TEST(Comparisons, AreMadeOfAnyPlainValue) {
  EXPECT_TRUE(comparison_of(5)->holds(Json(5)));
  EXPECT_TRUE(comparison_of(true)->holds(Json(true)));
  EXPECT_TRUE(comparison_of("> 5")->holds(Json(6)));
  EXPECT_TRUE(comparison_of(Json())->holds(Json()));
  EXPECT_TRUE(comparison_of("")->holds(Json("")));
  EXPECT_FALSE(comparison_of("")->holds(Json("x")));
  EXPECT_FALSE(comparison_of(Json::array()));
  EXPECT_FALSE(comparison_of(Json::object()));
  EXPECT_EQ(comparison_of("up")->shown(), "== up");
  EXPECT_EQ(comparison_of(">5")->shown(), "> 5");
}

}  // namespace
}  // namespace gameday
