#include "engine/runtime/locks.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
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

}  // namespace

Result<LockFolder> LockFolder::find(const Files& files) {
  const std::string shared = "/run/lock/gameday";
  if (files.make_folder(shared, 01777) && access(shared.c_str(), W_OK) == 0) {
    return LockFolder(files, shared);
  }
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime == nullptr || *runtime == '\0') {
    return fail(ErrorCode::refused, "no folder for locks: " + shared + " cannot be written",
                "set XDG_RUNTIME_DIR to a folder of your own");
  }
  const std::string own = std::string(runtime) + "/gameday";
  TRY_OK(files.make_folder(own, 0700));
  return LockFolder(files, own);
}

void TargetLocks::forget() const {
  for (const auto& lock : held) (void)!ftruncate(lock.get(), 0);
}

Result<TargetLocks> LockFolder::hold_targets(const std::vector<std::string>& identities,
                                             const std::string& drill,
                                             const std::string& store) const {
  TargetLocks locks;
  for (const auto& identity : identities) {
    const std::string path = folder_ + "/target-" + sha256(identity).substr(7, 20) + ".lock";
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

std::vector<std::string> lock_names(const System& system) {
  std::vector<std::string> names;
  for (const auto& target : system.targets) {
    if (!target.facets.is_object()) continue;
    for (const auto& [facet, arguments] : target.facets.members()) {
      // Reading over HTTP and the commands of the whole system exclude nobody.
      if (facet == "http" || !arguments.is_object()) continue;
      names.push_back(facet + ":" + arguments.dump());
    }
  }
  for (const auto& link : system.links) names.push_back("link:" + link.listen);
  std::ranges::sort(names);
  return names;
}

}  // namespace gameday
