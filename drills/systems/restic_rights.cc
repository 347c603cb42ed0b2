// What of a repository, of what is backed up in it and of where it is restored may be read and
// written by us. It is looked for file by file, since restic itself finds it out one after another.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "drills/systems/restic.h"
#include "engine/base/text.h"
#include "engine/not_known.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOfARepository[] = {"config", "keys", "snapshots", "index", "data", "locks"};
constexpr const char* kWritten[] = {"locks", "data", "index", "snapshots"};

// Empty: it is no folder of this machine.
std::string folder_of(const std::string& repository) {
  constexpr std::string_view kLocal = "local:";
  if (repository.starts_with(kLocal)) return resolved_path("/", repository.substr(kLocal.size()));
  const auto colon = repository.find(':');
  const bool elsewhere = colon != std::string::npos && colon < repository.find('/');
  return elsewhere ? "" : resolved_path("/", repository);
}

class Walk {
 public:
  Walk(bool writes, const DeedContext& context) : writes_(writes), context_(context) {}

  // What goes meanwhile, or was never there, is nobody's to be read.
  Status visit(const std::string& path) {
    if (context_.until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
    if (context_.doors.clock.now().boot >= context_.until.deadline) {
      return fail(ErrorCode::timed_out, "to look at all of it took too long: " + path);
    }
    struct stat found{};
    if (lstat(path.c_str(), &found) != 0) return failed(errno, "look at", path);
    if (S_ISREG(found.st_mode) && !writes_) return may(R_OK, "read", path);
    if (!S_ISDIR(found.st_mode)) return {};
    TRY_OK(writes_ ? may(W_OK | X_OK, "write", path) : may(R_OK | X_OK, "read", path));
    std::error_code error;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      TRY_OK(visit(at->path().string()));
    }
    return error ? failed(error.value(), "read", path) : Status();
  }

 private:
  static Status failed(int number, const char* what, const std::string& path) {
    if (number == ENOENT || number == ENOTDIR) return {};
    const Error error = system_error(number, "cannot " + std::string(what) + " " + path);
    return std::unexpected(error);
  }
  static Status may(int how, const char* what, const std::string& path) {
    if (faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0) return {};
    return failed(errno, what, path);
  }

  bool writes_;
  const DeedContext& context_;
};

Status may_each(const std::string& folder, std::span<const char* const> parts, bool writes,
                const DeedContext& context) {
  Walk walk(writes, context);
  for (const char* part : parts) TRY_OK(walk.visit(folder + "/" + part));
  return {};
}

}  // namespace

Status may_use_restic(const Restic& restic, bool backs_up, const DeedContext& context) {
  TRY(repository, context.secrets.reveal(restic.repository));
  const std::string folder = folder_of(repository);
  Walk walk(false, context);
  if (backs_up) {
    for (const auto& path : restic.paths) TRY_OK(walk.visit(path));
    if (!restic.manifest.empty()) TRY_OK(walk.visit(restic.manifest));
  } else if (faccessat(AT_FDCWD, restic.scratch.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return std::unexpected(system_error(errno, "cannot write " + restic.scratch));
  }
  if (!folder.empty()) {
    TRY_OK(may_each(folder, kOfARepository, false, context));
    return backs_up && !restic.paths.empty() ? may_each(folder, kWritten, true, context) : Status();
  }
  TRY(run, ResticRun::open(restic, context));
  TRY(identity, restic_identity(run));
  return std::unexpected(not_known(
      "its configuration can be read; what else a repository lets us do that is no folder of this "
      "machine is not looked for"));
}

}  // namespace gameday
