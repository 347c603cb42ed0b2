// Ends a process and starts it again at once: the fault is the gap, and it is over when `inject`
// has returned. An undo is owed all the same: a runner that dies between the two leaves nobody
// in the process's place.
#include "drills/systems/process.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "signal",
     .type = FieldType::choice,
     .help = "KILL ends it as a crash does; TERM asks it to end, and waits until it has.",
     .otherwise = "KILL",
     .choices = kEndingSignals},
};

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  TRY_OK(end_process(lost, ending_signal(deed), context));
  return put_back(lost, context.doors);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  if (context.doors.processes.alive(lost.facts.id)) {
    return Proof{false, shown(lost.facts) + " was not ended: it still runs"};
  }
  return in_its_place(lost, context);
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
    .rights =
        "to signal the process, to start it as its user, and to write its pidfile: be that user, "
        "with write access to the pidfile's folder, or root; CAP_SYS_RESOURCE where its hard "
        "limits "
        "are above ours",
    .example = "- { fault: restart, target: west, for: 5s }",
    .prepare = prepare_ending,
    .inject = inject,
    .prove = prove,
    .undo = undo_ending,
    .gone = ending_gone,
    .close = close_ending,
    .momentary = true,
    .may = may_end,
};

}  // namespace gameday
