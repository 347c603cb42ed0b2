// Lets a container's first process open only so many descriptors more; what it starts from then on
// has that limit too. It is a process of this machine to the kernel: its engine has no such word.
#include "drills/systems/container_held.h"
#include "drills/systems/descriptor_limit.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kLeaveDescriptors};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(held, keep_container(deed, false, context));
  if (!held.process) {
    return fail(ErrorCode::refused, "the process of " + shown(held) + " cannot be seen from here",
                "run gameday on the machine of its engine, outside of any container");
  }
  const auto whom = "process " + std::to_string(held.process->pid) + " of " + shown(held);
  auto undo = prepare_descriptor_limit("limit-descriptors-container", *held.process, whom, deed);
  return undo ? undo : std::unexpected(undo.error().in(shown(held)));
}

// Whoever may read its limits may set them: prlimit(2) asks for the same of both.
Status may(const Deed& deed, const DeedContext& context) {
  const auto undo = prepare(deed, context);
  return undo ? Status() : std::unexpected(undo.error());
}

}  // namespace

extern const FaultRow limit_descriptors_container_fault;
const FaultRow limit_descriptors_container_fault{
    .name = "limit-descriptors-container",
    .summary = "Lets a container's process open only so many files and connections more.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights =
        "to speak to the Docker engine of this machine, and to set the limits of its process: "
        "be its user, in its group, or have CAP_SYS_RESOURCE and CAP_DAC_READ_SEARCH, as root has",
    .example = "- { fault: limit-descriptors-container, target: cache, leave: 5, for: 5s }",
    .prepare = prepare,
    .inject = limit_descriptors,
    .prove = descriptors_limited,
    .undo = free_descriptors,
    .gone = descriptors_freed,
    .close = nullptr,
    .as = "limit-descriptors",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
