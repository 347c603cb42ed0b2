// Kills a container's process. Its restart policy is taken away meanwhile: what the engine starts
// again at once would be no fault that holds.
#include "drills/systems/container_held.h"

namespace gameday {
namespace {

constexpr Duration kEnds = std::chrono::seconds(10);

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(held, keep_container(deed, true, context));
  return Undo{"kill-container", to_json(held)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  TRY_OK(stay_down(held, engine, context));
  TRY_OK(signal_container(held, "SIGKILL", engine, context));
  return wait_until_down(held, engine, kEnds, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  return is_down(held, context);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  return put_back(held, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  return is_back(held, context);
}

}  // namespace

extern const FaultRow kill_container_fault;
const FaultRow kill_container_fault{
    .name = "kill-container",
    .summary = "Kills a container as a crash does; the same container is started again.",
    .fields = {},
    .facet = "container",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: kill-container, target: cache, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .as = "kill",
};

}  // namespace gameday
