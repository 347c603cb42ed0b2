// What a drill needs before it starts in production, and what a window keeps out anywhere.
#include "engine/playbook/production.h"

#include <gtest/gtest.h>

#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

constexpr const char* kDigest = "sha256:1";

Utc at(const char* time) { return parse_rfc3339(time).value(); }

Playbook ready(const std::string& environment) {
  std::string source = edited_design("environment: staging", "environment: " + environment);
  source.insert(source.find("cadence:"),
                "window: { from: \"2026-11-26T20:00:00Z\", to: \"2026-11-26T23:00:00Z\" }\n");
  source.insert(source.find("  - { fault: block"),
                "  - approve: { role: owner, not: operator, within: 5m }\n");
  auto loaded = decode_playbook("/drills/p.yaml", source, {}, test_rows::kRows);
  EXPECT_TRUE(loaded.playbook) << rendered("p.yaml", source, loaded.problems);
  return loaded.playbook ? *loaded.playbook : Playbook{};
}

Consent given(const char* time = "2026-11-26T21:00:00Z") {
  return {"shop-survives-losing-its-store", kDigest, at(time)};
}

TEST(Production, StartsWithAllThatItAsksFor) {
  const auto playbook = ready("production");
  EXPECT_EQ(lacking(playbook, given(), kDigest), std::vector<std::string>{});
  EXPECT_EQ(lacking_for_production(playbook), std::vector<std::string>{});
}

TEST(Production, NamesEachThatIsLacking) {
  auto playbook = ready("production");
  playbook.window.reset();
  std::erase_if(playbook.timeline, [](const Step& step) { return step.kind == StepKind::approve; });
  const auto lacks = lacking(playbook, {"", "", given().now}, kDigest);
  ASSERT_EQ(lacks.size(), 4U);
  EXPECT_EQ(lacks[0], "--confirm shop-survives-losing-its-store");
  EXPECT_TRUE(lacks[1].starts_with("--plan sha256:")) << lacks[1];
  EXPECT_TRUE(lacks[2].contains("window")) << lacks[2];
  EXPECT_TRUE(lacks[3].contains("approve")) << lacks[3];
}

TEST(Production, AnApprovalByTheOperatorOrAfterTheHarmIsNone) {
  auto playbook = ready("production");
  const auto approval = std::ranges::find(playbook.timeline, StepKind::approve, &Step::kind);
  approval->not_operator = false;
  EXPECT_EQ(lacking(playbook, given(), kDigest).size(), 1U);
  approval->not_operator = true;
  std::rotate(approval, approval + 1, playbook.timeline.end());
  EXPECT_EQ(lacking(playbook, given(), kDigest).size(), 1U);
}

TEST(Production, AnotherPlanIsNotTheOneThatWasRead) {
  for (const char* environment : {"production", "staging"}) {
    const auto lacks = lacking(ready(environment), given(), "sha256:2");
    ASSERT_EQ(lacks.size(), 1U) << environment;
    EXPECT_TRUE(lacks[0].contains("sha256:2")) << lacks[0];
  }
}

TEST(Production, AWindowHoldsAnywhereAndLeavesTimeForTheDrill) {
  const auto playbook = ready("staging");
  const Consent none{"", "", at("2026-11-26T21:00:00Z")};
  EXPECT_EQ(lacking(playbook, none, kDigest), std::vector<std::string>{});
  const auto told = [&](const char* time) {
    const auto lacks = lacking(playbook, {"", "", at(time)}, kDigest);
    return lacks.empty() ? "" : lacks[0];
  };
  EXPECT_TRUE(told("2026-11-26T19:59:59Z").contains("begins at 2026-11-26T20:00:00"));
  EXPECT_EQ(told("2026-11-26T22:50:00Z"), "");
  EXPECT_TRUE(told("2026-11-26T22:50:01Z").contains("before `limits.duration` is over"));
  EXPECT_TRUE(told("2026-11-26T23:00:01Z").contains("ends at 2026-11-26T23:00:00"));
}

TEST(Window, IsOfTwoTimesInOrder) {
  const auto told = [](const std::string& window) {
    std::string source = edited_design("cadence: 90d", "cadence: 90d\nwindow: " + window);
    return told_of(source);
  };
  EXPECT_EQ(told("{ from: \"2026-11-26T23:00:00Z\", to: \"2026-11-26T20:00:00Z\" }").size(), 1U);
  const auto bad = told("{ from: tomorrow, to: \"2026-11-26T20:00:00Z\" }");
  ASSERT_EQ(bad.size(), 1U);
  EXPECT_TRUE(bad[0].contains("expected a time like")) << bad[0];
}

}  // namespace
}  // namespace gameday
