// Asks a container's process to end, and kills it when its time is over, as an orderly shutdown
// does. A private file says that we have begun: one that was asked is on its way down, and an undo
// that took it for one that runs would leave it to end later.
#include "drills/systems/container_held.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

// The runtime gives an injection 15 s, and an undo 20 s.
constexpr double kLongestGrace = 10;
constexpr Duration kEnds = std::chrono::seconds(4);

constexpr Field kFields[] = {
    {.name = "grace",
     .type = FieldType::duration,
     .help = "How long it may take to end by itself before it is killed; 10s at most.",
     .otherwise = "10s",
     .most = kLongestGrace},
};

// Until it is down; nothing is sent to one that is.
Status end_it(const HeldContainer& held, Duration grace, const DockerEngine& engine,
              const DeedContext& context) {
  TRY_OK(wait_until_down(held, engine, grace, context));
  TRY(now, look_at_container(engine, held.id, context));
  if (!now.runs || now.started != held.started) return {};
  const auto killed = signal_container(held, "SIGKILL", engine, context);
  if (!killed && killed.error().code != ErrorCode::conflict) return killed;
  return wait_until_down(held, engine, kEnds, context);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(held, keep_container(deed, true, context));
  Undo undo{"stop-container", to_json(held)};
  const auto grace = duration_in(deed.arguments, "grace");
  undo.arguments.set("grace_s", seconds(grace.value_or(std::chrono::seconds(10))));
  return undo;
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  TRY_OK(stay_down(held, engine, context));
  TRY_OK(context.doors.files.write(held.begun, shown(held) + "\n", 0600));
  TRY_OK(signal_container(held, now.stop_signal, engine, context));
  return end_it(held, from_seconds(undo.arguments.number("grace_s", 0)), engine, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  return is_down(held, context);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  if (context.doors.files.exists(held.begun)) {
    TRY(engine, engine_of(held, context));
    const auto now = look_at_container(engine, held.id, context);
    if (now && now->runs && now->started == held.started) {
      TRY_OK(end_it(held, from_seconds(undo.arguments.number("grace_s", 0)), engine, context));
    }
  }
  TRY_OK(put_back(held, context));
  return context.doors.files.remove(held.begun);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  if (context.doors.files.exists(held.begun)) {
    return Proof{false, shown(held) + " was asked to end, and has not been put back"};
  }
  return is_back(held, context);
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  return context.doors.files.remove(held.begun);
}

}  // namespace

extern const FaultRow stop_container_fault;
const FaultRow stop_container_fault{
    .name = "stop-container",
    .summary = "Stops a container as an orderly shutdown does; the same one is started again.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: stop-container, target: cache, grace: 1s, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
};

}  // namespace gameday
