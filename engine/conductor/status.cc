#include "engine/conductor/status.h"

#include <algorithm>

namespace gameday {
namespace {

Json since_s(const std::optional<Now>& time, Now now) {
  return time ? Json(seconds(now.boot - time->boot)) : Json();
}

// Not begun any more once the drill reverts, ended or not.
Json steps_json(const Drill& drill, Now now) {
  Json list = Json::array();
  for (const auto& step : drill.steps) {
    if (!step.started || step.ended) continue;
    list.push(Json::object(
        {{"id", step.id}, {"step", name_of(step.kind)}, {"since_s", since_s(step.started, now)}}));
  }
  return list;
}

// Until its hold is over; none where only `revert`, a restore or the end undoes it.
Json left_s(const Drill& drill, const DeedState& deed, Now now) {
  const auto planned = std::ranges::find_if(
      drill.plan.steps, [&](const auto& step) { return step.step.id == deed.step_id; });
  if (planned == drill.plan.steps.end() || !planned->step.hold || !deed.proven) return {};
  return std::max(0.0, seconds(deed.proven->boot + *planned->step.hold - now.boot));
}

Json faults_json(const Drill& drill, Now now) {
  Json list = Json::array();
  for (const auto& deed : drill.deeds) {
    if (!deed.is_fault || !deed.open()) continue;
    Json targets = Json::array();
    for (const auto& name : deed.targets) targets.push(name);
    list.push(Json::object({{"id", deed.step_id},
                            {"kind", deed.deed.kind},
                            {"targets", std::move(targets)},
                            {"stage", name_of(deed.stage)},
                            {"since_s", since_s(deed.injected, now)},
                            {"left_s", left_s(drill, deed, now)}}));
  }
  return list;
}

// What people are waited for.
Json waits_json(const Drill& drill, Now now) {
  Json list = Json::array();
  for (const auto& lane : drill.lanes) {
    if (!lane.asked) continue;
    const HumanNote& note = drill.humans[*lane.asked];
    const Step& step = drill.plan.steps[lane.step].step;
    list.push(Json::object(
        {{"id", note.step_id},
         {"step", name_of(note.kind)},
         {"what", note.what},
         {"person", note.person},
         {"left_s", std::max(0.0, seconds(note.asked.boot + step.within - now.boot))}}));
  }
  return list;
}

}  // namespace

Json status_json(const Drill& drill, Now now) {
  const auto ended =
      std::ranges::count_if(drill.steps, [](const auto& step) { return step.ended.has_value(); });
  Json stop;
  if (drill.stop) {
    stop =
        Json::object({{"by", name_of(drill.stop->asked.by)}, {"reason", drill.stop->asked.reason}});
  }
  return Json::object({{"drill", drill.plan.drill},
                       {"name", drill.plan.playbook->name},
                       {"operator", drill.plan.operator_name},
                       {"phase", name_of(drill.phase)},
                       {"since_s", seconds(now.boot - drill.began.boot)},
                       {"steps", steps_json(drill, now)},
                       {"steps_ended", static_cast<std::int64_t>(ended)},
                       {"steps_planned", drill.steps.size()},
                       {"faults", faults_json(drill, now)},
                       {"waits_for", waits_json(drill, now)},
                       {"stop", std::move(stop)}});
}

}  // namespace gameday
