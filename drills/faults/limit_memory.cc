// Leaves a container only so much memory more than it has, by the limit of its own control group:
// the brink. One that wants more than that all the same is ended by the kernel, and is started
// again at the latest by the undo.
#include "drills/systems/container_memory.h"
#include "drills/systems/disk.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "leave",
     .type = FieldType::size,
     .help = "How much more than it has now, caches aside, it may still take.",
     .required = true,
     .least = 65536},
};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const auto leave = size_in(deed.arguments, "leave");
  if (!leave) return fail(ErrorCode::invalid, "limit-memory needs `leave`");
  return prepare_memory("limit-memory", *leave, deed, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto undo = prepare(deed, context);
  return undo ? Status() : std::unexpected(undo.error());
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  return hold_memory(undo, context);
}

// By what its control group says that it has and may have. What it has given back since is room.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr std::int64_t kSlack = 1 << 20;
  TRY(memory, held_memory_in(undo));
  TRY(engine, engine_of(memory.held, context));
  TRY(now, look_at_container(engine, memory.held.id, context));
  if (!now.runs) return Proof{false, shown(memory.held) + " is " + now.state, Json::object()};
  TRY(use, use_of(memory.held, engine, context));
  TRY(kills, kills_since(memory.held, memory.since, engine, context));
  const auto left = use.limit - use.memory;
  Proof proof;
  proof.held = holds_memory(now, memory) && use.limit == memory.limit &&
               (left <= memory.leave + memory.leave / 4 + kSlack || kills > 0);
  proof.text = shown(memory.held) + " has " + shown_bytes(use.memory) + " of memory and may have " +
               shown_bytes(use.limit);
  if (kills > 0) proof.text += "; the kernel ended it, or a part of it, for want of more";
  proof.facts = Json::object(
      {{"memory_bytes", use.memory}, {"limit_bytes", use.limit}, {"oom_kills", kills}});
  return proof;
}

}  // namespace

extern const FaultRow limit_memory_fault;
const FaultRow limit_memory_fault{
    .name = "limit-memory",
    .summary = "Leaves a container only so much memory more than it has: it is at the brink.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::restart,
    .effect = Effect::slows,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: limit-memory, target: cache, leave: 8MiB, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = free_memory,
    .gone = memory_freed,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
