// Ends a process and starts it again at once: the fault is the gap, and it is over when `inject`
// has returned. An undo is owed all the same: a runner that dies between the two leaves nobody
// in the process's place.
#include <csignal>

#include "drills/systems/process.h"

namespace gameday {
namespace {

constexpr std::string_view kSignals[] = {"KILL", "TERM"};

constexpr Field kFields[] = {
    {.name = "signal",
     .type = FieldType::choice,
     .help = "KILL ends it as a crash does; TERM asks it to end, and waits until it has.",
     .otherwise = "KILL",
     .choices = kSignals},
};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(lost, keep_for_restart(*target, context));
  return Undo{"restart", to_json(lost)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  const bool asked = deed.arguments.text("signal", "KILL") == "TERM";
  TRY_OK(end_process(lost, asked ? SIGTERM : SIGKILL, context));
  return put_back(lost, context.doors);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  if (context.doors.processes.alive(lost.facts.id)) {
    return Proof{false, shown(lost.facts) + " was not ended: it still runs"};
  }
  return in_its_place(lost, context);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return put_back(lost, context.doors);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return in_its_place(lost, context);
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  const auto environment = undo.arguments.text("environment");
  if (environment.empty()) return fail(ErrorCode::corrupt, "an undo without its private file");
  return context.doors.files.remove(environment);
}

}  // namespace

extern const FaultRow restart_fault;
const FaultRow restart_fault{
    .name = "restart",
    .summary = "Ends a process and starts it again as it was, at once.",
    .fields = kFields,
    .facet = "process",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to signal the process and to start it as its user: be that user, or root",
    .example = "- { fault: restart, target: west, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .momentary = true,
};

}  // namespace gameday
