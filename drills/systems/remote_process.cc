#include "drills/systems/remote_process.h"

#include <cstdlib>

#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kOfAnyProcess = R"sh(
after_name() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f"$2"; }
state_of() { after_name "$1" 1; }
start_of() { after_name "$1" 20; }
pid_in() { q=$(tr -dc 0-9 2>/dev/null <"$1"); [ -n "$q" ] && [ -d "/proc/$q" ] && [ "$(state_of "$q")" != Z ]; }
)sh";

constexpr std::string_view kLook = R"sh(
[ -e "$1" ] || { echo "there is no $1"; exit 0; }
[ -f "$1" ] || { echo "$1 is no pidfile"; exit 0; }
pid_in "$1" || { echo "no process of $1"; exit 0; }
echo "pid $q"; echo "start $(start_of "$q")"; echo "exe $(readlink "/proc/$q/exe")"
echo "state $(state_of "$q")"; echo "command $(tr '\0\n' '  ' <"/proc/$q/cmdline" | cut -c1-200)"
kill -0 "$q" 2>/dev/null && echo "ours yes"; true
)sh";

constexpr std::string_view kUse = R"sh(
[ -d "/proc/$q" ] || exit 0
echo "age $(awk -v s="$(start_of "$q")" -v h="$(getconf CLK_TCK)" '{ print $1 - s / h }' /proc/uptime)"
echo "rss $(($(cut -d' ' -f2 "/proc/$q/statm") * $(getconf PAGESIZE)))"
n=$(ls "/proc/$q/fd" 2>/dev/null) && echo "open $(echo "$n" | grep -c .)"; true
)sh";

}  // namespace

Json to_json(const RemoteProcess& process) {
  Json start_again = Json::array();
  for (const auto& word : process.start_again) start_again.push(word);
  return Json::object({{"remote", to_json(process.remote)},
                       {"mark", process.mark},
                       {"pidfile", process.pidfile},
                       {"start_again", std::move(start_again)},
                       {"pid", process.pid},
                       {"start", process.start},
                       {"exe", process.exe},
                       {"shown", process.shown},
                       {"lasts_s", process.lasts_s}});
}

Result<RemoteProcess> remote_process_from(const Json& value) {
  TRY(remote, remote_from(value.get("remote")));
  RemoteProcess process{std::move(remote),         value.text("mark"),
                        value.text("pidfile"),     texts_in(value, "start_again"),
                        value.integer("pid", 0),   value.text("start"),
                        value.text("exe"),         value.text("shown"),
                        value.number("lasts_s", 0)};
  if (process.mark.empty() || process.pid <= 0 || process.start.empty()) {
    return fail(ErrorCode::corrupt, "an undo lacks its mark or its process");
  }
  return process;
}

Result<std::string> look_at_pidfile(const Remote& remote, const std::string& pidfile,
                                    const DeedContext& context) {
  return ask_remote(remote, std::string(kOfAnyProcess) + std::string(kLook), {pidfile}, context);
}

Result<std::string> look_for_process(const Target& target, const DeedContext& context) {
  const std::string script = std::string(kOfAnyProcess) + std::string(kLook) + std::string(kUse);
  TRY(said, ask_target(target, script, {target.facets.get("ssh").text("pidfile")}, context));
  return said.output;
}

Result<RemoteProcess> remote_process_of(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  const Json& facet = target->facets.get("ssh");
  RemoteProcess process;
  process.pidfile = facet.text("pidfile");
  if (process.pidfile.empty()) {
    return fail(ErrorCode::invalid, "target " + deed.target + " names no process",
                "ssh: { to: " + facet.text("to") + ", pidfile: /run/shop.pid }");
  }
  TRY(remote, remote_of(*target, context));
  TRY(said, look_at_pidfile(remote, process.pidfile, context));
  const std::string pid = told_of(said, "pid");
  if (pid.empty()) {
    return fail(ErrorCode::not_found, remote.ssh.to + ": " + std::string(trimmed(said)));
  }
  process.shown = "process " + pid + " (" + told_of(said, "command") + ") on " + remote.ssh.to;
  process.start = told_of(said, "start");
  process.exe = told_of(said, "exe");
  if (told_of(said, "ours") != "yes" || process.exe.empty()) {
    return fail(ErrorCode::refused, "we may not signal " + process.shown,
                "log in as that user, or as root");
  }
  process.pid = std::atoll(pid.c_str());
  process.mark = context.mark;
  process.remote = std::move(remote);
  process.start_again = texts_in(facet, "start");
  process.lasts_s = deed.arguments.number("lasts_s", 0);
  return process;
}

std::string functions_of(const RemoteProcess& process) {
  const auto word = [](const std::string& text) {
    const std::vector<std::string> one = {text};
    return quoted(one);
  };
  const std::string pid = std::to_string(process.pid);
  return "PATH=$PATH:/usr/sbin:/sbin" + std::string(kOfAnyProcess) +
         "alive() { [ \"$(cat /proc/sys/kernel/random/boot_id)\" = " + word(process.remote.boot) +
         " ] && [ \"$(start_of " + pid + ")\" = " + word(process.start) + " ] && [ \"$(state_of " +
         pid + ")\" != Z ]; }\nstate() { state_of " + pid + "; }\nran() { echo $(($(after_name " +
         pid + " 12) + $(after_name " + pid + " 13))); }\nnamed() { pid_in " +
         word(process.pidfile) + " && [ \"$(readlink \"/proc/$q/exe\")\" = " + word(process.exe) +
         " ]; }\n";
}

RemoteDeed deed_on(const RemoteProcess& process, const std::string& undo) {
  return {process.remote, process.mark, functions_of(process) + undo,
          from_seconds(process.lasts_s)};
}

}  // namespace gameday
