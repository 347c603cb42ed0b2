#include "drills/systems/standstill.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <set>

#include "engine/base/text.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLargestFile = 1 << 20;

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The fields of a stat line behind the name, which may itself hold blanks and parentheses.
std::vector<std::string> stat_fields(const std::string& line) {
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  return split(trimmed(std::string_view(line).substr(name_end + 1)), ' ');
}

// False where the thread has ended meanwhile.
bool add_thread(const std::string& folder, const Files& files, Activity& activity) {
  constexpr std::size_t kUser = 11, kSystem = 12;
  const auto line = files.read(folder + "/stat", kLargestFile);
  const auto fields = stat_fields(line.value_or(""));
  if (fields.size() <= kSystem || fields[0] == "Z" || fields[0] == "X") return false;
  activity.stopped = activity.stopped && fields[0] == "T";
  const auto schedule = files.read(folder + "/schedstat", kLargestFile);
  activity.ran +=
      schedule ? number_in(*schedule) : number_in(fields[kUser]) + number_in(fields[kSystem]);
  return true;
}

std::string first_line(const std::string& path, const Files& files) {
  const auto text = files.read(path, kLargestFile);
  return text ? split(*text, '\n').front() : "";
}

std::string switch_of(const Freezer& freezer) {
  return freezer.folder + (freezer.version == 1 ? "/freezer.state" : "/cgroup.freeze");
}

// Where a line of /proc/PID/cgroup ("6:freezer:/shop") may be found; the unified hierarchy has no
// name, and beside the old ones it is mounted as "unified".
std::vector<Freezer> freezers_of(const std::string& line) {
  const auto first = line.find(':'), second = line.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return {};
  const std::string hierarchy = line.substr(first + 1, second - first - 1);
  const std::string inside = line.substr(second + 1);
  if (inside.size() < 2) return {};  // the root holds everybody
  const std::string base = "/sys/fs/cgroup/";
  if (hierarchy == "freezer") return {{1, base + "freezer" + inside}};
  if (!hierarchy.empty()) return {};
  return {{2, base + "unified" + inside}, {2, "/sys/fs/cgroup" + inside}};
}

// All processes of a group and of those below it; empty where one of them cannot be listed.
std::set<pid_t> members_of(const std::string& folder, const Files& files) {
  std::error_code error;
  std::vector<std::string> folders{folder};
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at->is_directory(error)) folders.push_back(at->path().string());
  }
  std::set<pid_t> members;
  for (const auto& each : folders) {
    const auto listed = files.read(each + "/cgroup.procs", kLargestFile);
    if (!listed) return {};
    for (const auto& line : split(*listed, '\n')) {
      if (!line.empty()) members.insert(static_cast<pid_t>(number_in(line)));
    }
  }
  return members;
}

bool descends(pid_t pid, pid_t from, const Processes& processes) {
  constexpr int kDeepest = 64;
  for (int depth = 0; depth < kDeepest && pid > 0; ++depth) {
    if (pid == from) return true;
    const auto facts = processes.look(pid);
    pid = facts ? facts->parent : 0;
  }
  return false;
}

bool is_its_own(const Freezer& freezer, pid_t pid, const Doors& doors) {
  const auto members = members_of(freezer.folder, doors.files);
  return members.contains(pid) && std::ranges::all_of(members, [&](pid_t member) {
           return member != getpid() && descends(member, pid, doors.processes);
         });
}

}  // namespace

Result<Activity> activity_of(const ProcessId& id, const Doors& doors) {
  const std::string tasks = "/proc/" + std::to_string(id.pid) + "/task";
  Activity activity{.stopped = true, .ran = 0};
  bool any = false;
  std::error_code error;
  for (auto at = fs::directory_iterator(tasks, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    any = add_thread(at->path().string(), doors.files, activity) || any;
  }
  // What was read belongs to this process only if it is still there.
  if (!any || !doors.processes.alive(id)) {
    return fail(ErrorCode::not_found, "process " + std::to_string(id.pid) + " is gone");
  }
  return activity;
}

Json to_json(const Freezer& freezer) {
  return Json::object({{"version", freezer.version}, {"folder", freezer.folder}});
}

std::optional<Freezer> freezer_from(const Json& value) {
  Freezer freezer{static_cast<int>(value.integer("version", 0)), value.text("folder")};
  if (freezer.folder.empty() || freezer.version < 1 || freezer.version > 2) return std::nullopt;
  return freezer;
}

std::optional<Freezer> own_freezer(const ProcessFacts& facts, const Doors& doors) {
  for (const auto& line : split(facts.cgroup, '\n')) {
    for (auto& freezer : freezers_of(line)) {
      const bool usable = access(switch_of(freezer).c_str(), W_OK) == 0;
      if (usable && is_its_own(freezer, facts.id.pid, doors)) return std::move(freezer);
    }
  }
  return std::nullopt;
}

Frozen frozen(const Freezer& freezer, const Doors& doors) {
  const std::string asked = first_line(switch_of(freezer), doors.files);
  if (asked.empty()) return Frozen::no_group;
  if (freezer.version == 1) {
    return asked == "FROZEN" ? Frozen::yes : asked == "THAWED" ? Frozen::no : Frozen::under_way;
  }
  const auto events = doors.files.read(freezer.folder + "/cgroup.events", kLargestFile);
  if (events && events->contains("frozen 1")) return Frozen::yes;
  return asked == "0" ? Frozen::no : Frozen::under_way;
}

Status set_frozen(const Freezer& freezer, bool wanted, const Doors& doors) {
  const std::string path = switch_of(freezer);
  const std::string text =
      freezer.version == 1 ? (wanted ? "FROZEN" : "THAWED") : (wanted ? "1" : "0");
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  if (doors.observer) doors.observer("files", Side::before);
  const bool written = write(file.get(), text.data(), text.size()) > 0;
  const int number = errno;
  if (doors.observer) doors.observer("files", Side::after);
  // A group whose folder was removed while its file was open says ENODEV.
  if (!written && number == ENODEV) return fail(ErrorCode::not_found, path + " is gone");
  if (!written) return std::unexpected(system_error(number, "cannot write " + path));
  return {};
}

}  // namespace gameday
