// Lets one process live in another time: its clocks since boot, on which timeouts and leases run,
// or its time of day, by which tokens and certificates expire. A running process keeps its clocks,
// so it is started again for it, and once more at the end.
#include <cstdlib>
#include <ctime>

#include "drills/systems/clock_skew.h"
#include "drills/systems/own_rights.h"
#include "drills/systems/waiting.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kClocks[] = {"monotonic", "realtime"};
constexpr std::string_view kDirections[] = {"ahead", "behind"};
constexpr std::string_view kNoUrl = "none";

constexpr Field kFields[] = {
    {.name = "clock",
     .type = FieldType::choice,
     .help = "monotonic: its clocks since boot, by a time namespace; realtime: its time of day, by "
             "libfaketime, since the kernel keeps that once for all.",
     .required = true,
     .choices = kClocks},
    {.name = "by",
     .type = FieldType::duration,
     .help = "How far its clock is set off from ours.",
     .required = true,
     .least = 1,
     .most = 315360000},
    {.name = "direction",
     .type = FieldType::choice,
     .help = "Whether its clock is ahead of ours or behind.",
     .otherwise = "ahead",
     .choices = kDirections},
    {.name = "url",
     .type = FieldType::text,
     .help =
         "With realtime: where the process answers HTTP. Its Date header shows what time it has.",
     .otherwise = kNoUrl},
};

// A Date header has whole seconds, and the answer takes a moment.
constexpr Duration kTolerance = std::chrono::seconds(2);

Result<ClockSkew> skew_in(const Undo& undo) { return clock_skew_from(undo.arguments); }

bool is_realtime(const ClockSkew& skew) { return !skew.library.empty(); }

std::string shown_skew(Duration ahead) {
  if (ahead < kTolerance && ahead > -kTolerance) return "as ours";
  const auto seconds = std::chrono::round<std::chrono::seconds>(ahead).count();
  return std::to_string(std::abs(seconds)) + " s " +
         (seconds > 0 ? "ahead of ours" : "behind ours");
}

// To make a time namespace is the one's, and to set its clocks the other's.
Status may_set_clocks() {
  const auto lacks = lacking({cap::kSysAdmin, cap::kSysTime});
  if (lacks.empty()) return {};
  return fail(ErrorCode::refused, "no time namespace can be made and set: " + lacks,
              "run gameday as root");
}

Status refuse_time_namespace(const ClockSkew& skew) {
  TRY(already, clocks_ahead(skew.lost.facts.id.pid));
  if (already != Duration{}) {
    return fail(ErrorCode::unsupported,
                shown(skew.lost.facts) + " has clocks of its own already, which would be lost");
  }
  TRY_OK(may_set_clocks());
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (std::chrono::seconds(now.tv_sec) + skew.ahead > std::chrono::seconds(1)) return {};
  return fail(ErrorCode::refused,
              "this machine has run for " + std::to_string(now.tv_sec) +
                  " s only: no clock since boot can be that far behind",
              "say less with `by`");
}

// Its time must be ours now, or the proof would show nothing.
Status refuse_realtime(const ClockSkew& skew, const DeedContext& context) {
  if (skew.url == kNoUrl) {
    return fail(ErrorCode::invalid,
                "skew-clock with `clock: realtime` needs `url`: nothing else shows which time of "
                "day a process has");
  }
  if (skew.ahead > -3 * kTolerance && skew.ahead < 3 * kTolerance) {
    return fail(ErrorCode::invalid,
                "`by` must be at least 6s with realtime: a Date header has "
                "whole seconds");
  }
  TRY(ahead, date_ahead(skew.url, context));
  if (ahead < kTolerance && ahead > -kTolerance) return {};
  return fail(ErrorCode::refused,
              "the time of " + skew.url + " is " + shown_skew(ahead) + " before anything was done");
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  const auto by = duration_in(deed.arguments, "by");
  if (!by) return fail(ErrorCode::invalid, "skew-clock needs `by`");
  const bool behind = deed.arguments.text("direction") == "behind";
  ClockSkew skew{{}, behind ? -*by : *by, "", deed.arguments.text("url", kNoUrl)};
  if (deed.arguments.text("clock") == "realtime") {
    TRY(library, faketime_library());
    skew.library = library;
  }
  TRY(lost, keep_for_restart(*target, context));
  skew.lost = lost;
  TRY_OK(is_realtime(skew) ? refuse_realtime(skew, context) : refuse_time_namespace(skew));
  return Undo{"skew-clock", to_json(skew)};
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(may_end(deed, context));
  if (deed.arguments.text("clock") != "realtime") return may_set_clocks();
  const auto library = faketime_library();
  return library ? Status() : fail(ErrorCode::refused, library.error().text, library.error().hint);
}

bool is_far_enough(const ClockSkew& skew, Duration ahead) {
  return ahead > skew.ahead - kTolerance && ahead < skew.ahead + kTolerance;
}

// It needs a moment until it answers.
Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(skew, skew_in(undo));
  TRY_OK(start_skewed(skew, context));
  if (!is_realtime(skew)) return {};
  return wait_until_it([&] { return date_ahead(skew.url, context).has_value(); }, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kStays = std::chrono::milliseconds(150);
  TRY(skew, skew_in(undo));
  auto skewed = skewed_by(skew, context.doors);
  if (skewed.empty()) return Proof{false, "no process runs with a clock that this deed has set"};
  TRY_OK(context.doors.clock.pause(kStays, context.until));
  const ProcessFacts& one = skewed.front();
  if (!context.doors.processes.alive(one.id)) {
    return Proof{false, shown(one) + " was started with another clock and ended at once"};
  }
  TRY(ahead, is_realtime(skew) ? date_ahead(skew.url, context) : clocks_ahead(one.id.pid));
  Proof proof{is_far_enough(skew, ahead),
              (is_realtime(skew) ? "the time of day of " : "the clock since boot of ") +
                  shown(one) + " is " + shown_skew(ahead)};
  proof.facts.set("ahead_s", std::chrono::duration<double>(ahead).count());
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(skew, skew_in(undo));
  TRY_OK(end_skew(skew, context));
  if (!is_realtime(skew)) return {};
  return wait_until_it([&] { return date_ahead(skew.url, context).has_value(); }, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(skew, skew_in(undo));
  const auto skewed = skewed_by(skew, context.doors);
  if (!skewed.empty()) {
    return Proof{false, shown(skewed.front()) + " still runs with the clock that was set"};
  }
  TRY(place, in_its_place(skew.lost, context));
  if (!place.held) return place;
  TRY(back, process_id_from(place.facts.get("process")));
  TRY(ahead, is_realtime(skew) ? date_ahead(skew.url, context) : clocks_ahead(back.pid));
  place.held = ahead < kTolerance && ahead > -kTolerance;
  place.text += "; its clock is " + shown_skew(ahead);
  return place;
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(skew, skew_in(undo));
  return context.doors.files.remove(skew.lost.environment);
}

}  // namespace

extern const FaultRow skew_clock_fault;
const FaultRow skew_clock_fault{
    .name = "skew-clock",
    .summary =
        "Starts a process again with its clock ahead of ours or behind, and back at the end.",
    .fields = kFields,
    .facet = "process",
    .reversal = Reversal::restart,
    .effect = Effect::slows,
    .rights =
        "as kill; besides, with monotonic CAP_SYS_ADMIN and CAP_SYS_TIME, for a time namespace and "
        "its clocks, with realtime the package faketime",
    .example = "- { fault: skew-clock, target: west, clock: monotonic, by: 1h, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may,
};

}  // namespace gameday
