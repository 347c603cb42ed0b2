#include "reports/result.h"

#include <cmath>

#include "reports/document.h"
#include "reports/interrupted.h"
#include "reports/markup.h"
#include "reports/score.h"

namespace gameday {
namespace {

Json playbook_json(const Json& planned) {
  const Json& playbook = planned.get("playbook");
  const Json* vars = playbook.find("vars");
  return Json::object({{"name", playbook.text("name")},
                       {"sha256", playbook.text("sha256")},
                       {"git", playbook.get("git")},
                       {"vars", vars != nullptr ? *vars : Json::object()}});
}

// A defect that was found after the verdict, or beside it, decides the exit code and is told.
void add_defects(const Story& story, Json& verdict) {
  Json reasons = verdict.get("reasons");
  bool found = false;
  for (const auto& note : story.notes) {
    if (note.type != "defect") continue;
    found = true;
    reasons.push(Json::object({{"code", 70}, {"text", note.data.text("text")}}));
  }
  if (!found) return;
  verdict.set("reasons", std::move(reasons));
  verdict.set("exit_code", 70);
}

// Times are counted from the drill's start by the clock that nobody sets; the journal has both.
void add_clock_jumps(const Story& story, Json& verdict) {
  Json reasons = verdict.get("reasons");
  bool found = false;
  for (const auto& note : story.notes) {
    if (note.type != "clock") continue;
    found = true;
    const double set_by = note.data.number("set_by_s", 0);
    reasons.push(Json::object(
        {{"code", 0},
         {"text", "the clock was set " + std::string(set_by < 0 ? "back" : "forward") + " by " +
                      shown_seconds(std::abs(set_by)) + " at " + shown_offset(note.at.at_s) +
                      " (event " + std::to_string(note.number) +
                      "): all times told here go on from the start as if it had not been"}}));
  }
  if (found) verdict.set("reasons", std::move(reasons));
}

}  // namespace

Json document_of(const Story& story) {
  const Json& planned = story.planned;
  Json result = Json::object({{"gameday", "1"},
                              {"version", planned.text("version")},
                              {"drill", story.drill},
                              {"operator", planned.text("operator")},
                              {"environment", planned.text("environment")},
                              {"seed", planned.integer("seed", 0)},
                              {"playbook", playbook_json(planned)},
                              {"plan_sha256", planned.text("plan_sha256")}});
  Json verdict = story.verdict ? *story.verdict : interrupted_verdict(story);
  add_defects(story, verdict);
  add_clock_jumps(story, verdict);
  for (const auto& [name, value] : verdict.members()) result.set(name, value);
  const auto rubric = rubric_of(story);
  result.set("score",
             rubric ? score_of(story, result, *rubric) : unassessed_score(rubric.error().text));
  result.set("evidence",
             Json::object(
                 {{"events", story.events}, {"head", story.head}, {"anchored", "self-attested"}}));
  return result;
}

Result<Json> result_document(const std::vector<std::string>& lines) {
  TRY(story, story_of(lines));
  return document_of(story);
}

}  // namespace gameday
