#include <algorithm>

#include "drills/systems/remote.h"
#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr double kLargestExit = 255;

constexpr Field kExpect[] = {
    {.name = "exit",
     .type = FieldType::integer,
     .help = "The exit code that it must end with.",
     .otherwise = "0",
     .most = kLargestExit},
    {.name = "output_contains",
     .type = FieldType::text,
     .help = "Text that must stand in what it writes, in the first 64 KiB of both streams."},
    {.name = "output_lacks", .type = FieldType::text, .help = "Text that must not stand in there."},
    {.name = "output",
     .type = FieldType::comparison,
     .help = "What it writes as a whole: a text, or a comparison like \"> 5\"; blanks around it "
             "do not count."},
};

constexpr Field kFields[] = {
    {.name = "argv",
     .type = FieldType::texts,
     .help = "The program and its arguments, without a shell; it must change nothing. Secrets "
             "belong into its environment: arguments are seen by everybody.",
     .required = true},
    {.name = "folder",
     .type = FieldType::path,
     .help = "Where it runs; the playbook's folder if nothing is said.",
     .otherwise = "."},
    {.name = "environment",
     .type = FieldType::json,
     .help = "A mapping of variable to text, added to gameday's own environment. ${env:NAME} and "
             "${file:PATH} in it are secrets."},
    {.name = "on",
     .type = FieldType::target,
     .help = "A target with `ssh`: it runs on that machine, in the folder that a login starts in; "
             "on this one where none is named."},
    {.name = "expect", .type = FieldType::group, .help = "What a good end is.", .fields = kExpect},
};

Result<Command> command_of(const Json& arguments, const Secrets& secrets) {
  Command command{texts_in(arguments, "argv"), arguments.text("folder"), {}};
  const Json& environment = arguments.get("environment");
  if (!environment.is_object()) return command;
  for (const auto& [name, value] : environment.members()) {
    TRY(text, secrets.reveal(plain_text(value)));
    command.extra_environment.push_back(name + "=" + text);
  }
  return command;
}

// The last line that it wrote often says why it failed.
std::string with_last_line(const std::string& seen, const Ended& ended) {
  const auto output = trimmed(ended.output);
  if (output.empty()) return seen;
  const auto line = output.rfind('\n');
  return seen + " (" + std::string(trimmed(output.substr(line + 1))) + ")";
}

std::string shown(const Ended& ended) {
  return (ended.how == Ended::How::exited ? "exit " : "ended by signal ") +
         std::to_string(ended.code);
}

Answer judged(const Ended& ended, const Json& expect) {
  std::string seen = shown(ended);
  const auto wanted = expect.integer("exit", 0);
  if (ended.how != Ended::How::exited || ended.code != wanted) {
    return {false, with_last_line(seen + ", expected exit " + std::to_string(wanted), ended)};
  }
  const std::string text = expect.text("output_contains");
  if (!ended.output.contains(text)) {
    return {false, seen + ", but the output does not contain '" + text + "'"};
  }
  if (!text.empty()) seen += ", the output contains '" + text + "'";
  const std::string banned = expect.text("output_lacks");
  if (!banned.empty() && ended.output.contains(banned)) {
    return {false, seen + ", but the output contains '" + banned + "'"};
  }
  if (const Json* output = expect.find("output")) {
    const auto comparison = parse_comparison(output->text());
    const std::string whole(trimmed(ended.output));
    if (!comparison || !comparison->holds(Json(whole))) {
      return {false, seen + ", expected output " + output->text() + ", got '" + whole + "'"};
    }
    seen += ", the output is '" + whole + "'";
  }
  return {true, seen};
}

Answer ask_there(const Target& target, const Json& arguments, const DeedContext& context) {
  const auto said = ask_target(target, quoted(texts_in(arguments, "argv")), {}, context);
  if (!said) return {false, said.error().text};
  return judged({.how = Ended::How::exited, .code = said->code, .output = said->output, .last = {}},
                arguments.get("expect"));
}

Answer ask(const Json& arguments, const DeedContext& context) {
  if (const Target* on = context.system.target(arguments.text("on"))) {
    return ask_there(*on, arguments, context);
  }
  const auto command = command_of(arguments, context.secrets);
  if (!command) return {false, command.error().text};
  const auto ended = context.doors.processes.run(*command, context.until);
  if (!ended) return {false, ended.error().text};
  return judged(*ended, arguments.get("expect"));
}

bool is_variable(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::ranges::all_of(name, fits);
}

std::optional<WrongField> wrong_environment(const Json& environment) {
  if (environment.is_null()) return std::nullopt;
  if (!environment.is_object()) {
    return WrongField{"environment", "expected a mapping of variable to text"};
  }
  for (const auto& [name, value] : environment.members()) {
    if (!is_variable(name)) return WrongField{"environment." + name, "this is no variable's name"};
    const bool plain = !value.is_array() && !value.is_object() && !value.is_null();
    if (!plain || plain_text(value).contains('\0')) {
      return WrongField{"environment." + name, "expected a text"};
    }
  }
  return std::nullopt;
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  if (const auto wrong = wrong_remote(arguments, "on", system); !wrong.empty()) {
    return WrongField{"on", wrong};
  }
  if (arguments.find("on") != nullptr && arguments.find("environment") != nullptr) {
    return WrongField{"environment", "on another machine it would be seen by everybody there"};
  }
  for (const auto& argument : texts_in(arguments, "argv")) {
    if (argument.contains('\0')) return WrongField{"argv", "an argument with a NUL character"};
    if (references_in(argument).empty()) continue;
    return WrongField{"argv",
                      "a secret among the arguments is seen by everybody; put it into "
                      "`environment`"};
  }
  return wrong_environment(arguments.get("environment"));
}

}  // namespace

extern const ProbeRow command_probe;
const ProbeRow command_probe{
    .name = "command",
    .summary = "Runs a program and judges how it ends and what it writes.",
    .scalar = "argv",
    .fields = kFields,
    .example = "stock-adds-up: { command: [./shop, status], timeout: 800ms, expect: { exit: 0 } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
