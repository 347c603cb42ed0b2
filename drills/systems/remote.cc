#include "drills/systems/remote.h"

#include <cstdlib>

#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr int kOtherMachine = 90, kUndone = 93, kUnwatched = 95;

constexpr std::string_view kWho = R"sh(
PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL
cat /etc/machine-id 2>/dev/null | sed 's/^/id /'
sed 's/^/boot /' /proc/sys/kernel/random/boot_id
echo "ssh $SSH_CONNECTION"
for program in setsid flock stat sed grep cut tr; do
  command -v $program >/dev/null || echo "lacks $program"
done)sh";

// Before every script. $1: the machine's id, $2: the deed's mark; they are gone afterwards.
constexpr std::string_view kThatMachine = R"sh(
PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL
id=$(cat /etc/machine-id 2>/dev/null)
[ "$id" = "$1" ] || { echo "its machine-id is $id"; exit 90; }
if [ "$(id -u)" = 0 ]; then d=/run/gameday-$2; else d=/tmp/gameday-$2; fi
shift 2; cd /
watched() {
  m=$(cat "$d/dead-man" 2>/dev/null)
  [ -n "$m" ] && tr '\0' ' ' <"/proc/$m/cmdline" 2>/dev/null | grep -qF -- "$d "
}
)sh";

// Before a probe's. $1: the machine's id, or nothing; it is gone afterwards.
constexpr std::string_view kMeantMachine = R"sh(
PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL
id=$(cat /etc/machine-id 2>/dev/null)
[ -z "$1" ] || [ "$id" = "$1" ] || { echo "its machine-id is $id"; exit 90; }
shift
)sh";

// $1: seconds, $2: the undo. The dead man tries until it has succeeded, one at a time with us, and
// is gone at once then: a folder of that name would be the next one's.
constexpr std::string_view kArm = R"sh(
mkdir -m 700 "$d" 2>/dev/null || [ -O "$d" ] || { echo "cannot make $d"; exit 91; }
watched && exit 0
printf '%s\n' "$2" >"$d/undo" && : >"$d/lock" && : >"$d/armed" || exit 91
setsid sh -c 'echo $$ >"$0/dead-man"; sleep "$1"; exec 9<"$0/lock" || exit
while [ -e "$0/armed" ]; do
  flock 9; [ -e "$0/armed" ] && sh "$0/undo" "$0" 9<&- && rm -rf "$0" && exit; flock -u 9; sleep 5
done' "$d" "$1" </dev/null >/dev/null 2>&1 &
for i in 1 2 3 4 5 6 7 8 9; do [ -s "$d/dead-man" ] && break; sleep 0.1; done
watched || { echo "no timer can be left there"; exit 95; })sh";

// A script that is still under way is waited for: it may be one whose connection broke.
constexpr std::string_view kOneAtATime = R"sh(
if [ -e "$d/lock" ]; then
  exec 9<"$d/lock" && flock -w 8 9 || { echo "another one is at work there"; exit 94; }
fi
)sh";

constexpr std::string_view kApply = R"sh(
[ -e "$d/armed" ] || { echo "it was undone meanwhile"; exit 93; }
watched || { echo "the timer that would undo it did not live on there"; exit 95; }
: >"$d/begun" || exit 91
apply() {
)sh";
constexpr std::string_view kApplied = R"sh(
}
apply 9<&- && : >"$d/done")sh";

// $1: the undo.
constexpr std::string_view kUndo = R"sh(
sh -c "$1" undo "$d" 9<&- || exit
if watched; then kill -9 "-$m" || exit 91; fi
rm -rf "$d")sh";

constexpr std::string_view kLook = R"sh(
if [ -d "$d" ]; then echo "there yes"; fi
if watched; then echo "watched yes"; fi
)sh";

Error problem(const Remote& remote, const Said& said) {
  const auto words = trimmed(said.output);
  std::string last(trimmed(words.substr(words.rfind('\n') + 1)));
  if (said.code == kOtherMachine) {
    return {ErrorCode::conflict,
            remote.ssh.to + " is another machine than it was: " + last + ", not " + remote.id,
            "let the name lead to the machine that it was"};
  }
  const bool refused = last.contains("ermission denied") || last.contains("not permitted") ||
                       last.contains("must be root");
  const auto code = said.code == kUndone      ? ErrorCode::conflict
                    : said.code == kUnwatched ? ErrorCode::unsupported
                    : refused                 ? ErrorCode::refused
                                              : ErrorCode::failed;
  if (last.empty()) last = "exit " + std::to_string(said.code);
  return {code, remote.ssh.to + ": " + last, ""};
}

Result<std::string> run_as(const Remote& remote, const std::string& mark, const std::string& script,
                           const std::vector<std::string>& arguments, const DeedContext& context) {
  std::vector<std::string> all = {remote.id, mark};
  all.insert(all.end(), arguments.begin(), arguments.end());
  TRY(said, run_there(remote.ssh, std::string(kThatMachine) + script, all, context));
  if (said.code == 0) return said.output;
  return std::unexpected(problem(remote, said));
}

Status refuse_another(const Remote& remote, const Json& meant) {
  const auto differs = [&](const char* name, const std::string& is) -> Status {
    const std::string wanted = meant.text(name);
    if (wanted.empty() || wanted == is) return {};
    return fail(ErrorCode::conflict, remote.ssh.to + " is not the machine that is meant: its " +
                                         name + " is " + is + ", not " + wanted);
  };
  TRY_OK(differs("machine_id", remote.id));
  return differs("host_key", remote.host_key);
}

// What these mean on a target is this machine's.
Status refuse_mixture(const Target& target) {
  for (const char* ours : {"process", "sqlite", "host", "postgres-data"}) {
    if (target.facets.find(ours) == nullptr) continue;
    return fail(ErrorCode::invalid,
                std::string("`") + ours +
                    "` beside `ssh` would be done to this machine, and not to "
                    "the other one",
                "name a process there by `ssh: { to: ..., pidfile: ... }`");
  }
  return {};
}

}  // namespace

Json to_json(const Remote& remote) {
  return Json::object({{"ssh", to_json(remote.ssh)},
                       {"id", remote.id},
                       {"boot", remote.boot},
                       {"host_key", remote.host_key},
                       {"client", remote.client},
                       {"port", remote.port},
                       {"grace", remote.grace}});
}

Result<Remote> remote_from(const Json& value) {
  TRY(ssh, ssh_host_from(value.get("ssh")));
  Remote remote{std::move(ssh),           value.text("id"),     value.text("boot"),
                value.text("host_key"),   value.text("client"), value.integer("port", 0),
                value.integer("grace", 0)};
  if (remote.id.empty()) return fail(ErrorCode::corrupt, "an undo lacks its machine's id");
  return remote;
}

Result<Remote> remote_of(const Target& target, const DeedContext& context) {
  TRY_OK(refuse_mixture(target));
  const Json& facet = target.facets.get("ssh");
  TRY(ssh, ssh_host_from(facet));
  Remote remote;
  remote.ssh = std::move(ssh);
  TRY(said, run_there(remote.ssh, std::string(kWho), {}, context));
  remote.id = told_of(said.output, "id");
  remote.boot = told_of(said.output, "boot");
  remote.host_key = said.host_key;
  const auto grace = duration_in(facet, "dead_man").value_or(std::chrono::minutes(1));
  remote.grace = std::chrono::ceil<std::chrono::seconds>(grace).count();
  // Its client's address and port, its own address and port.
  const auto ends = split(told_of(said.output, "ssh"), ' ');
  if (ends.size() == 4 && ends[0] != "UNKNOWN") {
    remote.client = ends[0].substr(0, ends[0].find('%'));
    remote.port = std::atoll(ends[3].c_str());
  }
  if (remote.id.empty() || remote.boot.empty()) {
    return fail(ErrorCode::unsupported,
                remote.ssh.to + " cannot say who it is: it has no /etc/machine-id",
                "only Linux machines can be targets: `systemd-machine-id-setup` makes one");
  }
  if (const auto lacks = told_of(said.output, "lacks"); !lacks.empty()) {
    return fail(ErrorCode::unsupported, remote.ssh.to + " has no program " + lacks,
                "apt-get install util-linux coreutils grep sed there");
  }
  TRY_OK(refuse_another(remote, facet));
  return remote;
}

Result<Remote> remote_named(const std::string& name, const DeedContext& context) {
  const Target* target = context.system.target(name);
  if (target != nullptr) return remote_of(*target, context);
  return fail(ErrorCode::not_found, "no target " + name);
}

Result<std::string> ask_remote(const Remote& remote, const std::string& script,
                               const std::vector<std::string>& arguments,
                               const DeedContext& context) {
  return run_as(remote, "", script, arguments, context);
}

Result<Said> ask_target(const Target& target, const std::string& script,
                        const std::vector<std::string>& arguments, const DeedContext& context) {
  const Json& facet = target.facets.get("ssh");
  Remote remote;
  TRY(ssh, ssh_host_from(facet));
  remote.ssh = std::move(ssh);
  std::vector<std::string> all = {facet.text("machine_id")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  TRY(said, run_there(remote.ssh, std::string(kMeantMachine) + script, all, context));
  remote.host_key = said.host_key;
  remote.id = facet.text("machine_id");
  TRY_OK(refuse_another(remote, facet));
  if (said.code == kOtherMachine) return std::unexpected(problem(remote, said));
  return said;
}

std::string wrong_remote(const Json& arguments, const std::string& field, const System& system) {
  const std::string name = arguments.text(field);
  if (name.empty()) return "";
  const Target* target = system.target(name);
  const bool there = target != nullptr && target->facets.find("ssh") != nullptr;
  return there ? "" : "target " + name + " is no machine behind ssh (`ssh: user@name`)";
}

Status do_there(const RemoteDeed& deed, const std::string& script, const DeedContext& context) {
  const auto lasts = std::chrono::ceil<std::chrono::seconds>(deed.lasts).count();
  const std::string seconds = std::to_string(lasts + deed.remote.grace);
  const auto run = [&](const std::string& text, const std::vector<std::string>& arguments) {
    return run_as(deed.remote, deed.mark, text, arguments, context);
  };
  TRY(armed, run(std::string(kArm), {seconds, deed.undo}));
  const auto done =
      run(std::string(kOneAtATime) + std::string(kApply) + script + std::string(kApplied), {});
  if (done) return {};
  const auto code = done.error().code;
  if (code != ErrorCode::failed && code != ErrorCode::timed_out) {
    return std::unexpected(done.error());
  }
  const auto found =
      run(std::string(kOneAtATime) + "[ -e \"$d/done\" ] && echo 'done yes'; true", {});
  if (found && told_of(*found, "done") == "yes") return {};
  return std::unexpected(done.error());
}

Status undo_there(const RemoteDeed& deed, const DeedContext& context) {
  const std::string script = std::string(kOneAtATime) + std::string(kUndo);
  auto done = run_as(deed.remote, deed.mark, script, {deed.undo}, context);
  // A connection that broke may have done all of it, half, or nothing: once more does no harm.
  if (!done && done.error().code == ErrorCode::failed) {
    done = run_as(deed.remote, deed.mark, script, {deed.undo}, context);
  }
  return done ? Status() : std::unexpected(done.error());
}

Result<RemoteLook> look_there(const Remote& remote, const std::string& mark,
                              const std::string& script, const std::vector<std::string>& arguments,
                              const DeedContext& context) {
  TRY(said, run_as(remote, mark, std::string(kLook) + script, arguments, context));
  return RemoteLook{told_of(said, "there") == "yes", told_of(said, "watched") == "yes",
                    std::move(said)};
}

Result<std::vector<std::string>> marks_there(const Remote& remote, const DeedContext& context) {
  TRY(said, ask_remote(remote,
                       "for f in /run/gameday-*/undo /tmp/gameday-*/undo; do "
                       "[ -O \"$f\" ] && echo \"mark $f\"; done; true",
                       {}, context));
  std::vector<std::string> marks;
  for (const auto& line : split(said, '\n')) {
    const auto from = line.find("/gameday-");
    if (!line.starts_with("mark ") || from == std::string::npos) continue;
    const auto mark = line.substr(from + std::string_view("/gameday-").size());
    marks.push_back(mark.substr(0, mark.find('/')));
  }
  return marks;
}

Result<Json> discover_there(const Deed& deed, const DeedContext& context) {
  TRY(remote, remote_named(deed.target, context));
  TRY(marks, marks_there(remote, context));
  Json found = Json::array();
  for (const auto& mark : marks) {
    found.push(Json::object({{"where", remote.ssh.to}, {"mark", mark}}));
  }
  return found;
}

std::string told_of(const std::string& said, const std::string& key) {
  for (const auto& line : split(said, '\n')) {
    if (line.starts_with(key + " ")) return std::string(trimmed(line.substr(key.size() + 1)));
  }
  return "";
}

}  // namespace gameday
