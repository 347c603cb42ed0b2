#include "drills/systems/stressor.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "drills/systems/standstill.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kMarkName = "GAMEDAY_MARK=";
constexpr std::int64_t kLargestFile = 1 << 20;

// As long for every moment, so that a lease can be renewed in its place on a full disk.
std::string lease_text(Instant until) {
  constexpr std::size_t kDigits = 20;
  const std::string digits = std::to_string(until.time_since_epoch().count());
  return std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits + "\n";
}

// Ourselves; a test, which is no gameday, says where there is one.
Result<std::string> program_of_ours() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error && self.filename().string().starts_with("gameday")) return self.string();
  const char* named = std::getenv("GAMEDAY_PROGRAM");
  if (named != nullptr) return std::string(named);
  return fail(ErrorCode::unsupported, "no gameday program to start a stressor with");
}

std::int64_t resident(const ProcessId& id, const Files& files) {
  const auto text = files.read("/proc/" + std::to_string(id.pid) + "/statm", kLargestFile);
  const auto words = split(text.value_or(""), ' ');
  if (words.size() < 2) return 0;
  return std::atoll(words[1].c_str()) * sysconf(_SC_PAGESIZE);
}

std::int64_t open_descriptors(const ProcessId& id) {
  std::error_code error;
  std::int64_t count = 0;
  const std::string folder = "/proc/" + std::to_string(id.pid) + "/fd";
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

Status grant_lease(const std::string& path, const Doors& doors) {
  return doors.files.write(path, lease_text(doors.clock.in(kStressLease)), 0600);
}

// No new file, and not through the door to files: it happens twice a second, and changes nothing
// that would have to be undone.
Status renew_lease(const std::string& path, const Clock& clock) {
  std::fstream file(path, std::ios::in | std::ios::out);
  file << lease_text(clock.in(kStressLease)) << std::flush;
  return file ? Status{} : fail(ErrorCode::not_found, "the lease " + path + " is gone");
}

Status start_stressor(const StressorOrder& order, const std::string& lease, const std::string& mark,
                      const Doors& doors) {
  TRY(program, program_of_ours());
  Command command{
      {program, "stress", "--lease", lease, "--runner", std::to_string(getpid())}, "/", {}};
  command.argv.insert(command.argv.end(), order.arguments.begin(), order.arguments.end());
  command.extra_environment = order.environment;
  command.extra_environment.push_back(std::string(kMarkName) + mark);
  TRY(id, doors.processes.start_detached(command, "/dev/null"));
  static_cast<void>(id);
  return {};
}

Status start_stressor(const Stress& stress, const std::string& lease, const std::string& mark,
                      const Doors& doors) {
  return start_stressor(StressorOrder{{"--cpu", std::to_string(stress.cores), "--memory",
                                       std::to_string(stress.memory), "--descriptors",
                                       std::to_string(stress.descriptors)},
                                      {}},
                        lease, mark, doors);
}

Status end_stressors(const std::string& lease, const std::string& mark,
                     const DeedContext& context) {
  TRY_OK(context.doors.files.remove(lease));
  for (const auto& id : stressors_of(lease, mark, context.doors)) {
    const auto ended = context.doors.processes.signal(id, SIGKILL);
    if (!ended && ended.error().code != ErrorCode::not_found) return ended;
    TRY_OK(context.doors.processes.wait_gone(id, context.until));
  }
  return {};
}

std::vector<ProcessId> stressors_of(const std::string& lease, const std::string& mark,
                                    const Doors& doors) {
  std::vector<ProcessId> found;
  for (const pid_t pid : doors.processes.all()) {
    const auto facts = doors.processes.look(pid);
    if (!facts || facts->zombie || facts->argv.size() < 2 || facts->argv[1] != "stress") continue;
    const auto has = [](const std::vector<std::string>& texts, const std::string& wanted) {
      return std::ranges::find(texts, wanted) != texts.end();
    };
    if (has(facts->argv, lease) && has(facts->environment, std::string(kMarkName) + mark)) {
      found.push_back(facts->id);
    }
  }
  return found;
}

Held held_by(const std::vector<ProcessId>& stressors, const Doors& doors) {
  Held held;
  for (const auto& id : stressors) {
    const auto activity = activity_of(id, doors);
    if (activity) held.ran += Duration(static_cast<std::int64_t>(activity->ran));
    held.memory += resident(id, doors.files);
    held.descriptors += open_descriptors(id);
  }
  return held;
}

}  // namespace gameday
