#include "drills/systems/process.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "drills/systems/own_rights.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kMarkName = "GAMEDAY_MARK=";

bool equal(const ProcessFacts& a, const ProcessFacts& b) {
  return a.exe == b.exe && a.argv == b.argv && a.cwd == b.cwd;
}

Result<pid_t> pid_in(const std::string& pidfile, const Files& files) {
  TRY(bytes, files.read(pidfile, 1024));
  const auto text = trimmed(bytes);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || end != text.data() + text.size() || pid <= 0) {
    return fail(ErrorCode::corrupt, "no pid in " + pidfile);
  }
  return pid;
}

std::vector<ProcessId> doubles_of(const ProcessFacts& facts, const Processes& processes) {
  std::vector<ProcessId> found;
  for (const pid_t pid : processes.all()) {
    if (pid == facts.id.pid) continue;
    const auto other = processes.look(pid);
    if (other && !other->zombie && equal(*other, facts)) found.push_back(other->id);
  }
  return found;
}

// What we start has at most our own hard limits, unless we may raise them.
Status refuse_higher_limits(const ProcessFacts& facts, const ProcessFacts& ours) {
  for (const auto& theirs : facts.limits) {
    const auto own = std::ranges::find(ours.limits, theirs.resource, &ResourceLimit::resource);
    if (own == ours.limits.end() || theirs.hard <= own->hard) continue;
    const auto lacks = lacking({cap::kSysResource});
    if (lacks.empty()) return {};
    return fail(ErrorCode::refused,
                shown(facts) + " could not be put back: its hard limit " +
                    std::to_string(theirs.resource) + " (ulimit) is above gameday's own, and " +
                    lacks,
                "run gameday with the limits of the target, or with CAP_SYS_RESOURCE");
  }
  return {};
}

// Redis, nginx and the like write what they are over their arguments, and over their environment
// with it: what they were started with is nowhere to be read any more.
bool shows_a_title(const ProcessFacts& facts) {
  return facts.argv.front().contains(' ') && !facts.exe.contains(' ');
}

Status refuse_what_cannot_come_back(const ProcessFacts& facts, const Doors& doors) {
  const std::string doing = shown(facts) + " could not be put back: ";
  if (facts.exe.ends_with(" (deleted)") || !doors.files.exists(facts.exe)) {
    return fail(ErrorCode::refused, doing + "its program " + facts.exe + " is not there any more",
                "restart the target from a program that is on disk");
  }
  const bool readable =
      is_utf8(facts.exe) && is_utf8(facts.cwd) &&
      std::ranges::all_of(facts.argv, [](const auto& text) { return is_utf8(text); });
  if (!readable || facts.argv.empty() || facts.cwd.empty()) {
    return fail(ErrorCode::unsupported, doing + "its arguments or its folder are no readable text");
  }
  if (shows_a_title(facts)) {
    return fail(ErrorCode::refused,
                doing + "it shows a title in place of the arguments that it was started with",
                "of Redis: `set-proc-title no` in its configuration, and start it anew; or drill "
                "the container that it is in");
  }
  TRY(ours, doors.processes.look(getpid()));
  if (ours.namespaces != facts.namespaces) {
    return fail(ErrorCode::unsupported, doing + "it lives in other namespaces than gameday",
                "run gameday in the namespaces of the target");
  }
  return refuse_higher_limits(facts, ours);
}

// Whoever puts it back writes its new pid there.
Status refuse_its_pidfile(const std::string& pidfile) {
  const auto folder = std::filesystem::absolute(pidfile).parent_path().string();
  if (!may_change_folder(folder)) {
    return fail(ErrorCode::refused,
                "we may not write into " + folder + ", where " + pidfile + " is to get a new pid",
                "run gameday as a user who may");
  }
  struct stat found{};
  if (stat(pidfile.c_str(), &found) != 0 || may_give_to(found.st_uid, found.st_gid)) return {};
  return fail(
      ErrorCode::refused,
      pidfile + " is another user's or another group's, and could not be given back to them",
      "run gameday as that user, in that group, or as root");
}

Result<ProcessFacts> restartable(const Target& target, const DeedContext& context) {
  TRY(pidfile, pidfile_of(target));
  TRY(facts, process_at(pidfile, context.doors));
  TRY_OK(refuse_our_own(facts, context.doors.processes));
  TRY_OK(may_signal(facts));
  TRY_OK(refuse_its_pidfile(pidfile));
  TRY_OK(refuse_what_cannot_come_back(facts, context.doors));
  return facts;
}

bool is_successor(const ProcessFacts& found, const LostProcess& lost) {
  if (found.zombie) return false;
  if (std::ranges::find(lost.doubles, found.id) != lost.doubles.end()) return false;
  if (equal(found, lost.facts)) return true;
  const std::string mark = std::string(kMarkName) + lost.mark;
  return found.exe == lost.facts.exe &&
         std::ranges::find(found.environment, mark) != found.environment.end();
}

}  // namespace

Result<std::string> pidfile_of(const Target& target) {
  const auto pidfile = target.facets.get("process").text("pidfile");
  if (pidfile.empty()) {
    return fail(ErrorCode::invalid, "target " + target.name + " has no process with a pidfile");
  }
  return pidfile;
}

Result<ProcessFacts> process_at(const std::string& pidfile, const Doors& doors) {
  TRY(pid, pid_in(pidfile, doors.files));
  auto facts = doors.processes.look(pid);
  const bool none = facts ? facts->zombie : facts.error().code == ErrorCode::not_found;
  if (none) {
    return fail(ErrorCode::not_found,
                "process " + std::to_string(pid) + " of " + pidfile + " is not running");
  }
  if (!facts) return std::unexpected(facts.error().in(pidfile));
  return facts;
}

Status refuse_our_own(const ProcessFacts& facts, const Processes& processes) {
  constexpr int kDeepest = 64;
  pid_t pid = getpid();
  for (int depth = 0; depth < kDeepest && pid > 0; ++depth) {
    if (pid == facts.id.pid || facts.id.pid == 1) {
      return fail(ErrorCode::refused, shown(facts) + " is what gameday itself runs under");
    }
    const auto here = processes.look(pid);
    pid = here ? here->parent : 0;
  }
  return {};
}

// The signal 0 is looked at, and not sent.
Status may_signal(const ProcessFacts& facts) {
  if (kill(facts.id.pid, 0) == 0 || errno != EPERM) return {};
  return fail(ErrorCode::refused,
              "we may not signal " + shown(facts) + in_brackets(lacking({cap::kKill})),
              "run gameday as its user, or as root");
}

std::string shown(const ProcessFacts& facts) {
  constexpr std::size_t kLongest = 80;
  std::string command = std::filesystem::path(facts.exe).filename().string();
  for (std::size_t i = 1; i < facts.argv.size(); ++i) command += " " + facts.argv[i];
  if (command.size() > kLongest) command = command.substr(0, kLongest) + "...";
  return "process " + std::to_string(facts.id.pid) + " (" + valid_utf8(command) + ")";
}

Json to_json(const LostProcess& lost) {
  Json doubles = Json::array();
  for (const auto& id : lost.doubles) doubles.push(to_json(id));
  return Json::object({{"pidfile", lost.pidfile},
                       {"process", to_json(lost.facts)},
                       {"environment", lost.environment},
                       {"doubles", doubles},
                       {"mark", lost.mark}});
}

Result<LostProcess> lost_process_from(const Json& value) {
  TRY(facts, process_facts_from(value.get("process")));
  LostProcess lost{value.text("pidfile"), facts, value.text("environment"), {}, value.text("mark")};
  if (lost.pidfile.empty() || lost.environment.empty() || lost.mark.empty()) {
    return fail(ErrorCode::corrupt, "a process's undo lacks pidfile, environment or mark");
  }
  for (const auto& item : value.items("doubles")) {
    TRY(id, process_id_from(item));
    lost.doubles.push_back(id);
  }
  return lost;
}

Result<LostProcess> keep_for_restart(const Target& target, const DeedContext& context) {
  TRY(facts, restartable(target, context));
  TRY(pidfile, pidfile_of(target));
  LostProcess lost{pidfile, facts, context.private_folder + "/" + context.mark + ".environment",
                   doubles_of(facts, context.doors.processes), context.mark};
  const std::string environment = join(facts.environment, std::string_view("\0", 1));
  TRY_OK(context.doors.files.write(lost.environment, environment, 0600));
  lost.facts.environment.clear();
  return lost;
}

std::optional<ProcessFacts> back_again(const LostProcess& lost, const Doors& doors) {
  if (doors.processes.alive(lost.facts.id)) return lost.facts;
  // A supervisor may start it with other arguments; whoever it writes into the pidfile counts.
  const auto named = process_at(lost.pidfile, doors);
  const bool is_double = named && std::ranges::find(lost.doubles, named->id) != lost.doubles.end();
  if (named && !is_double && named->exe == lost.facts.exe) return *named;
  for (const pid_t pid : doors.processes.all()) {
    auto found = doors.processes.look(pid);
    if (found && is_successor(*found, lost)) return std::move(*found);
  }
  return std::nullopt;
}

Status end_process(const LostProcess& lost, int signal, const DeedContext& context) {
  auto& processes = context.doors.processes;
  const auto sent = processes.signal(lost.facts.id, signal);
  if (!sent && sent.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::conflict, shown(lost.facts) + " ended before it was signalled");
  }
  TRY_OK(sent);
  return processes.wait_gone(lost.facts.id, context.until);
}

Result<Proof> in_its_place(const LostProcess& lost, const DeedContext& context) {
  constexpr Duration kStays = std::chrono::milliseconds(150);
  const auto back = back_again(lost, context.doors);
  if (!back) return Proof{false, shown(lost.facts) + " is dead, and nobody is in its place"};
  TRY_OK(context.doors.clock.pause(kStays, context.until));
  Proof proof;
  proof.held = context.doors.processes.alive(back->id);
  proof.facts.set("process", to_json(back->id));
  if (!proof.held) {
    proof.text = shown(*back) + " was started again and ended at once";
  } else if (back->id == lost.facts.id) {
    proof.text = shown(*back) + " is alive: it was not ended";
  } else {
    proof.text = shown(*back) + " is in place of process " + std::to_string(lost.facts.id.pid);
    if (back->cgroup != lost.facts.cgroup) proof.text += ", in another control group";
  }
  return proof;
}

Result<ProcessFacts> whole_process(const LostProcess& lost, const Files& files) {
  auto bytes = files.read(lost.environment);
  if (!bytes) {
    return std::unexpected(bytes.error().in("the environment kept for " + shown(lost.facts)));
  }
  ProcessFacts facts = lost.facts;
  facts.environment = split(*bytes, '\0');
  std::erase(facts.environment, "");
  return facts;
}

Status put_back(const LostProcess& lost, const Doors& doors) {
  if (back_again(lost, doors)) return {};
  const auto named = process_at(lost.pidfile, doors);
  // The number of the lost process may have been given to anybody by now: that is no other writer.
  if (named && named->id.pid != lost.facts.id.pid) {
    return fail(ErrorCode::conflict,
                lost.pidfile + " names " + shown(*named) + ", which is another program than " +
                    shown(lost.facts),
                "end one of them, then start the other by hand");
  }
  TRY(facts, whole_process(lost, doors.files));
  TRY(started,
      doors.processes.start_again(facts, std::string(kMarkName) + lost.mark, lost.pidfile));
  static_cast<void>(started);
  return {};
}

int ending_signal(const Deed& deed) {
  return deed.arguments.text("signal", "KILL") == "TERM" ? SIGTERM : SIGKILL;
}

Status may_end(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY_OK(restartable(*target, context));
  return {};
}

Result<Undo> prepare_ending(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(lost, keep_for_restart(*target, context));
  return Undo{deed.kind, to_json(lost)};
}

Status undo_ending(const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return put_back(lost, context.doors);
}

Result<Proof> ending_gone(const Undo& undo, const DeedContext& context) {
  TRY(lost, lost_process_from(undo.arguments));
  return in_its_place(lost, context);
}

Status close_ending(const Undo& undo, bool, const DeedContext& context) {
  const auto environment = undo.arguments.text("environment");
  if (environment.empty()) return fail(ErrorCode::corrupt, "an undo without its private file");
  return context.doors.files.remove(environment);
}

}  // namespace gameday
