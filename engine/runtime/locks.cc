#include "engine/runtime/locks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "engine/base/digest.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

// Who holds a lock, or held it last, as its file says: "DRILL STORE".
std::optional<Holder> holder_of(const Files& files, const std::string& path) {
  const auto text = files.read(path, 8192);
  const auto line = text ? std::string(trimmed(*text)) : "";
  const auto space = line.find(' ');
  if (space == std::string::npos) return {};
  return Holder{line.substr(0, space), line.substr(space + 1)};
}

constexpr std::string_view kSharedFolder = "/run/lock/gameday";

std::string own_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  return runtime != nullptr && *runtime != '\0' ? std::string(runtime) + "/gameday" : "";
}

std::string target_file(const std::string& folder, const std::string& identity) {
  return folder + "/target-" + sha256(identity).substr(7, 20) + ".lock";
}

// Lines of /proc/locks: "1: FLOCK  ADVISORY  WRITE PID MAJOR:MINOR:INODE 0 EOF". The device is left
// out of it: some filesystems show another one there than stat(2) does.
bool is_held(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) return false;
  const std::string inode = ":" + std::to_string(found.st_ino) + " ";
  std::ifstream locks("/proc/locks");
  std::string line;
  while (std::getline(locks, line)) {
    if (line.find(" FLOCK ") != std::string::npos && line.find(inode) != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> each_once(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

// This machine has two names.
std::string with_our_number(std::string text) {
  constexpr std::string_view kName = "localhost";
  const std::size_t scheme = text.find("://");
  const std::size_t at = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = at + kName.size();
  const bool whole = end >= text.size() || text[end] == ':' || text[end] == '/';
  if (text.compare(at, kName.size(), kName) == 0 && whole) {
    text.replace(at, kName.size(), "127.0.0.1");
  }
  return text;
}

// The same for each way to write it: a path without symlinks, an address by its number.
Json written_one_way(const Json& arguments, std::span<const Field> fields) {
  Json same = arguments;
  for (const auto& field : fields) {
    const Json* value = arguments.find(field.name);
    if (value == nullptr || !value->is_text()) continue;
    if (field.type == FieldType::path) {
      std::error_code ignored;
      const auto real = std::filesystem::weakly_canonical(value->text(), ignored);
      if (!ignored) same.set(field.name, real.string());
    } else if (field.type == FieldType::url || field.type == FieldType::address) {
      same.set(field.name, with_our_number(value->text()));
    }
  }
  return same;
}

}  // namespace

Result<LockFolder> LockFolder::find(const Files& files) {
  const std::string shared(kSharedFolder);
  if (files.make_folder(shared, 01777) && access(shared.c_str(), W_OK) == 0) {
    return LockFolder(files, shared);
  }
  const std::string own = own_folder();
  if (own.empty()) {
    return fail(ErrorCode::refused, "no folder for locks: " + shared + " cannot be written",
                "set XDG_RUNTIME_DIR to a folder of your own");
  }
  TRY_OK(files.make_folder(own, 0700));
  return LockFolder(files, own);
}

void TargetLocks::add(TargetLocks&& more) {
  std::ranges::move(more.held, std::back_inserter(held));
  std::ranges::move(more.previous, std::back_inserter(previous));
}

void TargetLocks::forget() const {
  for (const auto& lock : held) (void)!ftruncate(lock.get(), 0);
}

Result<TargetLocks> LockFolder::hold_targets(const std::vector<std::string>& identities,
                                             const std::string& drill,
                                             const std::string& store) const {
  TargetLocks locks;
  for (const auto& identity : identities) {
    const std::string path = target_file(folder_, identity);
    auto lock = files_.lock(path);
    const auto holder = holder_of(files_, path);
    if (!lock && lock.error().code == ErrorCode::conflict) {
      return fail(
          ErrorCode::conflict,
          identity + " is in use by " + (holder ? "drill " + holder->drill : "another drill"),
          "wait for it, or end it with its Ctrl-C");
    }
    if (!lock) return std::unexpected(lock.error());
    const std::string text = drill + " " + store + "\n";
    if (ftruncate(lock->get(), 0) != 0 ||
        write(lock->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      return std::unexpected(system_error(errno, "cannot write " + path));
    }
    if (holder) locks.previous.push_back(*holder);
    locks.held.push_back(std::move(*lock));
  }
  return locks;
}

Result<Descriptor> LockFolder::hold_drill(const std::string& drill, const Clock& clock,
                                          const Until& until) const {
  const std::string path = folder_ + "/drill-" + drill + ".lock";
  constexpr Duration kPause = std::chrono::milliseconds(50);
  while (true) {
    auto lock = files_.lock(path);
    if (lock || lock.error().code != ErrorCode::conflict) return lock;
    if (auto paused = clock.pause(kPause, until); !paused) {
      if (paused.error().code != ErrorCode::timed_out) return std::unexpected(paused.error());
      return fail(ErrorCode::conflict, "drill " + drill + " is held by its runner or a replayer");
    }
  }
}

std::optional<LockTrace> lock_trace(const Files& files, const std::string& identity) {
  for (const std::string& folder : {std::string(kSharedFolder), own_folder()}) {
    if (folder.empty()) continue;
    const std::string path = target_file(folder, identity);
    if (auto holder = holder_of(files, path)) return LockTrace{std::move(*holder), is_held(path)};
  }
  return {};
}

std::vector<std::string> lock_names(const Playbook& playbook, const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& target : playbook.system.targets) {
    if (!target.facets.is_object()) continue;
    for (const auto& [facet, arguments] : target.facets.members()) {
      // Reading over HTTP and the commands of the whole system exclude nobody.
      if (facet == "http" || !arguments.is_object()) continue;
      const FacetRow* row = rows.facet(facet);
      const auto fields = row != nullptr ? row->fields : std::span<const Field>();
      names.push_back(facet + ":" + written_one_way(arguments, fields).dump());
    }
  }
  for (const auto& link : playbook.system.links) {
    names.push_back("link:" + with_our_number(link.listen));
  }
  for (const auto& step : playbook.timeline) {
    const FaultRow* row = step.kind == StepKind::fault ? rows.fault(step.fault) : nullptr;
    if (row == nullptr || !row->facet.empty()) continue;
    names.push_back(instance_of(*row, written_one_way(step.arguments, row->fields)).identity);
  }
  return each_once(std::move(names));
}

std::vector<std::string> lock_names(const std::vector<Instance>& found) {
  std::vector<std::string> names;
  for (const auto& instance : found) {
    if (instance.identity.starts_with("http:")) continue;
    if (const Json* process = instance.facts.find("process")) {
      names.push_back(instance.shown + " " + process->dump());
    } else {
      names.push_back("instance " + instance.identity);
    }
  }
  return each_once(std::move(names));
}

}  // namespace gameday
