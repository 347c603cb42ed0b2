#include "drills/systems/process.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "signal",
     .type = FieldType::choice,
     .help = "KILL gives it no chance to tidy up, as a crash does; TERM asks it to end.",
     .otherwise = "KILL",
     .choices = kEndingSignals},
};

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return end_process(lost, ending_signal(deed), context);
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

}  // namespace

extern const FaultRow kill_fault;
const FaultRow kill_fault{
    .name = "kill",
    .summary = "Ends a process; it is started again as it was.",
    .fields = kFields,
    .facet = "process",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights =
        "to signal the process, to start it as its user, and to write its pidfile: be that user, "
        "with write access to the pidfile's folder, or root; CAP_SYS_RESOURCE where its hard "
        "limits "
        "are above ours",
    .example = "- { fault: kill, target: west, for: 5s }",
    .prepare = prepare_ending,
    .inject = inject,
    .prove = prove,
    .undo = undo_ending,
    .gone = ending_gone,
    .close = close_ending,
    .may = may_end,
};

}  // namespace gameday
