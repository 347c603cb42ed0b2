// Takes a container's memory down to what it has, so that the kernel ends it when it next wants
// more, as it does with one that leaks. Whether its engine starts it again by its policy is its
// own affair; at the latest the undo does. The limit stays until then.
#include "drills/systems/container_memory.h"
#include "drills/systems/waiting.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "leave",
     .type = FieldType::size,
     .help = "How much more than it has now, caches aside, it may take until it is ended; an "
             "engine takes no limit below 6 MiB.",
     .otherwise = "64KiB"},
    {.name = "within",
     .type = FieldType::duration,
     .help = "How long is waited until it wants more: one that never does is not ended, and the "
             "fault is not proven.",
     .otherwise = "8s",
     .least = 0.001,
     .most = 12},
};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  return prepare_memory("oom-kill", size_in(deed.arguments, "leave").value_or(0), deed, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto undo = prepare(deed, context);
  return undo ? Status() : std::unexpected(undo.error());
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY_OK(hold_memory(undo, context));
  TRY(memory, held_memory_in(undo));
  TRY(engine, engine_of(memory.held, context));
  return wait_until_it(
      [&]() -> Result<bool> {
        TRY(kills, kills_since(memory.held, memory.since, engine, context));
        return kills > 0;
      },
      context, duration_in(deed.arguments, "within").value_or(std::chrono::seconds(8)));
}

// Its engine hears of it from the kernel.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(memory, held_memory_in(undo));
  TRY(engine, engine_of(memory.held, context));
  TRY(kills, kills_since(memory.held, memory.since, engine, context));
  TRY(now, look_at_container(engine, memory.held.id, context));
  const bool killed = now.all.get("State").boolean("OOMKilled", false);
  const bool again = now.started != memory.held.started;
  Proof proof;
  proof.held = kills > 0;
  proof.facts = Json::object({{"oom_kills", kills},
                              {"oom_killed", killed},
                              {"state", now.state},
                              {"exit_code", now.exit_code},
                              {"restarts", now.restarts}});
  proof.text =
      kills == 0 ? "the kernel has ended nothing of " + shown(memory.held) +
                       ": it has not wanted more memory than it is left"
                 : "the kernel ended a process of " + shown(memory.held) + ", whose memory was out";
  proof.text += again ? "; it was started again, and is " + now.state : "; it is " + now.state;
  if (killed && !now.runs) proof.text += ", exit code " + std::to_string(now.exit_code);
  return proof;
}

}  // namespace

extern const FaultRow oom_kill_fault;
const FaultRow oom_kill_fault{
    .name = "oom-kill",
    .summary = "Takes a container's memory down to what it has until the kernel ends it.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: oom-kill, target: cache, leave: 8MiB, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = free_memory,
    .gone = memory_freed,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
