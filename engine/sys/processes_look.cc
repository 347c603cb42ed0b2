#include "engine/sys/processes_look.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <memory>
#include <optional>

#include "engine/base/text.h"

namespace gameday::proc {
namespace {

constexpr std::size_t kLargestFile = 8 << 20;

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

Error none_such(pid_t pid) {
  return {ErrorCode::not_found, "there is no process " + std::to_string(pid), ""};
}

template <class Number>
std::optional<Number> number_in(std::string_view text, int base = 10) {
  text = trimmed(text);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::string> link_target(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return std::unexpected(system_error(errno, "cannot read " + path));
  target.resize(static_cast<std::size_t>(length));
  return target;
}

// Of a zombie or a kernel thread there is nothing to read: that is no error.
Result<std::string> link_or_nothing(const std::string& path) {
  auto target = link_target(path);
  if (!target && target.error().code == ErrorCode::not_found) return std::string();
  return target;
}

std::vector<std::string> texts_in(std::string_view bytes) {
  if (bytes.ends_with('\0')) bytes.remove_suffix(1);
  return bytes.empty() ? std::vector<std::string>{} : split(bytes, '\0');
}

template <class Id>
Id effective_of(std::string_view line) {  // "real effective saved filesystem", between tabs
  const auto ids = split(trimmed(line), '\t');
  return ids.size() > 1 ? number_in<Id>(ids[1]).value_or(Id{}) : Id{};
}

void take_status(std::string_view text, ProcessFacts& facts) {
  for (const auto& line : split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto name = std::string_view(line).substr(0, colon);
    const auto value = trimmed(std::string_view(line).substr(colon + 1));
    if (name == "Uid") facts.uid = effective_of<uid_t>(value);
    if (name == "Gid") facts.gid = effective_of<gid_t>(value);
    if (name == "CapAmb") facts.ambient = number_in<std::uint64_t>(value, 16).value_or(0);
    if (name == "Umask") facts.umask = number_in<unsigned>(value, 8).value_or(022);
    if (name != "Groups") continue;
    for (const auto& group : split(value, ' ')) {
      if (const auto id = number_in<gid_t>(group)) facts.groups.push_back(*id);
    }
  }
}

std::vector<ResourceLimit> limits_of(pid_t pid) {
  std::vector<ResourceLimit> limits;
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
    rlimit found{};
    const auto kind = static_cast<__rlimit_resource>(resource);
    if (prlimit(pid, kind, nullptr, &found) != 0) continue;
    limits.push_back({resource, found.rlim_cur, found.rlim_max});
  }
  return limits;
}

Status take_files(const std::string& folder, ProcessFacts& facts) {
  TRY(exe, link_or_nothing(folder + "/exe"));
  TRY(cwd, link_or_nothing(folder + "/cwd"));
  TRY(arguments, read(folder + "/cmdline"));
  TRY(environment, read(folder + "/environ"));
  TRY(status, read(folder + "/status"));
  facts.exe = exe;
  facts.cwd = cwd;
  facts.argv = texts_in(arguments);
  facts.environment = texts_in(environment);
  take_status(status, facts);
  facts.cgroup = read(folder + "/cgroup").value_or("");
  for (int stream = 0; stream < 3; ++stream) {
    const auto path = folder + "/fd/" + std::to_string(stream);
    facts.standard_streams.push_back(link_target(path).value_or(""));
  }
  facts.namespaces = namespaces_of(folder);
  return {};
}

}  // namespace

Result<std::string> read(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  std::string bytes;
  std::array<char, 16384> block{};
  while (bytes.size() < kLargestFile) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error(errno, "cannot read " + path));
    if (got == 0) return bytes;
    bytes.append(block.data(), static_cast<std::size_t>(got));
  }
  return fail(ErrorCode::invalid, path + " is too long");
}

std::vector<std::string> namespaces_of(const std::string& process_folder) {
  std::vector<std::string> found;
  for (const char* kind : {"ipc", "mnt", "net", "pid", "user", "uts"}) {
    found.push_back(link_target(process_folder + "/ns/" + kind).value_or(""));
  }
  return found;
}

Result<Stat> parse_stat(std::string_view line) {
  // The name stands in parentheses and may itself hold blanks and parentheses.
  const auto name_end = line.rfind(')');
  if (name_end == std::string_view::npos) {
    return fail(ErrorCode::corrupt, "a process's stat line without a name");
  }
  const auto fields = split(trimmed(line.substr(name_end + 1)), ' ');
  constexpr std::size_t kState = 0, kParent = 1, kGroup = 2, kThreads = 17, kStart = 19;
  if (fields.size() <= kStart || fields[kState].size() != 1) {
    return fail(ErrorCode::corrupt, "a process's stat line with too few fields");
  }
  const auto parent = number_in<pid_t>(fields[kParent]);
  const auto group = number_in<pid_t>(fields[kGroup]);
  const auto threads = number_in<int>(fields[kThreads]);
  const auto start = number_in<std::uint64_t>(fields[kStart]);
  if (!parent || !group || !threads || !start) {
    return fail(ErrorCode::corrupt, "a process's stat line with a field that is no number");
  }
  const char state = fields[kState][0];
  const bool dead = state == 'X' || state == 'x' || (state == 'Z' && *threads <= 1);
  return Stat{state, *parent, *group, *start, dead};
}

Result<Stat> stat_of(pid_t pid) {
  if (pid <= 0) return std::unexpected(none_such(pid));
  const auto line = read(folder_of(pid) + "/stat");
  if (!line && line.error().code == ErrorCode::not_found) return std::unexpected(none_such(pid));
  if (!line) return std::unexpected(line.error());
  return parse_stat(*line);
}

Result<ProcessFacts> look(pid_t pid) {
  TRY(before, stat_of(pid));
  ProcessFacts facts;
  const auto taken = take_files(folder_of(pid), facts);
  facts.limits = limits_of(pid);
  // What was read belongs to one process only if the same one is still there.
  TRY(after, stat_of(pid));
  if (after.start != before.start) return std::unexpected(none_such(pid));
  facts.id = {boot_id(), pid, after.start};
  facts.zombie = after.dead;
  facts.parent = after.parent;
  if (!taken && !after.dead) {
    return std::unexpected(taken.error().in("cannot look at process " + std::to_string(pid)));
  }
  return facts;
}

std::vector<pid_t> all() {
  std::vector<pid_t> pids;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), &closedir);
  if (!folder) return pids;
  while (const dirent* entry = readdir(folder.get())) {
    if (const auto pid = number_in<pid_t>(entry->d_name)) pids.push_back(*pid);
  }
  return pids;
}

bool alive(const ProcessId& id) {
  const auto found = stat_of(id.pid);
  return found && !found->dead && found->start == id.start && boot_id() == id.boot;
}

bool group_alive(pid_t group) {
  for (const pid_t pid : all()) {
    const auto found = stat_of(pid);
    if (found && !found->dead && found->group == group) return true;
  }
  return false;
}

}  // namespace gameday::proc
