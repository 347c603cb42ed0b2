// What a plan says of rights and deaths, on rows that hold, lack or hide a right.
#include "engine/runtime/survey.h"

#include "engine/conductor/plan.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

Result<Instance> found(const Target& target, const DeedContext&) {
  return Instance{target.name, "it", "process:it", Json::object()};
}
Status held(const Target&, const DeedContext&) { return {}; }
Status lacking(const Target&, const DeedContext&) {
  return fail(ErrorCode::refused, "it is somebody else's");
}
Status hidden(const Target&, const DeedContext&) {
  return fail(ErrorCode::not_found, "it is not there");
}

constexpr FacetRow facet(std::string_view name, Status (*may)(const Target&, const DeedContext&)) {
  return {name, "A thing.", "", {}, found, may};
}
constexpr FacetRow kHeld = facet("held", held), kLacking = facet("lacking", lacking),
                   kHidden = facet("hidden", hidden);
constexpr std::array kFacets{&kHeld, &kLacking, &kHidden};

Status renewed(const Undo&, const DeedContext&) { return {}; }

constexpr FaultRow fault_on(std::string_view facet_name, Reversal reversal = Reversal::exact,
                            bool leased = false) {
  FaultRow row = test_rows::fault(facet_name, {}, facet_name, reversal, Effect::stops, false);
  if (leased) row.renew = renewed;
  return row;
}
constexpr FaultRow kOnHeld = fault_on("held"), kOnLacking = fault_on("lacking"),
                   kOnHidden = fault_on("hidden"),
                   kOnLinks = fault_on("link", Reversal::exact, true);
constexpr FaultRow kBurns =
    test_rows::fault("burns", {}, "held", Reversal::none, Effect::stops, false);
constexpr std::array kFaults{&kOnHeld,  &kOnLacking, &kOnHidden,
                             &kOnLinks, &kBurns,     &test_rows::kLitter};
constexpr Rows kRows{kFacets, kFaults, {}, {}, {}};

Playbook playbook_of(std::initializer_list<const FaultRow*> rows) {
  Playbook playbook;
  Target target;
  target.name = "it";
  target.facets = Json::object();
  for (const FacetRow* row : kFacets) target.facets.set(row->name, Json::object());
  playbook.system.targets = {target};
  for (const FaultRow* row : rows) {
    Step step;
    step.kind = StepKind::fault;
    step.id = step.fault = row->name;
    if (row->facet == "link") {
      step.arguments.set("region", "r");
    } else {
      step.target = "it";
    }
    playbook.timeline.push_back(step);
  }
  return playbook;
}

TEST(Survey, SaysWhichRightsAreHeldLackingAndUnknown) {
  const Survey survey = survey_system(playbook_of({&kOnHeld, &kOnLacking, &kOnHidden}), kRows, "");
  ASSERT_EQ(survey.faults.size(), 3U);
  EXPECT_TRUE(survey.faults[0].held);
  ASSERT_FALSE(survey.faults[1].held);
  EXPECT_TRUE(is_known(survey.faults[1].held));
  EXPECT_EQ(survey.faults[1].held.error().text, "target it: it is somebody else's");
  EXPECT_FALSE(is_known(survey.faults[2].held));
  const Json told = to_json(survey);
  EXPECT_EQ(told.items("faults")[0].get("held").dump(), "true");
  EXPECT_EQ(told.items("faults")[1].get("held").dump(), "false");
  EXPECT_EQ(told.items("faults")[2].get("held").dump(), "null");
}

TEST(Survey, RightsThatNobodyLookedForAreNotHeld) {
  const Survey survey = survey_system(playbook_of({&test_rows::kLitter}), kRows, "");
  ASSERT_EQ(survey.faults.size(), 1U);
  EXPECT_FALSE(is_known(survey.faults[0].held));
  EXPECT_TRUE(to_json(survey).items("faults")[0].get("held").is_null());
}

TEST(Survey, SaysOfEachFaultWhoUndoesIt) {
  const Survey survey = survey_system(playbook_of({&kOnHeld, &kOnLinks, &kBurns}), kRows, "");
  ASSERT_EQ(survey.faults.size(), 3U);
  EXPECT_TRUE(survey.faults[0].after_the_runner.contains("guardian"));
  EXPECT_TRUE(survey.faults[0].after_both.contains("gameday revert"));
  EXPECT_TRUE(survey.faults[1].after_both.contains("by itself"));
  EXPECT_TRUE(survey.faults[2].after_the_runner.contains("the guardian ends it"));
  EXPECT_TRUE(survey.faults[2].after_both.contains("cannot be undone"));
  EXPECT_TRUE(survey.faults[2].after_power.contains("cannot be undone"));
}

Status never(const Deed& deed, const DeedContext& context) {
  return fail(ErrorCode::refused, deed.target + " is never littered", context.private_folder);
}

// What such a fault hits is no target: the row alone can look.
TEST(Survey, AFaultWithoutAFacetIsLookedAtByItsRow) {
  FaultRow litter = test_rows::kLitter;
  litter.may = never;
  const std::array faults{static_cast<const FaultRow*>(&litter)};
  Playbook playbook = playbook_of({&litter});
  playbook.timeline.front().arguments.set("path", "yard");
  const Survey survey = survey_system(playbook, {kFacets, faults, {}, {}, {}}, "/srv/gameday.db");
  ASSERT_EQ(survey.faults.size(), 1U);
  ASSERT_FALSE(survey.faults[0].held);
  EXPECT_TRUE(is_known(survey.faults[0].held));
  EXPECT_EQ(survey.faults[0].held.error().text, "step litter: yard is never littered");
  EXPECT_EQ(survey.faults[0].held.error().hint, "/srv/private/");
}

TEST(Survey, RightsOnARegionAreThoseOnEachOfItsTargets) {
  DeedWorld world;
  FaultRow row = kOnLacking;
  row.takes_region = true;
  Playbook playbook = playbook_of({&kOnLinks});
  world.system() = playbook.system;
  EXPECT_TRUE(may_inject(playbook.timeline.front(), row, kRows, world.context()));
  world.system().targets.front().region = "r";
  const auto may = may_inject(playbook.timeline.front(), row, kRows, world.context());
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().text, "target it: it is somebody else's");
}

constexpr FaultRow ends_with_instance(FaultRow row) {
  row.ends_with_instance = true;
  return row;
}
constexpr FaultRow kEnds = ends_with_instance(fault_on("held"));

// It is asked once more whether it bites, as it is of a lease; but nobody lets it go by itself.
TEST(Survey, WhatMayEndWithItsInstanceIsProvenAgainAndIsNoLease) {
  constexpr std::array kOne{&kEnds};
  const Rows rows{kFacets, kOne, {}, {}, {}};
  const Playbook playbook = playbook_of({&kEnds});
  const auto plan = make_plan(std::make_shared<const Playbook>(playbook), rows, "drill", 1, {});
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->steps.front().may_end_early);
  EXPECT_TRUE(
      survey_system(playbook, rows, "").faults.front().after_both.contains("gameday revert"));
}

Status only_into_scratch(const Step& step, const DeedContext&) {
  return step.into_place ? fail(ErrorCode::refused, "it is not ours to replace") : Status();
}
Status never_done(const Step& step, const DeedContext&) {
  return fail(ErrorCode::refused, step.target + " obeys another");
}

TEST(Survey, SaysOfBackupsRestoresAndActionsWhetherTheirRightsAreHeld) {
  RestoreRow copy{};
  copy.name = "copy";
  copy.facet = "held";
  copy.rights = "to read it";
  copy.may = only_into_scratch;
  ActionRow promote{};
  promote.name = "promote";
  promote.rights = "its ear";
  promote.may = never_done;
  ActionRow shout = promote;
  shout.name = "shout";
  shout.may = nullptr;
  const std::array restores{static_cast<const RestoreRow*>(&copy)};
  const std::array actions{static_cast<const ActionRow*>(&promote),
                           static_cast<const ActionRow*>(&shout)};
  Playbook playbook = playbook_of({});
  const auto add = [&](StepKind kind, const std::string& id, const std::string& action = "") {
    Step step;
    step.kind = kind;
    step.id = id;
    step.target = "it";
    step.action = action;
    step.into_place = id == "replace";
    playbook.timeline.push_back(step);
  };
  add(StepKind::backup, "keep");
  add(StepKind::restore, "replace");
  add(StepKind::action, "raise", "promote");
  add(StepKind::action, "call", "shout");
  add(StepKind::wait, "wait");
  const Survey survey = survey_system(playbook, {kFacets, {}, restores, {}, {}, actions, {}}, "");
  ASSERT_EQ(survey.steps.size(), 4U);
  EXPECT_TRUE(survey.steps[0].held);
  ASSERT_FALSE(survey.steps[1].held);
  EXPECT_EQ(survey.steps[1].held.error().text, "step replace: it is not ours to replace");
  ASSERT_FALSE(survey.steps[2].held);
  EXPECT_EQ(survey.steps[2].held.error().text, "step raise: it obeys another");
  EXPECT_EQ(survey.steps[2].needs, "its ear");
  EXPECT_FALSE(is_known(survey.steps[3].held));
  const Json told = to_json(survey);
  EXPECT_EQ(told.items("steps")[0].get("held").dump(), "true");
  EXPECT_EQ(told.items("steps")[1].get("held").dump(), "false");
  EXPECT_EQ(told.items("steps")[1].text("needs"), "to read it");
  EXPECT_TRUE(told.items("steps")[3].get("held").is_null());
}

// Somebody else's process behind a link that the fault would cut: it is not ours to cut.
TEST(Survey, ALinkThatLeadsElsewhereIsNotOurs) {
  DeedWorld world;
  Playbook playbook = playbook_of({&kOnLinks});
  Link link;
  link.name = "way";
  link.listen = "no address";
  link.region = "r";
  playbook.system.links = {link};
  world.system() = playbook.system;
  EXPECT_FALSE(may_inject(playbook.timeline.front(), kOnLinks, kRows, world.context()));
  playbook.timeline.front().arguments.set("region", "another");
  EXPECT_TRUE(may_inject(playbook.timeline.front(), kOnLinks, kRows, world.context()));
}

}  // namespace
}  // namespace gameday
