// Holds a process on a machine behind ssh still. That this deed has stopped it, and nobody else, is
// known there by the deed's own folder.
#include "drills/systems/remote_process.h"

namespace gameday {
namespace {

constexpr std::string_view kStop = R"sh(
i=0
until [ "$(state)" = T ]; do
  i=$((i + 1)); [ $i -gt 80 ] && { echo "it does not stop"; return 91; }
  sleep 0.05
done)sh";

constexpr std::string_view kGoesOn = R"sh(
i=0
while alive && [ "$(state)" = T ]; do
  i=$((i + 1)); [ $i -gt 80 ] && { echo "it stays stopped"; exit 91; }
  sleep 0.05
done)sh";

RemoteDeed deed_of(const RemoteProcess& held) {
  return deed_on(held, "[ -e \"$1/begun\" ] || exit 0\nalive || exit 0\nkill -CONT " +
                           std::to_string(held.pid) + " || exit 91" + std::string(kGoesOn));
}

Result<RemoteProcess> pausable(const Deed& deed, const DeedContext& context) {
  TRY(process, remote_process_of(deed, context));
  TRY(state,
      ask_remote(process.remote, functions_of(process) + "echo \"state $(state)\"", {}, context));
  if (told_of(state, "state") != "T") return process;
  return fail(ErrorCode::conflict, process.shown + " is already stopped",
              "let it go on first: a pause would change nothing, and its undo too much");
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(remote_process_of(deed, context));
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(process, pausable(deed, context));
  return Undo{"pause-remote", to_json(process)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, remote_process_from(undo.arguments));
  return do_there(deed_of(held),
                  functions_of(held) +
                      "alive || { echo 'it ended before it was paused'; return 93; }\nkill -STOP " +
                      std::to_string(held.pid) + std::string(kStop),
                  context);
}

// That it is stopped is what /proc says; that it does not run is measured.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, remote_process_from(undo.arguments));
  TRY(look, look_there(held.remote, held.mark,
                       functions_of(held) + "alive || exit 0; echo \"state $(state)\"; "
                                            "echo \"before $(ran)\"; sleep 0.1; "
                                            "echo \"after $(ran)\"",
                       {}, context));
  const std::string state = told_of(look.said, "state");
  if (state.empty()) return Proof{false, held.shown + " has ended"};
  const bool ran = told_of(look.said, "before") != told_of(look.said, "after");
  Proof proof{.held = state == "T" && !ran && look.watched,
              .text = held.shown,
              .facts = Json::object({{"state", state}})};
  proof.text += state == "T" ? " is stopped" : " is running";
  proof.text += ran ? " and has run meanwhile" : ", and did not run for 100 ms";
  if (!look.watched) proof.text += "; nothing there would undo it by itself";
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(held, remote_process_from(undo.arguments));
  return undo_there(deed_of(held), context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(held, remote_process_from(undo.arguments));
  TRY(look, look_there(held.remote, held.mark,
                       functions_of(held) + "alive && echo \"state $(state)\"; true", {}, context));
  const std::string state = told_of(look.said, "state");
  if (look.there || look.watched) {
    const std::string is =
        state == "T" ? " is still stopped" : " runs, and its deed's folder stays";
    return Proof{false, held.shown + is};
  }
  if (state.empty()) return Proof{true, held.shown + " has ended, and its pause"};
  const bool others = state == "T";
  return Proof{true,
               held.shown + (others ? " is stopped by somebody else, not by this drill" : " runs")};
}

}  // namespace

extern const FaultRow pause_remote_fault;
const FaultRow pause_remote_fault{
    .name = "pause-remote",
    .summary = "Holds a process on a machine behind ssh still, as one that hangs.",
    .fields = {},
    .facet = "ssh",
    .reversal = Reversal::exact,
    .effect = Effect::stops,
    .rights = "to log in by a key as who may signal the process",
    .example = "- { fault: pause-remote, target: edge-1, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .discover = discover_there,
    .as = "pause",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
