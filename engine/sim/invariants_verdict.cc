// The verdict, and the evidence under it.
#include <algorithm>

#include "engine/sim/invariants_parts.h"

namespace gameday {
namespace {

// Was it just about to be reverted when it ended: seen to bite, and undone at once?
bool reverted_then(const RehearsalTrail& evidence, const Change& ended) {
  constexpr Duration kAtOnce = std::chrono::milliseconds(100);
  std::optional<Instant> seen;
  for (const auto& event : evidence.events) {
    if (event.data.text("deed") != ended.mark) continue;
    if (event.type == "proof" && event.data.boolean("held", false)) seen = event.at;
    if (event.type == "undo") return seen && *seen <= ended.at && event.at - *seen <= kAtOnce;
  }
  return false;
}

}  // namespace

std::string no_defect(const RehearsalTrail& evidence) {
  return evidence.rehearsal.end == RehearsalEnd::defect ? evidence.rehearsal.message : "";
}

std::string chain_verifies(const RehearsalTrail& evidence) {
  const auto& chain = evidence.chain;
  if (chain.intact || chain.interrupted || evidence.rehearsal.journal.empty()) return "";
  return chain.problem;
}

std::string closed_or_interrupted(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  const bool closed = !evidence.events.empty() && evidence.events.back().type == kClosing;
  if (rehearsal.end == RehearsalEnd::closed && rehearsal.message.empty() && !closed) {
    return "the drill closed, and its journal did not";
  }
  if (passed(evidence) && !closed) return "passed on a journal without its closing event";
  return "";
}

std::string passed_proven(const RehearsalTrail& evidence) {
  if (!passed(evidence)) return "";
  for (const auto& step : evidence.playbook.timeline) {
    if (step.kind != StepKind::fault && step.kind != StepKind::action) continue;
    const std::string done = step.kind == StepKind::fault ? "injected" : "performed";
    bool bitten = false;
    std::string mark;
    for (const auto& event : evidence.events) {
      if (event.type != "proof" || event.data.text("id") != step.id) continue;
      mark = event.data.text("deed");
      bitten = event.data.boolean("held", false);
      if (!bitten) break;
    }
    if (!bitten) return "passed, and step " + step.id + " was not proven";
    const bool injected = std::ranges::any_of(
        evidence.rehearsal.changes,
        [&](const Change& change) { return change.mark == mark && change.what == done; });
    if (!injected) return "passed, and step " + step.id + " never touched the system";
  }
  const bool early = std::ranges::any_of(evidence.rehearsal.changes, [&](const Change& change) {
    return change.what == "ended by itself" && !reverted_then(evidence, change);
  });
  return early ? "passed, and a fault ended before it was reverted" : "";
}

std::string passed_on_time(const RehearsalTrail& evidence) {
  return passed(evidence) && evidence.rehearsal.lagged ? "passed on a load that missed its plan"
                                                       : "";
}

std::string passed_complete(const RehearsalTrail& evidence) {
  if (!passed(evidence)) return "";
  std::set<std::string> well;
  for (const auto& event : evidence.events) {
    if (event.type == "settled" && !event.data.boolean("held", false)) {
      return "passed, and the steady state did not come back";
    }
    if (event.type != "step" || event.data.text("what") != "ended") continue;
    if (event.data.boolean("ok", false)) well.insert(event.data.text("id"));
  }
  for (const auto& step : evidence.playbook.timeline) {
    if (!well.contains(step.id)) return "passed, and step " + step.id + " did not end well";
  }
  const Event* verdict = first_event(evidence, "verdict");
  if (verdict == nullptr) return "passed, and no verdict is in the journal";
  return verdict->data.integer("exit_code", -1) == 0 ? "" : "the journal has another verdict";
}

std::string passed_whole(const RehearsalTrail& evidence) {
  const auto& rpo = evidence.playbook.objectives.rpo;
  const bool may_lose = rpo && *rpo > Duration{};
  const auto missing = evidence.rehearsal.missing;
  if (!passed(evidence) || may_lose || missing == 0) return "";
  return "passed, and " + std::to_string(missing) + " acknowledged writes are missing";
}

// DESIGN's order, written down once more: 5 > 4 > 3 until a fault is injected, then
// 5 > 4 > 1 > 6 > 0.
std::string precedence(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  if (rehearsal.end != RehearsalEnd::closed || !rehearsal.message.empty()) return "";
  std::set<int> codes;
  for (const auto& reason : rehearsal.document.items("reasons")) {
    codes.insert(static_cast<int>(reason.integer("code", -1)));
  }
  const bool injected = !rehearsal.document.items("faults").empty();
  int expected = 0;
  if (codes.contains(5)) {
    expected = 5;
  } else if (codes.contains(4)) {
    expected = 4;
  } else if (codes.contains(3) && !injected) {
    expected = 3;
  } else if (codes.contains(1)) {
    expected = 1;
  } else if (codes.contains(6) || codes.contains(3)) {
    expected = 6;
  }
  if (rehearsal.exit_code == expected) return "";
  return "exit code " + std::to_string(rehearsal.exit_code) + ", and the reasons say " +
         std::to_string(expected);
}

}  // namespace gameday
