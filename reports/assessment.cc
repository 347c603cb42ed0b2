#include "reports/assessment.h"

#include <algorithm>

#include "reports/markup.h"

namespace gameday {
namespace {

constexpr std::string_view kNames[] = {"pass",         "fail",           "partial",
                                       "not_assessed", "not_applicable", "invalid"};

// Objectives whose name begins so, all of them: one missed is a fail, one not judged no pass.
Assessment judged_objective(const Case& drill, const Criterion& criterion) {
  std::size_t held = 0;
  std::string unjudged, missed, names;
  for (const auto& objective : drill.result.items("objectives")) {
    const std::string name = objective.text("name");
    if (!name.starts_with(criterion.objective)) continue;
    const std::string shown = name + ": " + shown_measure(name, objective.get("measured")) +
                              ", asked " + shown_measure(name, objective.get("objective"));
    const Json& verdict = objective.get("held");
    if (!verdict.is_boolean()) {
      unjudged = name + " could not be judged: " + objective.text("why", "not measured");
    } else if (!verdict.boolean()) {
      missed += (missed.empty() ? "" : "; ") + shown;
    } else {
      ++held;
      names += (names.empty() ? "" : "; ") + shown;
    }
  }
  auto evidence = events_of(drill.story, criterion.objective == "rpo" ? "read_back" : "summarise");
  for (const auto number : events_of(drill.story, "verdict")) evidence.push_back(number);
  if (!missed.empty()) return failed(missed, std::move(evidence));
  if (!unjudged.empty()) return unassessed(unjudged);
  if (held == 0) return unassessed("the playbook has no objective " + criterion.objective);
  return passed(names, std::move(evidence));
}

Assessment judged_unattended(const Case& drill) {
  for (const auto& step : drill.story.steps) {
    if (step.step != "human" && step.step != "approve") continue;
    return failed("step " + step.id + " waits for a person", events_of(drill.story, "step"));
  }
  if (drill.story.taken_over) {
    return failed(drill.story.taken_over_by + " had to put things back", {});
  }
  return passed("every step ran by itself", events_of(drill.story, "step"));
}

Assessment judged_committed(const Case& drill) {
  const Json& playbook = drill.story.planned.get("playbook");
  const Json& git = playbook.get("git");
  if (!git.is_object()) {
    return unassessed("the playbook lay in no git checkout that could be asked");
  }
  const auto evidence = events_of(drill.story, "planned");
  if (git.boolean("dirty", true)) {
    return failed("the checkout at " + git.text("commit") + " had changes that were not committed",
                  evidence);
  }
  return passed("commit " + git.text("commit") + ", playbook " + playbook.text("sha256"), evidence);
}

Assessment judged_secrets(const Case& drill) {
  const auto& found = drill.story.secret_like;
  if (found.empty()) {
    return passed("looked for keys, tokens and passwords in " +
                      counted(static_cast<std::int64_t>(drill.story.events), "event", "events"),
                  {1, drill.story.events});
  }
  auto evidence = found;
  evidence.resize(std::min(evidence.size(), kMostEvidence));
  return failed(counted(static_cast<std::int64_t>(found.size()), "event holds", "events hold") +
                    " what looks like a secret",
                std::move(evidence));
}

Assessment judged_residue(const Case& drill) {
  auto evidence = events_of(drill.story, "gone");
  for (const auto number : events_of(drill.story, "superseded")) evidence.push_back(number);
  const auto& residue = drill.result.items("residue");
  if (!residue.empty()) {
    return failed(counted(static_cast<std::int64_t>(residue.size()), "thing is", "things are") +
                      " left behind: " + residue.front().text("what"),
                  std::move(evidence));
  }
  for (const auto& deed : drill.story.deeds) {
    if (deed.open && deed.injected_ok && deed.kind != "restore") {
      return failed("the undo of " + deed.id + " is still owed", std::move(evidence));
    }
  }
  return passed(
      counted(static_cast<std::int64_t>(drill.story.deeds.size()), "deed was", "deeds were") +
          " looked for afterwards, and gone",
      std::move(evidence));
}

Assessment judged_fact(const Case& drill, const Criterion& criterion) {
  const auto dot = criterion.fact.find('.');
  const std::string type = criterion.fact.substr(0, dot);
  const std::string name = dot == std::string::npos ? "" : criterion.fact.substr(dot + 1);
  std::vector<std::uint64_t> evidence;
  bool all = true;
  for (const auto& note : drill.story.notes) {
    if (note.type != type || !note.data.boolean("ok", true)) continue;
    const Json& inside = note.data.get(type).get("facts");
    const Json& value = inside.is_object() ? inside.get(name) : note.data.get("facts").get(name);
    if (!value.is_boolean()) return unassessed("a " + type + " does not say whether " + name);
    evidence.push_back(note.number);
    all = all && value.boolean();
  }
  if (evidence.empty()) return unassessed("the drill has no " + type);
  // What a tool says of its own settings is configuration read.
  return all ? passed("every " + type + " says " + name, std::move(evidence), 1)
             : failed("a " + type + " says not " + name, std::move(evidence), 1);
}

// A step that asks for it, done before the first fault.
Assessment judged_approval(const Case& drill) {
  const auto fault = first_fault(drill.story);
  for (const auto& planned : drill.story.planned.get("plan").items("timeline")) {
    if (planned.text("step") != "approve" || planned.text("not") != "operator") continue;
    for (const auto& step : drill.story.steps) {
      if (step.id != planned.text("id") || !step.ended || !step.ok) continue;
      if (!fault || step.ended->at_s <= *fault) {
        return passed("step " + step.id, events_of(drill.story, "step"), 0);
      }
    }
  }
  return unassessed("no approval by somebody other than the operator came before the first fault");
}

Assessment judged_acknowledged(const Case& drill) {
  bool any = false;
  for (const auto& step : drill.story.steps) {
    if (step.step != "human") continue;
    any = true;
    if (!step.ended || !step.ok) {
      return failed("step " + step.id + " was not acknowledged in time",
                    events_of(drill.story, "step"));
    }
  }
  return any ? passed("every person answered in time", events_of(drill.story, "step"))
             : unassessed("no step asks a person");
}

}  // namespace

std::string_view name_of(Outcome outcome) { return kNames[static_cast<std::size_t>(outcome)]; }

Assessment passed(std::string reason, std::vector<std::uint64_t> evidence, int level) {
  return {Outcome::pass, 1, level, std::move(reason), std::move(evidence)};
}

Assessment failed(std::string reason, std::vector<std::uint64_t> evidence, int level) {
  return {Outcome::fail, 0, level, std::move(reason), std::move(evidence)};
}

Assessment unassessed(std::string reason) {
  return {Outcome::not_assessed, 0, -1, std::move(reason), {}};
}

std::vector<std::uint64_t> events_of(const Story& story, std::string_view type) {
  std::vector<std::uint64_t> found;
  for (const auto& note : story.notes) {
    if (note.type == type && found.size() < kMostEvidence) found.push_back(note.number);
  }
  if (type == "step") {
    for (const auto& step : story.steps) {
      if (found.size() < kMostEvidence) found.push_back(step.number);
    }
  }
  return found;
}

std::optional<double> first_fault(const Story& story) {
  std::optional<double> first;
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected) continue;
    if (!first || deed.recorded.at_s < *first) first = deed.recorded.at_s;
  }
  return first;
}

std::optional<double> all_put_back(const Story& story) {
  std::optional<double> last;
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected) continue;
    if (!deed.reverted) return std::nullopt;
    if (!last || deed.reverted->at_s > *last) last = deed.reverted->at_s;
  }
  return last;
}

std::string counted(std::int64_t count, std::string_view one, std::string_view many) {
  return shown_count(count) + " " + std::string(count == 1 ? one : many);
}

Assessment judged(const Case& drill, const Criterion& criterion) {
  switch (criterion.judged_by) {
    case JudgedBy::objective: return judged_objective(drill, criterion);
    case JudgedBy::unattended: return judged_unattended(drill);
    case JudgedBy::committed: return judged_committed(drill);
    case JudgedBy::no_secrets: return judged_secrets(drill);
    case JudgedBy::no_residue: return judged_residue(drill);
    case JudgedBy::fact: return judged_fact(drill, criterion);
    case JudgedBy::approval: return judged_approval(drill);
    case JudgedBy::acknowledged: return judged_acknowledged(drill);
    case JudgedBy::probe: return judged_probes(drill, criterion);
    case JudgedBy::restraint: return judged_retries(drill, criterion);
    case JudgedBy::budget:
    case JudgedBy::latency_regained:
    case JudgedBy::on_schedule: return judged_load(drill, criterion);
    case JudgedBy::owned:
    case JudgedBy::fresh: return unassessed("judged over several drills alone");
    default: return judged_data(drill, criterion);
  }
}

}  // namespace gameday
