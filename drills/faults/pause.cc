// Holds a process still: it keeps its memory, its sockets and its place, and does nothing. What is
// left behind by a stop has no mark of its own, so a private file says that this drill began one:
// without it nobody is let go on, because somebody else may have stopped the process.
#include <csignal>
#include <filesystem>

#include "drills/systems/process.h"
#include "drills/systems/standstill.h"

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(2);

struct Pause {
  ProcessId id;
  std::string shown;
  std::string begun;  // the private file
  std::optional<Freezer> freezer;
};

Result<Pause> pause_in(const Undo& undo) {
  TRY(id, process_id_from(undo.arguments.get("process")));
  Pause pause{id, undo.arguments.text("shown"), undo.arguments.text("begun"),
              freezer_from(undo.arguments.get("freezer"))};
  if (pause.begun.empty()) return fail(ErrorCode::corrupt, "a pause's undo lacks its file");
  return pause;
}

// Nothing where it runs, or is gone.
std::string standing_still(const Pause& pause, const Doors& doors) {
  if (pause.freezer) {
    const auto state = frozen(*pause.freezer, doors);
    if (state == Frozen::yes) return "frozen, with its control group " + pause.freezer->folder;
    if (state == Frozen::under_way) return "being frozen";
  }
  const auto activity = activity_of(pause.id, doors);
  return activity && activity->stopped ? "stopped" : "";
}

Result<ProcessFacts> pausable(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(pidfile, pidfile_of(*target));
  TRY(facts, process_at(pidfile, context.doors));
  TRY_OK(refuse_our_own(facts, context.doors.processes));
  TRY_OK(may_signal(facts));
  return facts;
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(pausable(deed, context));
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(facts, pausable(deed, context));
  const Pause pause{facts.id, shown(facts), context.private_folder + "/" + context.mark + ".begun",
                    own_freezer(facts, context.doors)};
  if (const auto state = standing_still(pause, context.doors); !state.empty()) {
    return fail(ErrorCode::conflict, pause.shown + " is already " + state,
                "let it go on first: a pause would change nothing, and its undo too much");
  }
  Undo undo{"pause",
            Json::object(
                {{"process", to_json(pause.id)}, {"shown", pause.shown}, {"begun", pause.begun}})};
  if (pause.freezer) undo.arguments.set("freezer", to_json(*pause.freezer));
  return undo;
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  const Doors& doors = context.doors;
  const auto facts = doors.processes.look(pause.id.pid);
  if (!facts || !doors.processes.alive(pause.id)) {
    return fail(ErrorCode::conflict, pause.shown + " ended before it was paused");
  }
  if (const auto state = standing_still(pause, doors); !state.empty()) {
    return fail(ErrorCode::conflict, pause.shown + " was " + state + " by somebody else meanwhile");
  }
  const auto freezer = own_freezer(*facts, doors);
  if (pause.freezer && (!freezer || freezer->folder != pause.freezer->folder)) {
    return fail(ErrorCode::conflict, "the control group of " + pause.shown + " is not its own now");
  }
  TRY_OK(doors.files.write(pause.begun, pause.shown + "\n", 0600));
  if (pause.freezer) {
    TRY_OK(set_frozen(*pause.freezer, true, doors));
    while (frozen(*pause.freezer, doors) == Frozen::under_way) {
      TRY_OK(doors.clock.pause(kLook, context.until));
    }
    return {};
  }
  TRY_OK(doors.processes.signal(pause.id, SIGSTOP));
  while (standing_still(pause, doors).empty()) {
    if (!doors.processes.alive(pause.id)) {
      return fail(ErrorCode::conflict, pause.shown + " ended while it was being paused");
    }
    TRY_OK(doors.clock.pause(kLook, context.until));
  }
  return {};
}

// That it is stopped is what /proc says; that it does not run is measured.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kWatched = std::chrono::milliseconds(60);
  TRY(pause, pause_in(undo));
  const auto before = activity_of(pause.id, context.doors);
  const auto state = standing_still(pause, context.doors);
  TRY_OK(context.doors.clock.pause(kWatched, context.until));
  const auto after = activity_of(pause.id, context.doors);
  Proof proof;
  proof.facts.set("process", to_json(pause.id));
  if (!before || !after) return Proof{false, pause.shown + " has ended", proof.facts};
  const bool ran = before->ran != after->ran;
  proof.held = !state.empty() && state != "being frozen" && !ran;
  proof.text = pause.shown + " is " + (state.empty() ? "running" : state) +
               (ran ? " and has run meanwhile" : ", and did not run for 60 ms");
  proof.facts.set("state", state).set("ran_before", before->ran).set("ran_after", after->ran);
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  const Doors& doors = context.doors;
  if (!doors.files.exists(pause.begun)) return {};
  Status done;
  // A group is there after its process has ended, and holds still whoever comes into it.
  if (pause.id.boot == boot_id()) {
    done = pause.freezer ? set_frozen(*pause.freezer, false, doors)
                         : doors.processes.signal(pause.id, SIGCONT);
  }
  if (!done && done.error().code != ErrorCode::not_found) return done;
  while (done && pause.freezer && !standing_still(pause, doors).empty()) {
    TRY_OK(doors.clock.pause(kLook, context.until));
  }
  return doors.files.remove(pause.begun);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  const auto state =
      pause.id.boot == boot_id() ? standing_still(pause, context.doors) : std::string();
  const bool begun = context.doors.files.exists(pause.begun);
  const auto folder = std::filesystem::path(pause.begun).parent_path().string();
  Proof proof{.held = state.empty(), .text = pause.shown, .facts = Json::object()};
  proof.facts.set("process", to_json(pause.id)).set("state", state);
  if (state.empty()) {
    proof.text += context.doors.processes.alive(pause.id) ? " runs" : " has ended, and its pause";
  } else if (begun) {
    proof.text += " is still " + state;
  } else if (!context.doors.files.exists(folder)) {
    proof.text += " is " + state + ", and " + folder + ", which would tell by whom, is gone";
  } else {
    proof.held = true;
    proof.text += " is " + state + " by somebody else, not by this drill";
  }
  return proof;
}

}  // namespace

extern const FaultRow pause_fault;
const FaultRow pause_fault{
    .name = "pause",
    .summary = "Holds a process still, as a machine that hangs does; nothing of it is lost.",
    .fields = {},
    .facet = "process",
    .reversal = Reversal::exact,
    .effect = Effect::stops,
    .rights = "to signal the process: be its user, or root",
    .example = "- { fault: pause, target: west, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
