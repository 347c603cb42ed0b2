// Leaves a container only so much of one core, by the quota of its own control group, which its
// engine sets: nobody beside it is slowed. A quota has no mark: ours is known by its value, and
// another one than ours is somebody else's and newer.
#include <algorithm>

#include "drills/systems/container_limits.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr double kLeast = 0.01;  // of a core: less is no quota that the kernel takes

constexpr Field kFields[] = {
    {.name = "leave",
     .type = FieldType::percent,
     .help = "How much of one core it may still use.",
     .required = true,
     .least = kLeast,
     .most = 1},
};

struct Limiting {
  HeldContainer held;
  ContainerLimits before;
  double leave = 0;
};

Result<Limiting> limiting_in(const Undo& undo) {
  TRY(held, held_container_from(undo.arguments));
  const double leave = undo.arguments.number("leave", 0);
  if (leave <= 0 || undo.arguments.find("before") == nullptr) {
    return fail(ErrorCode::corrupt, "an undo of limit-cpu lacks its limits");
  }
  return Limiting{std::move(held), container_limits_from(undo.arguments.get("before")), leave};
}

// Whether the quota is the one that this deed sets.
bool is_ours(const Container& now, const Limiting& limiting) {
  return cores_of(limits_of(now)) == cores_of(with_cores(limiting.before, limiting.leave));
}

std::string percent(double ratio) {
  const auto tenths = static_cast<std::int64_t>(ratio * 1000 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const double leave = percent_in(deed.arguments, "leave").value_or(0);
  if (leave < kLeast) return fail(ErrorCode::invalid, "limit-cpu needs `leave`");
  TRY(held, keep_container(deed, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  const auto before = limits_of(now);
  TRY(info, engine.get("/info", context));
  const double most =
      cores_of(before) > 0 ? cores_of(before) : static_cast<double>(info.integer("NCPU", 0));
  if (leave >= most && most > 0) {
    return fail(ErrorCode::refused, shown(held) + " has " + percent(most) +
                                        " of a core as it is: leaving it " + percent(leave) +
                                        " would change nothing");
  }
  Undo undo{"limit-cpu", to_json(held)};
  undo.arguments.set("before", to_json(before)).set("leave", leave);
  return undo;
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto undo = prepare(deed, context);
  return undo ? Status() : std::unexpected(undo.error());
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(limiting, limiting_in(undo));
  TRY(engine, engine_of(limiting.held, context));
  TRY(now, still_held(limiting.held, engine, context));
  if (cores_of(limits_of(now)) != cores_of(limiting.before)) {
    return fail(ErrorCode::conflict,
                "the quota of " + shown(limiting.held) + " was changed by somebody else meanwhile");
  }
  return set_cores(limiting.held, with_cores(limiting.before, limiting.leave), engine, context);
}

// That it was held up is what its control group counts; one that wants less than it is left is
// slowed by nothing.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kLook = std::chrono::milliseconds(300), kWithin = std::chrono::seconds(4);
  constexpr double kNearly = 1.3, kSlack = 0.02;
  TRY(limiting, limiting_in(undo));
  TRY(engine, engine_of(limiting.held, context));
  TRY(now, look_at_container(engine, limiting.held.id, context));
  if (!now.runs) return Proof{false, shown(limiting.held) + " is " + now.state, Json::object()};
  if (!is_ours(now, limiting)) {
    return Proof{false, "the quota of " + shown(limiting.held) + " is not the one of this deed",
                 Json::object()};
  }
  const Clock& clock = context.doors.clock;
  const Instant last = clock.in(kWithin);
  Proof proof;
  while (!proof.held) {
    TRY(before, use_of(limiting.held, engine, context));
    const Instant begun = clock.now().boot;
    TRY_OK(clock.pause(kLook, context.until));
    TRY(after, use_of(limiting.held, engine, context));
    const double used = (after.cores_s - before.cores_s) / seconds(clock.now().boot - begun);
    const auto held_up = after.throttled - before.throttled;
    proof.held = held_up > 0 && used <= limiting.leave * kNearly + kSlack;
    proof.facts = Json::object({{"used", used}, {"left", limiting.leave}, {"throttled", held_up}});
    proof.text = shown(limiting.held) + " uses " + percent(used) + " of a core, is left " +
                 percent(limiting.leave) + ", and was held up " + std::to_string(held_up) +
                 " times in " + std::to_string(after.periods - before.periods);
    if (clock.now().boot >= last) break;
  }
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(limiting, limiting_in(undo));
  TRY(engine, engine_of(limiting.held, context));
  const auto now = look_at_container(engine, limiting.held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) return {};
  if (!now) return std::unexpected(now.error());
  return is_ours(*now, limiting) ? set_cores(limiting.held, limiting.before, engine, context)
                                 : Status();
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(limiting, limiting_in(undo));
  TRY(engine, engine_of(limiting.held, context));
  const auto now = look_at_container(engine, limiting.held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) {
    return Proof{true, shown(limiting.held) + " was removed, and its quota with it",
                 Json::object()};
  }
  if (!now) return std::unexpected(now.error());
  const double cores = cores_of(limits_of(*now));
  return Proof{!is_ours(*now, limiting),
               shown(limiting.held) +
                   (cores > 0 ? " may use " + percent(cores) + " of a core" : " has no quota"),
               Json::object({{"cores", cores}})};
}

}  // namespace

extern const FaultRow limit_cpu_fault;
const FaultRow limit_cpu_fault{
    .name = "limit-cpu",
    .summary = "Leaves a container only so much processor time, as a noisy neighbour does.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: limit-cpu, target: cache, leave: 5%, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
