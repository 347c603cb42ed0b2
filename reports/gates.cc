// What no number makes up for: each gate that a drill shuts, and why.
#include <algorithm>

#include "reports/invariants.h"
#include "reports/score.h"

namespace gameday {
namespace {

struct Shut {
  std::string reason;  // empty: the gate is open
  std::vector<std::uint64_t> evidence;
};

Shut not_proven(const Story& story, const Json& result) {
  for (const auto& fault : result.items("faults")) {
    if (fault.boolean("proven", false)) continue;
    return {"fault " + fault.text("id") + " was not proven to have bitten",
            events_of(story, "proof")};
  }
  return {};
}

Shut not_steady(const Story& story) {
  const auto first = first_fault(story);
  for (const auto& step : story.steps) {
    if (!first || step.step != "steady_state" || !step.ended || step.ok) continue;
    if (step.ended->at_s > *first) {
      return {"step " + step.id + ": the steady state did not come back", {step.number}};
    }
  }
  const Note* settled = story.last_note("settled");
  if (first && settled != nullptr && !settled->data.boolean("held", true)) {
    return {"the steady state did not come back after the last undo", {settled->number}};
  }
  return {};
}

// The counts of all ledgers, each with its name where it is over 0.
Shut counted_of(const Story& story, const Json& result, std::initializer_list<const char*> names) {
  std::string text;
  for (const auto& ledger : result.items("ledgers")) {
    for (const char* name : names) {
      const auto count = ledger.integer(name, 0);
      if (count == 0) continue;
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name + " in " +
              ledger.text("load");
    }
  }
  return {text, text.empty() ? std::vector<std::uint64_t>{} : events_of(story, "read_back")};
}

// Of records by the ledger, and of all of them together by what is always true of them.
Shut wrong(const Story& story, const Json& result) {
  Shut found = counted_of(story, result, {"corrupt", "phantom", "resurrected"});
  const std::string broken = invariants_read(result).broken;
  if (broken.empty()) return found;
  found.reason += (found.reason.empty() ? "" : "; ") + broken;
  for (const auto number : invariant_events(story)) found.evidence.push_back(number);
  return found;
}

Shut lost(const Story& story, const Json& result) {
  for (const auto& objective : result.items("objectives")) {
    if (objective.text("name") != "rpo") continue;
    // What an RPO allows is no loss beyond it.
    if (objective.boolean("held", true)) return {};
    return {"the RPO is missed: " + objective.text("why"), events_of(story, "read_back")};
  }
  return counted_of(story, result, {"lost", "stale"});
}

Shut left(const Story& story, const Json& result) {
  const auto& residue = result.items("residue");
  if (residue.empty()) return {};
  return {residue.front().text("what"), events_of(story, "residue")};
}

Shut outside(const Story& story) {
  const auto& timeline = story.planned.get("plan").items("timeline");
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected) continue;
    const auto step = std::ranges::find_if(
        timeline, [&](const Json& planned) { return planned.text("id") == deed.id; });
    if (step == timeline.end()) return {deed.id + " is in no plan", events_of(story, "deed")};
    for (const auto& target : deed.targets) {
      const auto& named = step->items("targets");
      if (std::ranges::any_of(
              named, [&](const Json& one) { return one.is_text() && one.text() == target; })) {
        continue;
      }
      return {deed.id + " hit " + target + ", which the plan does not name",
              events_of(story, "deed")};
    }
  }
  return {};
}

Shut shut(GateWhen when, const Story& story, const Json& result) {
  switch (when) {
    case GateWhen::fault_not_proven: return not_proven(story, result);
    case GateWhen::not_steady_again: return not_steady(story);
    case GateWhen::data_wrong: return wrong(story, result);
    case GateWhen::data_lost: return lost(story, result);
    case GateWhen::residue: return left(story, result);
    case GateWhen::outside_the_plan: return outside(story);
  }
  return {};
}

}  // namespace

Json gates_of(const Story& story, const Json& result, const Rubric& rubric) {
  Json gates = Json::array();
  for (const auto& gate : rubric.gates) {
    const Shut found = shut(gate.when, story, result);
    if (found.reason.empty()) continue;
    Json evidence = Json::array();
    for (const auto number : found.evidence) evidence.push(number);
    gates.push(Json::object({{"id", gate.id},
                             {"then", gate.then},
                             {"reason", found.reason},
                             {"evidence", std::move(evidence)}}));
  }
  return gates;
}

}  // namespace gameday
