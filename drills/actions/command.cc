// A change by a command of the playbook's: a promotion, a deployment, a failing back. What it does
// is its own business; that it worked is what another command says.
#include "engine/playbook/arguments.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "do",
     .type = FieldType::texts,
     .help = "The command as an argument vector, run in the playbook's folder.",
     .required = true},
    {.name = "check",
     .type = FieldType::texts,
     .help = "The command that exits with 0 once the change holds; tried for 10 s.",
     .required = true}};

// What it said is the reason, or the proof; a page of it is enough.
std::string said(const Ended& ended) {
  constexpr std::size_t kMost = 2000;
  const bool signalled = ended.how == Ended::How::signalled;
  std::string text = (signalled ? "ended by signal " : "exited with ") + std::to_string(ended.code);
  std::string output = ended.output.substr(0, kMost);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output.empty() ? text : text + ": " + output;
}

Result<Ended> run(const Deed& deed, std::string_view command, const DeedContext& context) {
  const auto argv = texts_in(deed.arguments, command);
  if (argv.empty()) {
    return fail(ErrorCode::invalid, "`" + std::string(command) + "` names no command");
  }
  auto ended =
      context.doors.processes.run({argv, deed.arguments.text("folder"), {}}, context.until);
  if (!ended) return std::unexpected(ended.error().in(argv.front()));
  return ended;
}

Status perform(const Deed& deed, const DeedContext& context) {
  TRY(ended, run(deed, "do", context));
  if (ended.succeeded()) return {};
  return fail(ErrorCode::failed, texts_in(deed.arguments, "do").front() + " " + said(ended));
}

Result<Proof> prove(const Deed& deed, const DeedContext& context) {
  TRY(ended, run(deed, "check", context));
  return Proof{ended.succeeded(), texts_in(deed.arguments, "check").front() + " " + said(ended),
               Json::object({{"exit_code", ended.code}})};
}

}  // namespace

extern const ActionRow command_action;
const ActionRow command_action{
    .name = "command",
    .summary = "Runs a command of the playbook's, and another one that says whether it worked.",
    .fields = kFields,
    .facet = "",
    .rights = "what the two commands need",
    .example = "- { action: command, do: [./shop, up], check: [./shop, status] }",
    .perform = perform,
    .prove = prove,
};

}  // namespace gameday
