// Ends a process on a machine behind ssh. What starts it again is a command that the target names:
// who runs it there, with which environment, is not ours to make up.
#include "drills/systems/remote_process.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kSignals[] = {"KILL", "TERM"};

constexpr Field kFields[] = {
    {.name = "signal",
     .type = FieldType::choice,
     .help = "KILL gives it no chance to tidy up, as a crash does; TERM asks it to end.",
     .otherwise = "KILL",
     .choices = kSignals},
};

// Whoever has brought it back meanwhile, one is enough.
constexpr std::string_view kStart = R"sh(
i=0
until named; do
  i=$((i + 1)); [ $i -gt 80 ] && { echo "its start command has not brought it back"; exit 91; }
  sleep 0.1
done)sh";

constexpr std::string_view kEnd = R"sh(
i=0
while alive; do
  i=$((i + 1)); [ $i -gt 80 ] && { echo "it does not end"; return 91; }
  sleep 0.1
done)sh";

constexpr std::string_view kStays = R"sh(
named && p=$q && sleep 0.3 && named && [ "$p" = "$q" ] && echo "back $q"; true)sh";

RemoteDeed deed_of(const RemoteProcess& lost) {
  return deed_on(lost, "alive && exit 0; named && exit 0\nsetsid " + quoted(lost.start_again) +
                           " </dev/null >/dev/null 2>&1 &" + std::string(kStart));
}

// $1: the first word of the start command.
constexpr std::string_view kRuns = R"sh(
case $1 in
*/*) [ -f "$1" ] && [ -x "$1" ] ;;
*) command -v -- "$1" >/dev/null ;;
esac || { echo "we may not run $1: Permission denied"; exit 96; })sh";

Result<RemoteProcess> endable(const Deed& deed, const DeedContext& context) {
  TRY(process, remote_process_of(deed, context));
  if (process.start_again.empty()) {
    return fail(ErrorCode::refused, "nobody could start " + process.shown + " again",
                "say how: ssh: { ..., start: [systemctl, start, shop] }");
  }
  TRY_OK(ask_remote(process.remote, std::string(kRuns), {process.start_again.front()}, context));
  return process;
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(endable(deed, context));
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(process, endable(deed, context));
  return Undo{"kill-remote", to_json(process)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(lost, remote_process_from(undo.arguments));
  const std::string signal = deed.arguments.text("signal") == "TERM" ? "TERM" : "KILL";
  return do_there(deed_of(lost),
                  functions_of(lost) + "alive || { echo 'it ended before'; return 93; }\nkill -" +
                      signal + " " + std::to_string(lost.pid) + std::string(kEnd),
                  context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(lost, remote_process_from(undo.arguments));
  TRY(look,
      look_there(lost.remote, lost.mark,
                 functions_of(lost) + "alive && echo 'alive yes'; named && echo \"named $q\"; true",
                 {}, context));
  Proof proof;
  proof.held = told_of(look.said, "alive").empty() && look.watched;
  proof.text = lost.shown + (told_of(look.said, "alive").empty() ? " is dead" : " is still alive");
  if (!look.watched) proof.text += ", but nothing there would undo it by itself";
  const std::string other = told_of(look.said, "named");
  if (proof.held && !other.empty()) {
    proof.text += "; " + lost.pidfile + " already names process " + other +
                  ", which somebody else has started in its place";
    proof.facts.set("replaced_by", other);
  }
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(lost, remote_process_from(undo.arguments));
  return undo_there(deed_of(lost), context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(lost, remote_process_from(undo.arguments));
  TRY(look,
      look_there(lost.remote, lost.mark, functions_of(lost) + std::string(kStays), {}, context));
  const std::string pid = told_of(look.said, "back");
  if (look.there || look.watched) {
    return Proof{false, "the deed's folder is still on " + lost.remote.ssh.to};
  }
  return Proof{!pid.empty(), pid.empty() ? "nobody is there in place of " + lost.shown
                                         : "process " + pid + " runs on " + lost.remote.ssh.to};
}

}  // namespace

extern const FaultRow kill_remote_fault;
const FaultRow kill_remote_fault{
    .name = "kill-remote",
    .summary = "Ends a process on a machine behind ssh; its own command starts it again.",
    .fields = kFields,
    .facet = "ssh",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to log in by a key as who may signal the process and run its start command",
    .example = "- { fault: kill-remote, target: edge-1, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .discover = discover_there,
    .as = "kill",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
