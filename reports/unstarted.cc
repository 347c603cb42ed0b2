#include "reports/unstarted.h"

#include "reports/document.h"
#include "reports/interrupted.h"

namespace gameday {
namespace {

const char* verdict_of(int exit_code) {
  switch (exit_code) {
    case 0: return "passed";
    case 1: return "failed";
    case 2: return "invalid";
    case 4: return "stopped";
    case 5: return "residue";
    case 6: return "inconclusive";
    case 70: return "defect";
    default: return "not_started";
  }
}

}  // namespace

Json unstarted_document(const Unstarted& unstarted) {
  Story story;
  story.planned = Json::object({{"version", unstarted.version},
                                {"operator", unstarted.operator_name},
                                {"environment", unstarted.environment},
                                {"seed", unstarted.seed},
                                {"playbook", Json::object({{"name", unstarted.playbook},
                                                           {"sha256", unstarted.playbook_sha256},
                                                           {"git", Json()}})}});
  story.began = story.ended = Moment{0, rfc3339(unstarted.at)};
  Json verdict = interrupted_verdict(story);
  Json reasons = Json::array();
  for (const auto& text : unstarted.reasons) {
    reasons.push(Json::object({{"code", unstarted.exit_code}, {"text", text}}));
  }
  verdict.set("verdict", verdict_of(unstarted.exit_code))
      .set("exit_code", unstarted.exit_code)
      .set("reasons", std::move(reasons))
      .set("stop", Json());
  story.verdict = std::move(verdict);
  return document_of(story).set("drill", Json());
}

}  // namespace gameday
