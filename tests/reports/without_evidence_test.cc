#include "reports/without_evidence.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

Json ended(const char* verdict, int exit_code) {
  Json reasons = Json::array();
  reasons.push(Json::object({{"code", exit_code}, {"text", "its own"}}));
  return Json::object({{"drill", "01A"},
                       {"verdict", verdict},
                       {"exit_code", exit_code},
                       {"reasons", std::move(reasons)}});
}

TEST(WithoutEvidence, APassIsInconclusive) {
  const Json result = without_evidence(ended("passed", 0), "01A", "no room");
  EXPECT_EQ(result.text("verdict"), "inconclusive");
  EXPECT_EQ(result.integer("exit_code", 0), 6);
  ASSERT_EQ(result.items("reasons").size(), 2u);
  EXPECT_EQ(result.items("reasons")[0].text("text"), "no room");
  EXPECT_EQ(result.items("reasons")[0].integer("code", 0), 6);
  EXPECT_EQ(result.items("reasons")[1].text("text"), "its own");
}

TEST(WithoutEvidence, WhatIsWorseStaysAndHasTheReasonToo) {
  for (const auto& [verdict, code] : {std::pair("failed", 1), std::pair("not_started", 3),
                                      std::pair("residue", 5), std::pair("defect", 70)}) {
    const Json result = without_evidence(ended(verdict, code), "01A", "no room");
    EXPECT_EQ(result.text("verdict"), verdict);
    EXPECT_EQ(result.integer("exit_code", 0), code);
    EXPECT_EQ(result.items("reasons")[0].text("text"), "no room");
  }
}

}  // namespace
}  // namespace gameday
