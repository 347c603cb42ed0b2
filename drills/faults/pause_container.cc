// Freezes all processes of a container: its connections stay, and nothing answers. A pause has no
// mark of its own, so a private file says that this drill began one: without it nobody is let go
// on, because somebody else may have paused it.
#include <filesystem>

#include "drills/systems/container_held.h"
#include "drills/systems/standstill.h"

namespace gameday {
namespace {

Status set_paused(const HeldContainer& held, const char* what, const DockerEngine& engine,
                  const DeedContext& context) {
  const auto set = engine.post("/containers/" + held.id + "/" + what, {}, context);
  return set ? Status() : std::unexpected(set.error());
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(held, keep_container(deed, false, context));
  return Undo{"pause-container", to_json(held)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  if (now.paused) {
    return fail(ErrorCode::conflict, shown(held) + " was paused by somebody else meanwhile");
  }
  TRY_OK(context.doors.files.write(held.begun, shown(held) + "\n", 0600));
  return set_paused(held, "pause", engine, context);
}

// That it is paused is what the engine says; that it does not run is measured, where it is seen.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kWatched = std::chrono::milliseconds(60);
  TRY(held, held_container_from(undo.arguments));
  TRY(engine, engine_of(held, context));
  const Doors& doors = context.doors;
  const auto before = held.process ? activity_of(*held.process, doors) : Result<Activity>();
  TRY_OK(doors.clock.pause(kWatched, context.until));
  const auto after = held.process ? activity_of(*held.process, doors) : Result<Activity>();
  TRY(now, look_at_container(engine, held.id, context));
  const bool ran = !before || !after || before->ran != after->ran;
  Proof proof;
  proof.held = now.paused && !ran;
  proof.facts.set("id", held.id).set("state", now.state);
  proof.text = shown(held) + " is " + now.state;
  if (!held.process) return proof;
  proof.facts.set("process", to_json(*held.process));
  proof.text += ", and its process " + std::to_string(held.process->pid) +
                (!before || !after ? " has ended"
                 : ran             ? " has run meanwhile"
                                   : " did not run for 60 ms");
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  if (!context.doors.files.exists(held.begun)) return {};
  TRY(engine, engine_of(held, context));
  const auto now = look_at_container(engine, held.id, context);
  if (!now && now.error().code != ErrorCode::not_found) return std::unexpected(now.error());
  // The file stays until the close: a pause that was under way may arrive after this look.
  if (!now || !now->paused) return {};
  return set_paused(held, "unpause", engine, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  TRY(engine, engine_of(held, context));
  const auto now = look_at_container(engine, held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) {
    return Proof{true, shown(held) + " was removed, and its pause with it"};
  }
  if (!now) return std::unexpected(now.error());
  const bool ours = context.doors.files.exists(held.begun);
  const auto folder = std::filesystem::path(held.begun).parent_path().string();
  Proof proof{.held = !now->paused, .text = shown(held) + " is ", .facts = Json::object()};
  proof.facts.set("id", held.id).set("state", now->state);
  proof.text += (now->paused && ours ? "still " : "") + now->state;
  if (!now->paused || ours) return proof;
  if (!context.doors.files.exists(folder)) {
    proof.text += ", and " + folder + ", which would tell by whom, is gone";
  } else {
    proof.held = true;
    proof.text += " by somebody else, not by this drill";
  }
  return proof;
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  return context.doors.files.remove(held.begun);
}

}  // namespace

extern const FaultRow pause_container_fault;
const FaultRow pause_container_fault{
    .name = "pause-container",
    .summary = "Freezes a container, as a machine that hangs does; nothing of it is lost.",
    .fields = {},
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::stops,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: pause-container, target: cache, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .as = "pause",
};

}  // namespace gameday
