// What a step asks of a person: to do something and say so, or to let the drill go on.
#include <algorithm>

#include "engine/base/units.h"
#include "engine/conductor/turn.h"

namespace gameday {
namespace {

bool is_operator(const Plan& plan, const Person& who) {
  return who.uid == plan.operator_uid || who.name == plan.operator_name;
}

StepKind kind_of(Answered::What what) {
  return what == Answered::What::acknowledged ? StepKind::human : StepKind::approve;
}

// Why they may not, where they may not.
Status may_answer(const Drill& drill, const Step& step, const Answered& answered) {
  if (step.not_operator && is_operator(drill.plan, answered.who)) {
    return fail(ErrorCode::refused,
                "step " + step.id + " is not its operator's to decide, and " + answered.who.name +
                    " runs this drill",
                "somebody else decides, as themselves: gameday approve");
  }
  if (answered.role.empty() || step.person.empty() || answered.role == step.person) return {};
  return fail(ErrorCode::refused,
              "step " + step.id + " is for the role " + step.person + ", not for " + answered.role);
}

}  // namespace

std::string_view name_of(Answered::What what) {
  switch (what) {
    case Answered::What::acknowledged: return "acknowledged";
    case Answered::What::approved: return "approved";
    case Answered::What::refused: return "refused";
  }
  return "acknowledged";
}

Result<std::size_t> lane_answered(const Drill& drill, const Answered& answered) {
  const StepKind kind = kind_of(answered.what);
  const std::string asked = kind == StepKind::human ? "to be acknowledged" : "to be approved";
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < drill.lanes.size(); ++i) {
    const Lane& lane = drill.lanes[i];
    if (!lane.asked || drill.humans[*lane.asked].kind != kind) continue;
    const std::string& id = drill.steps[lane.step].id;
    if (!answered.step.empty() && answered.step != id) continue;
    if (found) {
      return fail(ErrorCode::conflict,
                  "several steps wait " + asked + ", " + drill.steps[drill.lanes[*found].step].id +
                      " and " + id + " among them",
                  "name one");
    }
    found = i;
  }
  if (!found) {
    return fail(ErrorCode::not_found, answered.step.empty()
                                          ? "no step waits " + asked
                                          : "step " + answered.step + " does not wait " + asked);
  }
  const Step& step = drill.plan.steps[drill.lanes[*found].step].step;
  TRY_OK(may_answer(drill, step, answered));
  return *found;
}

void Turn::begin_asking(const Step& step) {
  HumanNote note;
  note.step_id = step.id;
  note.kind = step.kind;
  note.what = step.what;
  note.person = step.person;
  note.asked = now_;
  lane().asked = d.humans.size();
  d.humans.push_back(std::move(note));
  record("asked", Json::object({{"id", step.id},
                                {"step", name_of(step.kind)},
                                {"what", step.what},
                                {"person", step.person},
                                {"not_operator", step.not_operator},
                                {"within_s", seconds(step.within)}}));
  lane().step_timer = wake(now_.boot + step.within);
}

void Turn::on(const Answered& answered) {
  const auto found = lane_answered(d, answered);
  if (!found) return;
  lane_ = *found;
  HumanNote& note = d.humans[*std::exchange(lane().asked, std::nullopt)];
  lane().step_timer = 0;
  note.answered = now_;
  note.who = answered.who;
  note.reason = answered.reason;
  switch (answered.what) {
    case Answered::What::acknowledged: note.outcome = HumanNote::Outcome::acknowledged; break;
    case Answered::What::approved: note.outcome = HumanNote::Outcome::approved; break;
    case Answered::What::refused:
      note.outcome = HumanNote::Outcome::refused;
      return refused(answered, note.step_id);
  }
  end_step(true);
}

// Until the first fault there is nothing to stop: the drill has no approval, and does not start.
void Turn::refused(const Answered& answered, const std::string& step) {
  std::string text = answered.who.name + " refuses step " + step;
  if (!answered.reason.empty()) text += ": " + answered.reason;
  if (!d.any_injected) return fail_step(3, text);
  stop_now({StopBy::person, text, "", now_.boot, answered.who});
}

void Turn::nobody_answered() {
  HumanNote& note = d.humans[*std::exchange(lane().asked, std::nullopt)];
  note.outcome = HumanNote::Outcome::timed_out;
  const Step& step = lane_step();
  const bool approval = step.kind == StepKind::approve;
  const std::string text = "step " + step.id + ": nobody " +
                           (approval ? "approved" : "acknowledged") + " it within " +
                           shown(step.within);
  if (approval && !d.any_injected) return fail_step(3, text);
  if (approval || step.on_timeout == OnTimeout::stops) {
    return stop_now({StopBy::limit, text, "", now_.boot});
  }
  // A playbook that goes on without them has said that this is well.
  if (step.on_timeout == OnTimeout::goes_on) return end_step(true);
  fail_step(d.any_injected ? 1 : 3, text);
}

}  // namespace gameday
