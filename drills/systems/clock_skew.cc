#include "drills/systems/clock_skew.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <ctime>
#include <filesystem>

#include "engine/sys/time_offsets.h"

namespace gameday {
namespace {

constexpr std::string_view kSkewedName = "GAMEDAY_SKEWED=";
constexpr std::string_view kPreload = "LD_PRELOAD=";

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// TERM first: that a process ends is not the fault here.
Status end_gently(const ProcessFacts& facts, const DeedContext& context) {
  auto& processes = context.doors.processes;
  const Instant enough = context.doors.clock.in(std::chrono::seconds(2));
  const Until soon{context.until.stop, std::min(context.until.deadline, enough)};
  for (const int signal : {SIGTERM, SIGKILL}) {
    const auto sent = processes.signal(facts.id, signal);
    if (!sent && sent.error().code == ErrorCode::not_found) return {};
    TRY_OK(sent);
    const auto gone = processes.wait_gone(facts.id, signal == SIGTERM ? soon : context.until);
    if (gone || gone.error().code != ErrorCode::timed_out || signal == SIGKILL) return gone;
  }
  return {};
}

// The library goes first, and what else was to be loaded before still is.
void preload(const ClockSkew& skew, std::vector<std::string>& environment) {
  const auto found = std::ranges::find_if(
      environment, [](const auto& variable) { return variable.starts_with(kPreload); });
  if (found == environment.end()) {
    environment.push_back(std::string(kPreload) + skew.library);
  } else {
    found->insert(kPreload.size(), skew.library + ":");
  }
  const auto by = std::chrono::round<std::chrono::seconds>(skew.ahead).count();
  environment.push_back("FAKETIME=" + std::string(by < 0 ? "" : "+") + std::to_string(by));
  environment.emplace_back("FAKETIME_DONT_FAKE_MONOTONIC=1");
  environment.emplace_back("DONT_FAKE_MONOTONIC=1");
}

// libfaketime leaves these behind where its process is killed.
Status remove_traces(pid_t pid, const Files& files) {
  TRY_OK(files.remove("/dev/shm/faketime_shm_" + std::to_string(pid)));
  return files.remove("/dev/shm/sem.faketime_sem_" + std::to_string(pid));
}

}  // namespace

Json to_json(const ClockSkew& skew) {
  return Json::object({{"lost", to_json(skew.lost)},
                       {"ahead_s", seconds_of(skew.ahead)},
                       {"library", skew.library},
                       {"url", skew.url}});
}

Result<ClockSkew> clock_skew_from(const Json& value) {
  TRY(lost, lost_process_from(value.get("lost")));
  const Json* ahead = value.find("ahead_s");
  if (ahead == nullptr || !ahead->is_number()) {
    return fail(ErrorCode::corrupt, "an undo of skew-clock lacks by how much");
  }
  const auto by = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::round(ahead->number() * 1000) / 1000));
  return ClockSkew{lost, by, value.text("library"), value.text("url")};
}

Result<std::string> faketime_library() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib", error)) {
    const auto library = entry.path() / "faketime/libfaketimeMT.so.1";
    if (std::filesystem::exists(library, error)) return library.string();
  }
  return fail(ErrorCode::not_found,
              "libfaketime is not on this machine, and the kernel gives nobody a time of day of "
              "their own",
              "install the package faketime, or say `clock: monotonic`");
}

Status start_skewed(const ClockSkew& skew, const DeedContext& context) {
  TRY(facts, whole_process(skew.lost, context.doors.files));
  if (!context.doors.processes.alive(skew.lost.facts.id)) {
    return fail(ErrorCode::conflict, shown(skew.lost.facts) + " ended before its clock was set");
  }
  TRY_OK(end_gently(skew.lost.facts, context));
  if (skew.library.empty()) {
    facts.clocks_ahead = skew.ahead;
  } else {
    preload(skew, facts.environment);
  }
  TRY(started, context.doors.processes.start_again(facts, std::string(kSkewedName) + skew.lost.mark,
                                                   skew.lost.pidfile));
  static_cast<void>(started);
  return {};
}

std::vector<ProcessFacts> skewed_by(const ClockSkew& skew, const Doors& doors) {
  const std::string mark = std::string(kSkewedName) + skew.lost.mark;
  std::vector<ProcessFacts> found;
  for (const pid_t pid : doors.processes.all()) {
    auto facts = doors.processes.look(pid);
    if (!facts || facts->zombie || facts->exe != skew.lost.facts.exe) continue;
    if (std::ranges::find(facts->environment, mark) == facts->environment.end()) continue;
    found.push_back(std::move(*facts));
  }
  return found;
}

Status end_skew(const ClockSkew& skew, const DeedContext& context) {
  for (const auto& facts : skewed_by(skew, context.doors)) {
    TRY_OK(end_gently(facts, context));
    if (!skew.library.empty()) TRY_OK(remove_traces(facts.id.pid, context.doors.files));
  }
  return put_back(skew.lost, context.doors);
}

Result<Duration> clocks_ahead(pid_t pid) {
  TRY(theirs, time_offsets_of(pid));
  TRY(ours, time_offsets_of(getpid()));
  return theirs.monotonic - ours.monotonic;
}

Result<Duration> date_ahead(const std::string& url, const DeedContext& context) {
  TRY(revealed, context.secrets.reveal(url));
  HttpRequest request;
  request.url = revealed;
  const auto answer = context.doors.http.send(request, context.until);
  if (!answer) return std::unexpected(answer.error().in("GET " + url));
  const auto date =
      std::ranges::find(answer->headers, "date", &std::pair<std::string, std::string>::first);
  if (date == answer->headers.end()) {
    return fail(ErrorCode::failed, url + " sends no Date header");
  }
  std::tm parts{};
  const char* const end = strptime(date->second.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr) return fail(ErrorCode::failed, url + " sends a Date header that is none");
  const Utc theirs{std::chrono::seconds(timegm(&parts))};
  return std::chrono::duration_cast<Duration>(theirs - context.doors.clock.now().utc);
}

}  // namespace gameday
