#include "drills/systems/reload.h"

#include <csignal>
#include <cstdlib>

#include "drills/systems/process.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

int number_of(std::string_view signal) {
  return signal == "USR1" ? SIGUSR1 : signal == "USR2" ? SIGUSR2 : SIGHUP;
}

// One that it neither catches nor ignores ends it.
Status refuse_deadly(const ProcessFacts& facts, const std::string& signal,
                     const DeedContext& context) {
  constexpr std::string_view kLine = "SigCgt:";
  TRY(status, context.doors.files.read("/proc/" + std::to_string(facts.id.pid) + "/status"));
  const auto at = status.find(kLine);
  if (at == std::string::npos) return fail(ErrorCode::unsupported, "no signals in its status");
  const auto caught = std::strtoull(status.c_str() + at + kLine.size(), nullptr, 16);
  if ((caught >> (number_of(signal) - 1) & 1U) != 0) return {};
  return fail(ErrorCode::refused,
              shown(facts) + " does not catch the signal " + signal +
                  ": it would end, not read its files again",
              "say what reloads it: `signal: USR1`, `signal: none`, or `reload: [...]`");
}

}  // namespace

Result<Reload> reload_of(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(pidfile, pidfile_of(*target));
  Reload reload{pidfile, deed.arguments.text("signal", "HUP"), texts_in(deed.arguments, "reload"),
                deed.arguments.text("folder")};
  if (!reload.command.empty()) {
    for (const auto& word : reload.command) {
      if (references_in(word).empty()) continue;
      return fail(ErrorCode::refused, "`reload` holds a secret: all users see argument lists");
    }
    TRY_OK(program_of({reload.command, reload.folder, {}}));
    return reload;
  }
  if (reload.signal == "none") return reload;
  TRY(facts, process_at(pidfile, context.doors));
  TRY_OK(may_signal(facts));
  TRY_OK(refuse_deadly(facts, reload.signal, context));
  return reload;
}

Json to_json(const Reload& reload) {
  Json command = Json::array();
  for (const auto& word : reload.command) command.push(word);
  return Json::object({{"pidfile", reload.pidfile},
                       {"signal", reload.signal},
                       {"command", std::move(command)},
                       {"folder", reload.folder}});
}

Result<Reload> reload_from(const Json& value) {
  Reload reload{value.text("pidfile"), value.text("signal"), texts_in(value, "command"),
                value.text("folder")};
  if (reload.pidfile.empty() || reload.signal.empty()) {
    return fail(ErrorCode::corrupt, "an undo lacks how its files are read again");
  }
  return reload;
}

Status reload_now(const Reload& reload, const DeedContext& context) {
  if (!reload.command.empty()) {
    TRY(ended,
        context.doors.processes.run(
            {reload.command, reload.folder, {"GAMEDAY_MARK=" + context.mark}}, context.until));
    if (ended.succeeded()) return {};
    return fail(ErrorCode::failed, "reload: `" + join(reload.command, " ") + "` ended with code " +
                                       std::to_string(ended.code));
  }
  if (reload.signal == "none") return {};
  const auto facts = process_at(reload.pidfile, context.doors);
  if (!facts && facts.error().code == ErrorCode::not_found) return {};
  if (!facts) return std::unexpected(facts.error());
  // As it does now: what runs there may have been started since.
  TRY_OK(refuse_deadly(*facts, reload.signal, context));
  const auto sent = context.doors.processes.signal(facts->id, number_of(reload.signal));
  return !sent && sent.error().code == ErrorCode::not_found ? Status{} : sent;
}

}  // namespace gameday
