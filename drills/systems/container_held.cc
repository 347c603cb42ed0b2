#include "drills/systems/container_held.h"

#include "drills/systems/waiting.h"
#include "engine/sys/processes_look.h"

namespace gameday {
namespace {

constexpr std::size_t kShortId = 12;
constexpr std::string_view kNoPolicy = "no";

std::string path_of(const HeldContainer& held, const std::string& what) {
  return "/containers/" + held.id + "/" + what;
}

Status set_policy(const HeldContainer& held, const std::string& policy, std::int64_t retries,
                  const DockerEngine& engine, const DeedContext& context) {
  const Json body = Json::object(
      {{"RestartPolicy", Json::object({{"Name", policy}, {"MaximumRetryCount", retries}})}});
  Status set;
  // Until the engine has noticed that a container has ended, it hands this on to a runtime that
  // has.
  const auto taken = [&] {
    const auto answer = engine.post(path_of(held, "update"), body, context);
    set = answer ? Status()
                 : std::unexpected(answer.error().in("the restart policy of " + shown(held)));
    return set || !set.error().text.contains("container not running");
  };
  TRY_OK(wait_until_it(taken, context));
  return set;
}

// An engine elsewhere, or one that numbers processes in another namespace, names a pid that is
// somebody else's here: only a process whose control group has the container's id is its. Of both,
// the kernel tells everybody.
std::optional<ProcessId> seen_process(const Container& container, const Doors& doors) {
  const auto pid = static_cast<pid_t>(container.pid);
  const auto stat = proc::stat_of(pid);
  const auto groups = doors.files.read("/proc/" + std::to_string(pid) + "/cgroup", 1 << 16);
  if (!stat || stat->dead || !groups || !groups->contains(container.id)) return std::nullopt;
  return ProcessId{boot_id(), pid, stat->start};
}

// The one that has its name now and runs, where the one that was kept is gone.
Result<Container> in_its_place(const HeldContainer& held, const DockerEngine& engine,
                               const DeedContext& context) {
  auto other = look_at_container(engine, held.name, context);
  if (other && other->runs) return other;
  if (!other && other.error().code != ErrorCode::not_found) return other;
  return fail(ErrorCode::not_found,
              shown(held) + " was removed by somebody else, and nobody of its name runs",
              "make it again as it was made: docker compose up -d, or docker run");
}

}  // namespace

Json to_json(const HeldContainer& held) {
  Json value = Json::object({{"endpoint", to_json(held.endpoint)},
                             {"engine", held.engine},
                             {"id", held.id},
                             {"name", held.name},
                             {"started", held.started},
                             {"policy", held.policy},
                             {"retries", held.retries},
                             {"begun", held.begun}});
  if (held.process) value.set("process", to_json(*held.process));
  return value;
}

Result<HeldContainer> held_container_from(const Json& value) {
  TRY(endpoint, docker_endpoint_from(value.get("endpoint")));
  HeldContainer held{endpoint,
                     value.text("engine"),
                     value.text("id"),
                     value.text("name"),
                     value.text("started"),
                     value.text("policy"),
                     value.integer("retries", 0),
                     value.text("begun"),
                     std::nullopt};
  if (held.id.empty() || held.name.empty() || held.engine.empty() || held.begun.empty()) {
    return fail(ErrorCode::corrupt, "a container's undo lacks its id, name, engine or file");
  }
  if (const Json* process = value.find("process")) {
    TRY(id, process_id_from(*process));
    held.process = id;
  }
  return held;
}

std::string shown(const HeldContainer& held) {
  return "container " + held.name + " (" + held.id.substr(0, kShortId) + ")";
}

Result<HeldContainer> keep_container(const Deed& deed, bool to_end, const DeedContext& context) {
  TRY(engine, DockerEngine::open(context));
  TRY(container, container_of(deed, engine, context));
  if (to_end && container.removed_at_end) {
    return fail(ErrorCode::refused,
                shown(container) + " was started with --rm: its engine removes it when it ends",
                "start it without --rm");
  }
  if (container.paused) {
    return fail(ErrorCode::conflict, shown(container) + " is already paused",
                "let it go on first: docker unpause " + container.name);
  }
  TRY(id, engine.id(context));
  return HeldContainer{engine.endpoint(),
                       id,
                       container.id,
                       container.name,
                       container.started,
                       container.policy,
                       container.retries,
                       context.private_folder + "/" + context.mark + ".begun",
                       seen_process(container, context.doors)};
}

Result<DockerEngine> engine_of(const HeldContainer& held, const DeedContext& context) {
  TRY(engine, DockerEngine::open(held.endpoint, context));
  TRY(id, engine.id(context));
  if (id == held.engine) return engine;
  return fail(ErrorCode::conflict,
              engine.shown() + " is " + id + ", and " + shown(held) + " was one of " + held.engine);
}

Result<Container> still_held(const HeldContainer& held, const DockerEngine& engine,
                             const DeedContext& context) {
  auto now = look_at_container(engine, held.id, context);
  if (!now && now.error().code != ErrorCode::not_found) return now;
  if (now && now->runs && now->started == held.started) return now;
  return fail(ErrorCode::conflict, shown(held) +
                                       " ended, or was started anew, since it was looked "
                                       "at");
}

Status stay_down(const HeldContainer& held, const DockerEngine& engine,
                 const DeedContext& context) {
  if (held.policy == kNoPolicy) return {};
  return set_policy(held, std::string(kNoPolicy), 0, engine, context);
}

Status signal_container(const HeldContainer& held, const std::string& signal,
                        const DockerEngine& engine, const DeedContext& context) {
  const auto sent =
      engine.post(path_of(held, "kill?signal=" + percent_encoded(signal)), {}, context);
  return sent ? Status() : std::unexpected(sent.error());
}

Status wait_until_down(const HeldContainer& held, const DockerEngine& engine, Duration at_most,
                       const DeedContext& context) {
  const auto down = [&] {
    const auto now = look_at_container(engine, held.id, context);
    return now ? !now->runs : now.error().code == ErrorCode::not_found;
  };
  return wait_until_it(down, context, at_most);
}

Result<Proof> is_down(const HeldContainer& held, const DeedContext& context) {
  TRY(engine, engine_of(held, context));
  const auto now = look_at_container(engine, held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) {
    return Proof{false, shown(held) + " was removed, which is another fault than this"};
  }
  if (!now) return std::unexpected(now.error());
  Proof proof;
  proof.held = !now->runs && now->state != "restarting";
  proof.facts.set("id", held.id).set("state", now->state).set("exit_code", now->exit_code);
  proof.text = shown(held) + " is " + now->state;
  if (now->runs && now->started != held.started) {
    proof.text += ": it was started again, by its engine or somebody else";
  }
  if (!proof.held) return proof;
  proof.text += ", exit code " + std::to_string(now->exit_code);
  if (!held.process) return proof;
  proof.facts.set("process", to_json(*held.process));
  proof.held = !context.doors.processes.alive(*held.process);
  proof.text += ", and its process " + std::to_string(held.process->pid) +
                (proof.held ? " is gone" : " lives on");
  return proof;
}

Status put_back(const HeldContainer& held, const DeedContext& context) {
  TRY(engine, engine_of(held, context));
  auto now = look_at_container(engine, held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) {
    const auto other = in_its_place(held, engine, context);
    return other ? Status() : std::unexpected(other.error());
  }
  if (!now) return std::unexpected(now.error());
  if (!now->runs) {
    const auto started = engine.post(path_of(held, "start"), {}, context);
    if (!started) return std::unexpected(started.error().in(shown(held) + " does not start again"));
  }
  // A policy that is neither the one we set nor the one that was is somebody else's.
  if (now->policy != kNoPolicy || held.policy == kNoPolicy) return {};
  return set_policy(held, held.policy, held.retries, engine, context);
}

Result<Proof> is_back(const HeldContainer& held, const DeedContext& context) {
  constexpr Duration kStays = std::chrono::milliseconds(150);
  TRY(engine, engine_of(held, context));
  auto first = look_at_container(engine, held.id, context);
  if (!first && first.error().code == ErrorCode::not_found) {
    const auto other = in_its_place(held, engine, context);
    if (!other) return Proof{false, other.error().text};
    return Proof{true, shown(*other) + " is in place of " + shown(held) + ", which was removed"};
  }
  if (!first) return std::unexpected(first.error());
  if (!first->runs) return Proof{false, shown(held) + " is " + first->state};
  TRY_OK(context.doors.clock.pause(kStays, context.until));
  TRY(now, look_at_container(engine, held.id, context));
  Proof proof;
  proof.facts.set("id", held.id).set("started", now.started);
  if (!now.runs || now.started != first->started) {
    proof.text = shown(held) + " was started again and ended at once, exit code " +
                 std::to_string(now.exit_code);
    return proof;
  }
  proof.held = now.policy != kNoPolicy || held.policy == kNoPolicy;
  proof.text = shown(held) + " runs" + (now.started == held.started ? "" : " again");
  if (!proof.held) proof.text += ", without its restart policy " + held.policy;
  return proof;
}

}  // namespace gameday
