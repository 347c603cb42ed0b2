// Lets a running process open only so many descriptors more: what it has open stays, and its next
// files and connections fail, as after a leak.
#include "drills/systems/descriptor_limit.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kLeaveDescriptors};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(pidfile, pidfile_of(*target));
  TRY(facts, process_at(pidfile, context.doors));
  TRY_OK(refuse_our_own(facts, context.doors.processes));
  return prepare_descriptor_limit("limit-descriptors", facts.id, shown(facts), deed);
}

// Whoever may read its limits may set them: prlimit(2) asks for the same of both.
Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(prepare(deed, context));
  return {};
}

}  // namespace

extern const FaultRow limit_descriptors_fault;
const FaultRow limit_descriptors_fault{
    .name = "limit-descriptors",
    .summary = "Lets a process open only so many files and connections more, as after a leak.",
    .fields = kFields,
    .facet = "process",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights =
        "to set the process's limits: be its user, in its group, or root with CAP_SYS_RESOURCE",
    .example = "- { fault: limit-descriptors, target: west, leave: 5, for: 5s }",
    .prepare = prepare,
    .inject = limit_descriptors,
    .prove = descriptors_limited,
    .undo = free_descriptors,
    .gone = descriptors_freed,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
