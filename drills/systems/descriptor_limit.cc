#include "drills/systems/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "drills/systems/own_rights.h"

namespace gameday {
namespace {

struct Limiting {
  ProcessId id;
  std::string shown;
  rlim_t before = 0, limit = 0;  // soft limits
};

Result<Limiting> limiting_in(const Undo& undo) {
  TRY(id, process_id_from(undo.arguments.get("process")));
  const std::int64_t before = undo.arguments.integer("before", -1);
  const std::int64_t limit = undo.arguments.integer("limit", -1);
  if (before < 0 || limit < 0) {
    return fail(ErrorCode::corrupt, "an undo of limit-descriptors lacks a limit");
  }
  return Limiting{id, undo.arguments.text("shown"), static_cast<rlim_t>(before),
                  static_cast<rlim_t>(limit)};
}

Result<rlimit> limits_of(pid_t pid) {
  rlimit limits{};
  if (prlimit(pid, RLIMIT_NOFILE, nullptr, &limits) == 0) return limits;
  auto error = system_error(errno, "cannot read the limits of process " + std::to_string(pid));
  if (error.code != ErrorCode::refused) return std::unexpected(std::move(error));
  error.text += in_brackets(lacking({cap::kSysResource}));
  error.hint = "run gameday as its user, in its group, or hold CAP_SYS_RESOURCE";
  return std::unexpected(std::move(error));
}

Status set_soft_limit(const ProcessId& id, rlim_t soft) {
  TRY(limits, limits_of(id.pid));
  limits.rlim_cur = std::min(soft, limits.rlim_max);
  if (prlimit(id.pid, RLIMIT_NOFILE, &limits, nullptr) == 0) return {};
  return std::unexpected(
      system_error(errno, "cannot set the limits of process " + std::to_string(id.pid)));
}

Result<std::set<rlim_t>> open_descriptors(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  std::error_code error;
  std::set<rlim_t> open;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    rlim_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    open.insert(number);
  }
  if (!error) return open;
  auto failed = system_error(error.value(), "cannot read " + folder);
  if (failed.code == ErrorCode::refused) failed.text += in_brackets(lacking({cap::kDacReadSearch}));
  return std::unexpected(std::move(failed));
}

// The numbers below the limit that are free; the kernel gives out the lowest.
std::size_t free_below(const std::set<rlim_t>& open, rlim_t limit) {
  const auto taken = std::distance(open.begin(), open.lower_bound(limit));
  return static_cast<std::size_t>(limit) - static_cast<std::size_t>(taken);
}

rlim_t limit_that_leaves(const std::set<rlim_t>& open, std::size_t left) {
  rlim_t limit = 0;
  for (std::size_t free = 0; free < left || open.contains(limit); ++limit) {
    free += open.contains(limit) ? 0 : 1;
  }
  return limit;
}

}  // namespace

Result<Undo> prepare_descriptor_limit(std::string_view kind, const ProcessId& id,
                                      const std::string& shown, const Deed& deed) {
  TRY(limits, limits_of(id.pid));
  TRY(open, open_descriptors(id.pid));
  const auto left = static_cast<std::size_t>(deed.arguments.integer("leave", 0));
  const rlim_t limit = limit_that_leaves(open, left);
  if (limit >= limits.rlim_cur) {
    return fail(ErrorCode::refused, shown + " may open " +
                                        std::to_string(free_below(open, limits.rlim_cur)) +
                                        " descriptors more as it is: it would change nothing");
  }
  return Undo{std::string(kind),
              Json::object({{"process", to_json(id)},
                            {"shown", shown},
                            {"before", static_cast<std::int64_t>(limits.rlim_cur)},
                            {"limit", static_cast<std::int64_t>(limit)}})};
}

Status limit_descriptors(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(limiting, limiting_in(undo));
  if (context.until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
  if (!context.doors.processes.alive(limiting.id)) {
    return fail(ErrorCode::conflict, limiting.shown + " ended before it was limited");
  }
  TRY(limits, limits_of(limiting.id.pid));
  if (limits.rlim_cur != limiting.before) {
    return fail(ErrorCode::conflict,
                "the limit of " + limiting.shown + " was changed by somebody else meanwhile");
  }
  return set_soft_limit(limiting.id, limiting.limit);
}

Result<Proof> descriptors_limited(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(limiting, limiting_in(undo));
  if (!context.doors.processes.alive(limiting.id)) {
    return Proof{false, limiting.shown + " has ended", Json::object()};
  }
  TRY(limits, limits_of(limiting.id.pid));
  TRY(open, open_descriptors(limiting.id.pid));
  const std::size_t left = free_below(open, limits.rlim_cur);
  Proof proof;
  // What it has closed since is free again.
  const bool few = left <= static_cast<std::size_t>(deed.arguments.integer("leave", 0)) +
                               (open.size() / 10 + 10);
  proof.held = limits.rlim_cur == limiting.limit && few;
  proof.text = limiting.shown + " has " + std::to_string(open.size()) +
               " descriptors open and may open " + std::to_string(left) + " more";
  proof.facts = Json::object({{"open", open.size()}, {"left", left}});
  return proof;
}

Status free_descriptors(const Undo& undo, const DeedContext& context) {
  TRY(limiting, limiting_in(undo));
  if (!context.doors.processes.alive(limiting.id)) return {};
  TRY(limits, limits_of(limiting.id.pid));
  // Another limit than ours is somebody else's, and newer.
  if (limits.rlim_cur != limiting.limit) return {};
  return set_soft_limit(limiting.id, limiting.before);
}

Result<Proof> descriptors_freed(const Undo& undo, const DeedContext& context) {
  TRY(limiting, limiting_in(undo));
  if (!context.doors.processes.alive(limiting.id)) {
    return Proof{true, limiting.shown + " has ended, and its limit with it", Json::object()};
  }
  TRY(limits, limits_of(limiting.id.pid));
  return Proof{limits.rlim_cur != limiting.limit,
               "the limit of " + limiting.shown + " is " + std::to_string(limits.rlim_cur),
               Json::object({{"limit", static_cast<std::int64_t>(limits.rlim_cur)}})};
}

}  // namespace gameday
