#include <csignal>

#include "drills/systems/process.h"

namespace gameday {
namespace {

constexpr std::string_view kSignals[] = {"KILL", "TERM"};

constexpr Field kFields[] = {
    {.name = "signal",
     .type = FieldType::choice,
     .help = "KILL gives it no chance to tidy up, as a crash does; TERM asks it to end.",
     .otherwise = "KILL",
     .choices = kSignals},
};

int signal_of(const Deed& deed) {
  return deed.arguments.text("signal", "KILL") == "TERM" ? SIGTERM : SIGKILL;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(lost, keep_for_restart(*target, context));
  return Undo{"kill", to_json(lost)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return end_process(lost, signal_of(deed), context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  Proof proof;
  proof.held = !context.doors.processes.alive(lost.facts.id);
  proof.facts.set("process", to_json(lost.facts.id));
  proof.text = shown(lost.facts) + (proof.held ? " is dead" : " is still alive");
  const auto named = process_at(lost.pidfile, context.doors);
  if (proof.held && named) {
    proof.text += "; " + lost.pidfile + " already names " + shown(*named) +
                  ", which somebody else has started in its place";
    proof.facts.set("replaced_by", to_json(named->id));
  }
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return put_back(lost, context.doors);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return in_its_place(lost, context);
}

// Also what a later restart would need, so only once the undo is closed.
Status close(const Undo& undo, bool, const DeedContext& context) {
  const auto environment = undo.arguments.text("environment");
  if (environment.empty()) return fail(ErrorCode::corrupt, "an undo without its private file");
  return context.doors.files.remove(environment);
}

}  // namespace

extern const FaultRow kill_fault;
const FaultRow kill_fault{
    .name = "kill",
    .summary = "Ends a process; it is started again as it was.",
    .fields = kFields,
    .facet = "process",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to signal the process and to start it as its user: be that user, or root",
    .example = "- { fault: kill, target: west, for: 5s }",
    .prepare = &prepare,
    .inject = &inject,
    .prove = &prove,
    .undo = &undo,
    .gone = &gone,
    .close = &close,
};

}  // namespace gameday
