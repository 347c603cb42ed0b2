#include "reports/unstarted.h"

#include "reports/document.h"
#include "reports/interrupted.h"

namespace gameday {

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
  verdict.set("verdict", unstarted.exit_code == 2 ? "invalid" : "not_started")
      .set("exit_code", unstarted.exit_code)
      .set("reasons", std::move(reasons))
      .set("stop", Json());
  story.verdict = std::move(verdict);
  return document_of(story).set("drill", Json());
}

}  // namespace gameday
