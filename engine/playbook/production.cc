#include "engine/playbook/production.h"

#include <algorithm>

namespace gameday {
namespace {

bool is_approved_first(const std::vector<Step>& timeline) {
  const auto fault = std::ranges::find(timeline, StepKind::fault, &Step::kind);
  return std::any_of(timeline.begin(), fault, [](const Step& step) {
    return step.kind == StepKind::approve && step.not_operator;
  });
}

// Undoing has no window: it is the injection that has to be over by then.
std::string outside_of(const Window& window, Duration longest, Utc now) {
  if (now < window.from) return "its `window` begins at " + rfc3339(window.from);
  if (now + longest <= window.to) return "";
  return "its `window` ends at " + rfc3339(window.to) +
         (now < window.to ? ", before `limits.duration` is over" : "");
}

}  // namespace

std::vector<std::string> lacking_for_production(const Playbook& playbook) {
  std::vector<std::string> lacks;
  if (!playbook.window) lacks.emplace_back("the playbook has no `window`");
  if (!is_approved_first(playbook.timeline)) {
    lacks.emplace_back("no `approve` step with `not: operator` stands before the first fault");
  }
  return lacks;
}

std::vector<std::string> lacking(const Playbook& playbook, const Consent& consent,
                                 std::string_view plan_sha256) {
  std::vector<std::string> lacks;
  const bool production = playbook.environment == kProduction;
  if (production) {
    if (consent.confirm != playbook.name) lacks.push_back("--confirm " + playbook.name);
    if (consent.plan_sha256.empty()) {
      lacks.emplace_back("--plan sha256:..., as `gameday plan` prints it");
    }
    std::ranges::move(lacking_for_production(playbook), std::back_inserter(lacks));
  }
  if (playbook.window) {
    const auto outside = outside_of(*playbook.window, playbook.limits.duration, consent.now);
    if (!outside.empty()) lacks.push_back(outside);
  }
  if (!consent.plan_sha256.empty() && consent.plan_sha256 != plan_sha256) {
    lacks.push_back("the plan is " + std::string(plan_sha256) + " now, and not the one of --plan");
  }
  return lacks;
}

}  // namespace gameday
