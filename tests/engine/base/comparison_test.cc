#include "engine/base/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gameday {
namespace {

bool holds(std::string_view written, std::string_view seen) {
  const auto comparison = parse_comparison(written);
  EXPECT_TRUE(comparison) << written;
  return comparison && comparison->holds(seen);
}

TEST(Comparisons, OfNumbersAreByValue) {
  EXPECT_TRUE(holds("5", "5.0"));
  EXPECT_TRUE(holds("== 5", "5e0"));
  EXPECT_FALSE(holds("!= 5", "5.0"));
  EXPECT_TRUE(holds("> 5", "5.01"));
  EXPECT_FALSE(holds("> 5", "5"));
  EXPECT_TRUE(holds(">=5", "5"));
  EXPECT_TRUE(holds("<= -1", "-1"));
  EXPECT_FALSE(holds("< -1", "-1"));
  EXPECT_TRUE(holds(">= 99.5%", "0.995"));
  EXPECT_TRUE(holds("< 50%", "49%"));
}

TEST(Comparisons, OfTextsKnowOnlyEqualAndUnequal) {
  EXPECT_TRUE(holds("idle", "idle"));
  EXPECT_FALSE(holds("idle", "Idle"));
  EXPECT_TRUE(holds("!= idle", "busy"));
  EXPECT_FALSE(holds("!= idle", "idle"));
  EXPECT_FALSE(holds("> 5", "many"));
  EXPECT_FALSE(holds("<= 5", ""));
  EXPECT_TRUE(holds("!= 5", ""));
}

TEST(Comparisons, WhatIsNoNumberIsNeitherMoreNorLess) {
  const auto comparison = parse_comparison("> 5").value();
  EXPECT_FALSE(comparison.holds(std::nan("")));
  EXPECT_FALSE(parse_comparison("< 5")->holds(std::nan("")));
  EXPECT_FALSE(holds("< 5", "nan"));
  EXPECT_FALSE(holds("> 5", "inf"));
  EXPECT_TRUE(comparison.holds(6.0));
}

TEST(Comparisons, ThatSayNothingAreRefused) {
  for (const char* written : {"", "  ", ">", ">= ", "> many", "<= 5 %"}) {
    EXPECT_FALSE(parse_comparison(written)) << written;
  }
}

}  // namespace
}  // namespace gameday
