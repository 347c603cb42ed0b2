#include "drills/systems/container_memory.h"

#include "drills/systems/disk.h"

namespace gameday {
namespace {

constexpr std::int64_t kLeastLimit = 6 << 20;  // an engine takes no lower one
constexpr std::int64_t kPage = 4096;

}  // namespace

Result<HeldMemory> held_memory_in(const Undo& undo) {
  TRY(held, held_container_from(undo.arguments));
  HeldMemory memory{std::move(held), container_limits_from(undo.arguments.get("before")),
                    undo.arguments.integer("leave", -1), undo.arguments.integer("limit", 0),
                    undo.arguments.text("since")};
  if (memory.leave < 0 || memory.limit <= 0 || memory.since.empty()) {
    return fail(ErrorCode::corrupt, "an undo of a container's memory lacks a limit or a time");
  }
  return memory;
}

Result<Undo> prepare_memory(std::string_view kind, std::int64_t leave, const Deed& deed,
                            const DeedContext& context) {
  TRY(held, keep_container(deed, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  if (now.removed_at_end) {
    return fail(ErrorCode::refused,
                shown(held) + " was started with --rm: its engine removes it when it ends",
                "start it without --rm");
  }
  const auto before = limits_of(now);
  TRY(use, use_of(held, engine, context));
  TRY(since, time_of(engine, context));
  const std::int64_t limit = (use.memory + leave + kPage - 1) / kPage * kPage;
  const std::string would = "leaving " + shown_bytes(leave) + " to " + shown(held) +
                            ", which has " + shown_bytes(use.memory);
  if (before.memory > 0 && limit >= before.memory) {
    return fail(ErrorCode::refused,
                would + ", would change nothing: its limit is " + shown_bytes(before.memory));
  }
  const auto least = std::max(kLeastLimit, before.reserved);
  if (limit < least) {
    return fail(ErrorCode::refused,
                would + ", would be a limit of " + shown_bytes(limit) +
                    ", and its engine takes none below " + shown_bytes(least),
                "leave it " + shown_bytes(least - use.memory) + " or more");
  }
  Undo undo{std::string(kind), to_json(held)};
  undo.arguments.set("before", to_json(before))
      .set("leave", leave)
      .set("limit", limit)
      .set("since", since);
  return undo;
}

bool holds_memory(const Container& now, const HeldMemory& memory) {
  return limits_of(now).memory == memory.limit;
}

Status hold_memory(const Undo& undo, const DeedContext& context) {
  TRY(memory, held_memory_in(undo));
  TRY(engine, engine_of(memory.held, context));
  TRY(now, still_held(memory.held, engine, context));
  if (limits_of(now).memory != memory.before.memory) {
    return fail(ErrorCode::conflict, "the memory limit of " + shown(memory.held) +
                                         " was changed by somebody else meanwhile");
  }
  // The kernel takes no limit below what it has just now, which may be less a moment later.
  constexpr int kTries = 4;
  constexpr Duration kMoment = std::chrono::milliseconds(250);
  const auto limits = with_memory(memory.before, memory.limit);
  for (int left = kTries;; --left) {
    auto set = set_memory(memory.held, limits, engine, context);
    if (set || left == 1) return set;
    TRY_OK(context.doors.clock.pause(kMoment, context.until));
  }
}

Status free_memory(const Undo& undo, const DeedContext& context) {
  TRY(memory, held_memory_in(undo));
  TRY(engine, engine_of(memory.held, context));
  const auto now = look_at_container(engine, memory.held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) return {};
  if (!now) return std::unexpected(now.error());
  if (holds_memory(*now, memory)) {
    TRY_OK(set_memory(memory.held, memory.before, engine, context));
  }
  return start_after_kill(memory.held, engine, context);
}

Result<Proof> memory_freed(const Undo& undo, const DeedContext& context) {
  TRY(memory, held_memory_in(undo));
  TRY(engine, engine_of(memory.held, context));
  const auto now = look_at_container(engine, memory.held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) {
    return Proof{true, shown(memory.held) + " was removed, and its limit with it", Json::object()};
  }
  if (!now) return std::unexpected(now.error());
  if (holds_memory(*now, memory)) {
    return Proof{false, shown(memory.held) + " is still limited to " + shown_bytes(memory.limit),
                 Json::object()};
  }
  const bool killed = !now->runs && now->all.get("State").boolean("OOMKilled", false);
  Proof proof{.held = !killed && now->state != "restarting",
              .text = "the limit of " + shown(memory.held) + " is as it was, and it ",
              .facts = Json::object({{"state", now->state}, {"started", now->started}})};
  proof.text += !now->runs                            ? "is " + now->state
                : now->started == memory.held.started ? "runs"
                                                      : "runs again";
  return proof;
}

}  // namespace gameday
