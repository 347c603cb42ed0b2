// A fault of the user's own: three commands, of which one does it, one undoes it and one says
// whether it is in force. A private file says that this drill began it: what it did not begin, it
// does not undo.
#include <filesystem>

#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/rows.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

constexpr std::string_view kUnnamed = "do";

constexpr Field kFields[] = {
    {.name = "do",
     .type = FieldType::texts,
     .help = "The command that injects, as a list of its words, run without a shell for at most "
             "15 s.",
     .required = true},
    {.name = "undo",
     .type = FieldType::texts,
     .help = "The command that puts back what `do` did, or did in part.",
     .required = true},
    {.name = "check",
     .type = FieldType::texts,
     .help = "The command that ends with exit code 0 while the fault is in force and with 1 while "
             "it is not; it changes nothing.",
     .required = true},
    {.name = "name",
     .type = FieldType::text,
     .help = "What the plan and the report call it; the words of `do` where nothing stands here.",
     .otherwise = kUnnamed},
    {.name = "folder",
     .type = FieldType::path,
     .help = "Where the three run; the playbook's own folder where nothing stands here.",
     .otherwise = "."},
};

struct Commands {
  std::vector<std::string> inject, undo, check;
  std::string folder;
  std::string begun;  // the private file
  std::string mark;   // the three find it in their environment
};

std::string aim(const Json& arguments) {
  const std::string name = arguments.text("name", kUnnamed);
  return name == kUnnamed ? join(texts_in(arguments, "do"), " ") : name;
}

Result<Commands> commands_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Commands commands{texts_in(from, "do"), texts_in(from, "undo"), texts_in(from, "check"),
                    from.text("folder"),  from.text("begun"),     from.text("mark")};
  if (commands.inject.empty() || commands.undo.empty() || commands.check.empty() ||
      commands.folder.empty() || commands.begun.empty()) {
    return fail(ErrorCode::corrupt, "an undo of command lacks a command, its folder or its file");
  }
  return commands;
}

// What it said may hold what it was not to say: the first line is enough for a person.
std::string how(const std::vector<std::string>& argv, const Ended& ended) {
  constexpr std::size_t kLongest = 200;
  std::string said = valid_utf8(split(std::string(trimmed(ended.output)), '\n').front());
  if (said.size() > kLongest) said = valid_utf8(said.substr(0, kLongest)) + "...";
  const std::string code = std::to_string(ended.code);
  return "`" + join(argv, " ") + "` " +
         (ended.how == Ended::How::exited ? "ended with exit code " : "was ended by signal ") +
         code + (said.empty() ? "" : ": " + said);
}

Result<Ended> run(const std::vector<std::string>& argv, const Commands& commands,
                  const DeedContext& context) {
  return context.doors.processes.run({argv, commands.folder, {"GAMEDAY_MARK=" + commands.mark}},
                                     context.until);
}

Result<bool> in_force(const Commands& commands, const DeedContext& context) {
  TRY(ended, run(commands.check, commands, context));
  const bool exited = ended.how == Ended::How::exited;
  if (exited && ended.code == 0) return true;
  if (exited && ended.code == 1) return false;
  return fail(ErrorCode::failed, "check: " + how(commands.check, ended),
              "`check` must end with 0 while the fault is in force, and with 1 while it is not");
}

// Everybody on this machine sees argument lists; what a command inherits, only its user does.
Status refuse_secrets(const Json& arguments) {
  for (const std::string_view name : {"do", "undo", "check"}) {
    for (const auto& word : texts_in(arguments, name)) {
      if (references_in(word).empty()) continue;
      return fail(ErrorCode::refused,
                  "`" + std::string(name) + "` holds a secret: all users see argument lists",
                  "let the command read it from its environment, which is gameday's own, or from "
                  "a file");
    }
  }
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY_OK(refuse_secrets(deed.arguments));
  Undo undo{"command",
            Json::object({{"do", deed.arguments.get("do")},
                          {"undo", deed.arguments.get("undo")},
                          {"check", deed.arguments.get("check")},
                          {"folder", deed.arguments.text("folder")},
                          {"begun", context.private_folder + "/" + context.mark + ".begun"},
                          {"mark", context.mark}})};
  TRY(commands, commands_in(undo));
  // An undo that could not be run would only be found out when it is needed.
  for (const auto* argv : {&commands.inject, &commands.undo}) {
    TRY_OK(program_of({*argv, commands.folder, {}}));
  }
  TRY(already, in_force(commands, context));
  if (already) {
    return fail(ErrorCode::conflict, aim(deed.arguments) + " is in force already, says `" +
                                         join(commands.check, " ") + "`");
  }
  return undo;
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(commands, commands_in(undo));
  TRY_OK(context.doors.files.write(commands.begun, join(commands.inject, " ") + "\n", 0600));
  TRY(ended, run(commands.inject, commands, context));
  if (ended.succeeded()) return {};
  return fail(ErrorCode::failed, "do: " + how(commands.inject, ended));
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(commands, commands_in(undo));
  TRY(held, in_force(commands, context));
  return Proof{held, "`" + join(commands.check, " ") + "` says that it is " +
                         (held ? "in force" : "not in force")};
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(commands, commands_in(undo));
  const Files& files = context.doors.files;
  if (!files.exists(commands.begun)) {
    // Without the folder nothing tells who began it; it was not in force before this deed.
    if (files.exists(std::filesystem::path(commands.begun).parent_path().string())) return {};
    TRY(held, in_force(commands, context));
    if (!held) return {};
  }
  TRY(ended, run(commands.undo, commands, context));
  if (!ended.succeeded()) {
    // One that finds nothing left to put back may say so.
    TRY(held, in_force(commands, context));
    if (held) return fail(ErrorCode::failed, "undo: " + how(commands.undo, ended));
  }
  return files.remove(commands.begun);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(commands, commands_in(undo));
  TRY(held, in_force(commands, context));
  return Proof{!held, "`" + join(commands.check, " ") + "` says that it is " +
                          (held ? "still in force" : "not in force")};
}

}  // namespace

extern const FaultRow command_fault;
const FaultRow command_fault{
    .name = "command",
    .summary = "A fault of your own: a command that does it, one that undoes it, one that checks.",
    .fields = kFields,
    .facet = "",
    .reversal = Reversal::exact,
    .effect = Effect::stops,
    .rights = "what the commands themselves need",
    .example =
        "- { fault: command, do: [touch, maintenance], undo: [rm, -f, maintenance], "
        "check: [test, -e, maintenance], for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .aim = aim,
};

}  // namespace gameday
