#include "drills/systems/data_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "drills/systems/base_backup.h"
#include "drills/systems/folder_work.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

constexpr Duration kGrace = std::chrono::seconds(10);
constexpr Duration kAsked = std::chrono::seconds(3);
constexpr Duration kEnds = std::chrono::seconds(4);

// Where it is seen from here, without links: what works in it is known by that.
Result<std::string> without_links(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::canonical(path, error);
  if (!error) return whole.string();
  const fs::path parent = fs::canonical(fs::path(path).parent_path(), error);
  if (error) return fail(ErrorCode::not_found, "there is no folder for " + path);
  return (parent / fs::path(path).filename()).string();
}

// What is mounted can be emptied, but not moved aside.
Status refuse_mounted(const std::string& folder) {
  struct stat own{}, above{};
  const std::string parent = fs::path(folder).parent_path();
  const bool looked = lstat(folder.c_str(), &own) == 0 && stat(parent.c_str(), &above) == 0;
  if (!looked || own.st_dev == above.st_dev) return {};
  return fail(ErrorCode::unsupported,
              folder + " is a file system of its own, which cannot be moved aside",
              "keep the data directory in a folder of it");
}

HeldContainer held_from(const Container& container, const std::string& engine_id,
                        const DockerEngine& engine, const DeedContext& context) {
  return {engine.endpoint(), engine_id,
          container.id,      container.name,
          container.started, container.policy,
          container.retries, context.private_folder + "/" + context.mark + ".begun",
          std::nullopt};
}

// Two servers on the same files destroy them.
Status refuse_shared(const Container& container, const std::string& folder,
                     const DockerEngine& engine, const DeedContext& context) {
  TRY(listed, engine.get("/containers/json", context));
  for (const Json& one : listed.items()) {
    if (one.text("Id") == container.id) continue;
    for (const Json& mount : one.items("Mounts")) {
      const std::string source = mount.text("Source");
      if (source.empty() || !mount.boolean("RW", false)) continue;
      if (!(folder + "/").starts_with(source + "/")) continue;
      return fail(ErrorCode::refused,
                  shown(container) + " shares " + source +
                      " with another container that runs: " + one.text("Id").substr(0, 12));
    }
  }
  return {};
}

Status look_at_its_container(const Target& target, const std::string& within, DataDirectory& data,
                             const DeedContext& context) {
  TRY(engine, DockerEngine::open(context));
  TRY(id, engine.id(context));
  TRY(container, any_container_of(target, engine, context));
  if (container.removed_at_end) {
    return fail(ErrorCode::refused, shown(container) +
                                        " was started with --rm: its engine removes "
                                        "it when it ends");
  }
  TRY(folder, path_in_volume(container, within, engine));
  TRY_OK(refuse_shared(container, folder, engine, context));
  data.folder = folder;
  data.served = container.runs;
  data.container = held_from(container, id, engine, context);
  return {};
}

Status end_container(const HeldContainer& held, ServerEnd how, const DeedContext& context) {
  TRY(engine, engine_of(held, context));
  TRY_OK(stay_down(held, engine, context));
  TRY(now, look_at_container(engine, held.id, context));
  const auto told = [&](const std::string& signal, Duration at_most) -> Status {
    const auto sent = signal_container(held, signal, engine, context);
    if (!sent && sent.error().code != ErrorCode::conflict) return sent;
    return wait_until_down(held, engine, at_most, context);
  };
  if (now.runs && how == ServerEnd::orderly) {
    TRY_OK(told(now.stop_signal, kAsked));
    // A server that is told to end by SIGTERM waits for its clients; by SIGINT it ends them.
    TRY(waits, look_at_container(engine, held.id, context));
    if (waits.runs) TRY_OK(told("SIGINT", kGrace - kAsked));
  }
  TRY(later, look_at_container(engine, held.id, context));
  if (later.runs) TRY_OK(told("SIGKILL", kEnds));
  TRY(last, look_at_container(engine, held.id, context));
  if (!last.runs) return {};
  return fail(ErrorCode::failed, shown(held) + " does not end");
}

// Who its lock file says serves it: 0 is nobody.
pid_t named_in_lock(const DataDirectory& data, const DeedContext& context) {
  const auto lock = context.doors.files.read(data.folder + "/postmaster.pid");
  pid_t pid = 0;
  if (lock) std::from_chars(lock->data(), lock->data() + lock->size(), pid);
  return pid;
}

// The server itself, of those who work there: a shutdown is asked of it alone.
std::optional<ProcessId> postmaster_of(const DataDirectory& data, const DeedContext& context) {
  const pid_t pid = named_in_lock(data, context);
  const auto pids = at_work_in(data.folder, context);
  if (std::ranges::find(pids, pid) == pids.end()) return std::nullopt;
  const auto facts = context.doors.processes.look(pid);
  return facts && !facts->zombie ? std::optional(facts->id) : std::nullopt;
}

Status end_process(const DataDirectory& data, ServerEnd how, const DeedContext& context) {
  if (how == ServerEnd::crash) {
    return end_work_in(data.folder, {.signal = SIGKILL, .tries = 0}, context);
  }
  if (const auto server = postmaster_of(data, context)) {
    static_cast<void>(context.doors.processes.signal(*server, SIGINT));
    const Until until{context.until.stop,
                      std::min(context.until.deadline, context.doors.clock.in(kGrace))};
    static_cast<void>(context.doors.processes.wait_gone(*server, until));
  }
  return end_work_in(data.folder, {.signal = SIGQUIT, .tries = 50}, context);
}

// One that was killed a moment ago holds its lock file by its number until its parent reaps it, and
// some take seconds for that.
Status wait_until_reaped(const DataDirectory& data, const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(50);
  const Instant end = context.doors.clock.in(kGrace);
  const pid_t pid = named_in_lock(data, context);
  while (pid > 0 && context.doors.clock.now().boot < end) {
    const auto facts = context.doors.processes.look(pid);
    if (!facts || !facts->zombie) return {};
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
  }
  return {};
}

Status run_start(const DataDirectory& data, const DeedContext& context) {
  constexpr int kTries = 4;
  constexpr Duration kAgain = std::chrono::milliseconds(500);
  TRY_OK(wait_until_reaped(data, context));
  for (int tries = 1;; ++tries) {
    TRY(ended, context.doors.processes.run({data.start, "/", {}}, context.until));
    if (ended.succeeded() || !at_work_in(data.folder, context).empty()) return {};
    if (tries == kTries) {
      return fail(ErrorCode::failed,
                  "the server of " + data.folder + " does not start: " + last_words(ended.output));
    }
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
  }
}

Status start_if_down(const DataDirectory& data, const DeedContext& context) {
  if (data.container) return put_back(*data.container, context);
  return at_work_in(data.folder, context).empty() ? run_start(data, context) : Status();
}

Status sync_folder(const std::string& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0 && fsync(opened.get()) == 0) return {};
  return std::unexpected(system_error(errno, "cannot sync " + folder));
}

}  // namespace

Json to_json(const DataDirectory& data) {
  Json start = Json::array();
  for (const auto& word : data.start) start.push(word);
  Json value = Json::object({{"folder", data.folder},
                             {"mark", data.mark},
                             {"cluster", data.cluster},
                             {"served", data.served},
                             {"start", std::move(start)},
                             {"connection", to_json(data.connection)}});
  if (data.container) value.set("container", to_json(*data.container));
  return value;
}

Result<DataDirectory> data_directory_from(const Json& value) {
  DataDirectory data{.folder = value.text("folder"),
                     .mark = value.text("mark"),
                     .cluster = value.text("cluster"),
                     .served = value.boolean("served", false),
                     .start = texts_in(value, "start"),
                     .container = {},
                     .connection = {}};
  if (!fs::path(data.folder).is_absolute() || data.mark.empty()) {
    return fail(ErrorCode::corrupt, "an undo of a data directory lacks its folder or its mark");
  }
  if (const Json* held = value.find("container")) {
    TRY(container, held_container_from(*held));
    data.container = container;
  }
  const Json& connection = value.get("connection");
  if (!connection.is_object()) return data;
  for (const auto& [keyword, setting] : connection.members()) {
    if (setting.is_text()) data.connection.emplace_back(keyword, setting.text());
  }
  return data;
}

std::string shown(const DataDirectory& data) {
  if (!data.container) return "the data directory " + data.folder;
  return "the data directory of " + shown(*data.container) + ", " + data.folder;
}

Result<Container> any_container_of(const Target& target, const DockerEngine& engine,
                                   const DeedContext& context) {
  TRY(found, containers_of(target.facets.get("container"), engine, context));
  const auto running = std::ranges::find_if(found, &Container::runs);
  if (running != found.end()) return container_of(target, engine, context);
  if (found.size() == 1) return std::move(found.front());
  return fail(
      ErrorCode::not_found,
      (found.empty() ? "no container has " : "several containers, of which none runs, have ") +
          shown_container_facet(target.facets.get("container")));
}

Result<std::string> path_in_volume(const Container& container, const std::string& path,
                                   const DockerEngine& engine) {
  std::string source, destination;
  for (const Json& mount : container.all.items("Mounts")) {
    const std::string at = mount.text("Destination");
    if (!(path + "/").starts_with(at + "/") || at.size() < destination.size()) continue;
    destination = at;
    source = mount.text("Source");
  }
  if (source.empty()) {
    return fail(
        ErrorCode::unsupported,
        path + " of " + shown(container) + " is in none of its volumes: it goes with the container",
        "give it a volume");
  }
  std::error_code error;
  const bool here = engine.endpoint().host.starts_with("unix://") && fs::exists(source, error);
  if (here) return without_links(source + path.substr(destination.size()));
  return fail(ErrorCode::refused,
              "the volume " + source + " of " + shown(container) + " cannot be seen from here",
              "run gameday as root, on the machine of the engine");
}

Result<DataDirectory> look_at_data(const Target& target, const DeedContext& context) {
  const Json& facet = target.facets.get("postgres-data");
  DataDirectory data{.mark = context.mark, .start = texts_in(facet, "start")};
  const std::string written = facet.text("folder");
  TRY(connection, postgres_settings(target));
  data.connection = connection;
  if (target.facets.find("container") != nullptr) {
    TRY_OK(look_at_its_container(target, written, data, context));
  } else {
    TRY(folder, without_links(written));
    data.folder = folder;
    data.served = !at_work_in(folder, context).empty();
    if (data.start.empty()) {
      return fail(ErrorCode::invalid,
                  "target " + target.name +
                      " does not say how its server is "
                      "started",
                  "name the command by `start`, or the `container` that it is in");
    }
  }
  TRY_OK(refuse_mounted(data.folder));
  const auto cluster = cluster_in(data.folder, context.doors.files);
  if (cluster) data.cluster = *cluster;
  if (!cluster && cluster.error().code != ErrorCode::not_found) {
    return std::unexpected(cluster.error().in(data.folder));
  }
  return data;
}

Status end_server(const DataDirectory& data, ServerEnd how, const DeedContext& context) {
  if (data.container) return end_container(*data.container, how, context);
  return end_process(data, how, context);
}

Result<bool> is_served(const DataDirectory& data, const DeedContext& context) {
  if (!data.container) return !at_work_in(data.folder, context).empty();
  TRY(engine, engine_of(*data.container, context));
  TRY(now, look_at_container(engine, data.container->id, context));
  return now.runs;
}

Status start_server(const DataDirectory& data, const DeedContext& context) {
  TRY_OK(start_if_down(data, context));
  auto session = wait_for_server(data, context);
  // One that was told to end a moment ago may have run still when it was looked at.
  if (!session && session.error().code == ErrorCode::failed) {
    TRY_OK(start_if_down(data, context));
    session = wait_for_server(data, context);
  }
  return session ? Status() : std::unexpected(session.error());
}

Result<Postgres> wait_for_server(const DataDirectory& data, const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(100);
  while (true) {
    auto session = open_postgres(data.connection, context);
    if (session) return session;
    const Error last = session.error();
    const auto served = is_served(data, context);
    if (served && !*served) {
      return fail(ErrorCode::failed, "the server of " + data.folder + " has ended: " + last.text);
    }
    if (const auto paused = context.doors.clock.pause(kAgain, context.until); !paused) {
      return std::unexpected(Error(paused.error()).in(last.text));
    }
  }
}

// One that is not there tells nobody's name; who may put it there, its folder says.
Status may_rule(const DataDirectory& data) {
  struct stat found{};
  if (data.container || geteuid() == 0 || lstat(data.folder.c_str(), &found) != 0) return {};
  if (found.st_uid == geteuid()) return {};
  return fail(ErrorCode::refused,
              "we may neither end the server of " + data.folder + " nor write to its files",
              "run gameday as root, or as the user of the server");
}

Status may_rename_in_its_place(const DataDirectory& data) {
  const std::string parent = fs::path(data.folder).parent_path();
  if (access(parent.c_str(), W_OK | X_OK) == 0) return {};
  return fail(ErrorCode::refused, "we may not move anything in " + parent,
              "run gameday as root, or as the user of the server");
}

bool stands(const std::string& path) {
  struct stat found{};
  return lstat(path.c_str(), &found) == 0;
}

Status rename_folder(const std::string& from, const std::string& to, const DeedContext& context) {
  if (stands(to)) return fail(ErrorCode::conflict, to + " is there already");
  if (!stands(from)) return fail(ErrorCode::not_found, "there is no " + from);
  if (context.doors.observer) context.doors.observer("files", Side::before);
  if (rename(from.c_str(), to.c_str()) != 0) {
    return std::unexpected(system_error(errno, "cannot rename " + from));
  }
  if (context.doors.observer) context.doors.observer("files", Side::after);
  return sync_folder(fs::path(from).parent_path());
}

Status erase_folder(const std::string& folder, const DeedContext& context) {
  if (!stands(folder)) return {};
  TRY(ended, context.doors.processes.run(
                 {{"rm", "--recursive", "--force", "--one-file-system", "--", folder}, "/", {}},
                 context.until));
  if (ended.succeeded()) return {};
  return fail(ErrorCode::failed, "cannot remove " + folder + ": " + last_words(ended.output));
}

}  // namespace gameday
