// Removes a container, and makes it anew from what it was made of: what it wrote outside of its
// volumes is gone for good, and whoever knew its address must find it again. Its configuration
// holds secrets, and so lies in a private file.
#include "drills/systems/container_again.h"
#include "drills/systems/container_held.h"
#include "drills/systems/waiting.h"

namespace gameday {
namespace {

constexpr Duration kGoes = std::chrono::seconds(10);

Result<Json> kept_recipe(const Undo& undo, const DeedContext& context) {
  const auto path = undo.arguments.text("recipe");
  if (path.empty()) return fail(ErrorCode::corrupt, "the undo of a container lacks its file");
  auto text = context.doors.files.read(path);
  if (!text) return std::unexpected(text.error().in("what the container was made of"));
  return Json::parse(*text);
}

// Others that live in its network or its processes would be left without them.
Status refuse_shared(const Container& container, const DockerEngine& engine,
                     const DeedContext& context) {
  TRY(listed, engine.get("/containers/json", context));
  if (!listed.is_array()) return {};
  for (const Json& one : listed.items()) {
    if (one.get("HostConfig").text("NetworkMode") != "container:" + container.id) continue;
    const auto& names = one.items("Names");
    const std::string name = names.empty() ? one.text("Id") : names.front().text();
    return fail(ErrorCode::refused, "container " + name + " lives in the network of " +
                                        shown(container) + ", and would be left without one");
  }
  return {};
}

// Only that it is gone lets another one have its name.
bool is_gone(const HeldContainer& held, const DockerEngine& engine, const DeedContext& context) {
  const auto now = look_at_container(engine, held.id, context);
  return !now && now.error().code == ErrorCode::not_found;
}

Status remove(const HeldContainer& held, const DockerEngine& engine, const DeedContext& context) {
  const auto done = engine.drop("/containers/" + held.id + "?force=true", context);
  // conflict: its removal is under way.
  const bool goes =
      done || done.error().code == ErrorCode::not_found || done.error().code == ErrorCode::conflict;
  if (!goes) return std::unexpected(done.error());
  return wait_until_it([&] { return is_gone(held, engine, context); }, context, kGoes);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(held, keep_container(deed, true, context));
  TRY(engine, engine_of(held, context));
  TRY(container, look_at_container(engine, held.id, context));
  TRY_OK(refuse_shared(container, engine, context));
  TRY(recipe, recipe_of(container, engine, context));
  const std::string path = context.private_folder + "/" + context.mark + ".container.json";
  TRY_OK(context.doors.files.write(path, recipe.dump() + "\n", 0600));
  Undo undo{"recreate-container", to_json(held)};
  undo.arguments.set("recipe", path);
  return undo;
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  TRY_OK(kept_recipe(undo, context));
  TRY(engine, engine_of(held, context));
  TRY_OK(still_held(held, engine, context));
  TRY_OK(context.doors.files.write(held.begun, shown(held) + "\n", 0600));
  return remove(held, engine, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  TRY(engine, engine_of(held, context));
  Proof proof{.held = false, .text = shown(held), .facts = Json::object({{"id", held.id}})};
  const auto now = look_at_container(engine, held.name, context);
  if (!now && now.error().code != ErrorCode::not_found) return std::unexpected(now.error());
  proof.held = !now;
  proof.text += now ? " is " + now->state : " was removed, and nobody has its name";
  if (now && now->id != held.id) proof.text = shown(*now) + " is in its place already";
  return proof;
}

// One that has its name and does not run may be what a death in the middle of this has left, or
// somebody else's: what is ours was made of the same.
Status refuse_theirs(const Json& recipe, const Container& now, const DockerEngine& engine,
                     const DeedContext& context) {
  TRY(is, recipe_of(now, engine, context));
  const auto differs = difference(recipe.get("create"), is.get("create"));
  if (differs.empty()) return {};
  return fail(ErrorCode::conflict,
              shown(now) + " has its name, does not run and was made otherwise: " + differs,
              "start it, if it is the one that is wanted; else remove it, and gameday revert");
}

// The new one, made and joined as far as a death before left it undone.
Result<Container> made_again(const HeldContainer& held, const Json& recipe,
                             const DockerEngine& engine, const DeedContext& context) {
  auto now = look_at_container(engine, held.name, context);
  if (!now && now.error().code == ErrorCode::not_found) {
    TRY(id, make_container(recipe, engine, context));
    return look_at_container(engine, id, context);
  }
  if (!now || now->runs) return now;
  TRY_OK(refuse_theirs(recipe, *now, engine, context));
  TRY_OK(join_networks(recipe, *now, engine, context));
  return now;
}

Status start(const Container& container, const DockerEngine& engine, const DeedContext& context) {
  const auto started = engine.post("/containers/" + container.id + "/start", {}, context);
  return started ? Status() : std::unexpected(started.error().in(shown(container)));
}

bool is_going(const Container& container) {
  return container.state == "removing" || container.state == "dead";
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  // One that was never removed is left as it is, whoever has done what to it.
  if (!context.doors.files.exists(held.begun)) return {};
  TRY(recipe, kept_recipe(undo, context));
  TRY(engine, engine_of(held, context));
  const auto old = look_at_container(engine, held.id, context);
  if (!old && old.error().code != ErrorCode::not_found) return std::unexpected(old.error());
  if (old && old->runs) return {};
  // No start of one whose removal is under way would last. Another one was never removed: it ended
  // by itself or with its machine, and has what it wrote.
  if (old && !is_going(*old)) return start(*old, engine, context);
  if (old) TRY_OK(remove(held, engine, context));
  auto now = made_again(held, recipe, engine, context);
  if (!now) return std::unexpected(now.error().in(shown(held) + " cannot be made again"));
  return now->runs ? Status() : start(*now, engine, context);
}

// It is back where it is what it was, whoever has made it: the recipe of it says so.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  constexpr Duration kStays = std::chrono::milliseconds(150);
  TRY(held, held_container_from(undo.arguments));
  TRY(recipe, kept_recipe(undo, context));
  TRY(engine, engine_of(held, context));
  const auto first = look_at_container(engine, held.name, context);
  if (!first && first.error().code == ErrorCode::not_found) {
    return Proof{false, shown(held) + " was removed, and nobody has its name"};
  }
  if (!first) return std::unexpected(first.error());
  TRY_OK(context.doors.clock.pause(kStays, context.until));
  TRY(now, look_at_container(engine, held.name, context));
  TRY(is, recipe_of(now, engine, context));
  Proof proof{.held = false, .text = shown(now), .facts = Json::object({{"id", now.id}})};
  const auto differs = difference(recipe, is);
  if (!now.runs || now.started != first->started) {
    proof.text += " is " + now.state + ", exit code " + std::to_string(now.exit_code);
  } else if (!differs.empty()) {
    proof.text += " runs, and was made otherwise than " + shown(held) + ": " + differs;
  } else {
    proof.held = true;
    proof.text += now.id == held.id ? " runs" : " runs in place of " + shown(held) + ", made alike";
  }
  return proof;
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(held, held_container_from(undo.arguments));
  TRY_OK(context.doors.files.remove(held.begun));
  return context.doors.files.remove(undo.arguments.text("recipe"));
}

}  // namespace

extern const FaultRow recreate_container_fault;
const FaultRow recreate_container_fault{
    .name = "recreate-container",
    .summary =
        "Removes a container and makes it anew, with its configuration, volumes, networks, aliases "
        "and fixed addresses; what it wrote elsewhere is lost.",
    .fields = {},
    .facet = "container",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: recreate-container, target: cache, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
};

}  // namespace gameday
