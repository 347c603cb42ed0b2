#include "cli/manual.h"

#include <algorithm>

#include "cli/commit.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::size_t kColumns = 79;
constexpr std::size_t kNames = 14;    // of commands
constexpr std::size_t kOptions = 22;  // of options and what stands for their values

constexpr ExitCode kUsualExitCodes[] = {{0, "yes, or done"},
                                        {1, "no: it differs, does not hold, or could not be done"},
                                        {2, "wrong usage, or an invalid playbook"},
                                        {70, "a defect in gameday itself"}};

std::string padded(std::string text, std::size_t columns) {
  text.resize(std::max(text.size() + 2, columns), ' ');
  return text;
}

std::string entry(const std::string& name, std::string_view said, std::size_t names) {
  const std::string start = "  " + padded(name, names);
  if (start.size() > names + 2) {
    // Too long a name has its line.
    return "  " + name + "\n" + std::string(names + 2, ' ') +
           wrapped(said, names + 2, kColumns - names - 2) + "\n";
  }
  return start + wrapped(said, names + 2, kColumns - names - 2) + "\n";
}

std::string written(const Option& option) {
  std::string text = option.letter.empty() ? "" : "-" + std::string(option.letter) + ", ";
  text += "--" + std::string(option.name);
  if (option.kind != OptionKind::flag) text += " " + std::string(option.value);
  return text;
}

std::string said_of(const Option& option) {
  std::string text(option.help);
  if (option.required) text += " Required.";
  if (option.kind == OptionKind::texts) text += " May be given several times.";
  return text;
}

}  // namespace

std::string_view title_of(Group group) {
  switch (group) {
    case Group::before: return "Before a drill";
    case Group::drill: return "A drill";
    case Group::afterwards: return "Afterwards";
    case Group::tools: return "For shells and editors";
    case Group::parts: return "What gameday starts by itself";
  }
  return "";
}

std::span<const ExitCode> exit_codes_of(const CommandRow& row) {
  return row.exit_codes.empty() ? std::span<const ExitCode>(kUsualExitCodes) : row.exit_codes;
}

std::string usage_of(const CommandRow& row) {
  std::string text = "gameday " + std::string(row.name) + " [OPTIONS]";
  for (const auto& option : row.options) {
    if (option.required) text += " " + written(option);
  }
  const auto& positional = row.positional;
  if (positional.name.empty()) return text;
  const std::string name = std::string(positional.name) + (positional.many ? "..." : "");
  return text + (positional.required ? " " + name : " [" + name + "]");
}

std::vector<Option> options_of(const CommandRow& row) {
  std::vector<Option> all(row.options.begin(), row.options.end());
  all.push_back({"no-color", OptionKind::flag, "", "No colours; as NO_COLOR=1."});
  all.push_back({"help", OptionKind::flag, "", "This help."});
  return all;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  for (const auto& word : split(text, ' ')) {
    if (used > 0 && used + 1 + word.size() > columns) {
      out += "\n" + std::string(indent, ' ');
      used = 0;
    }
    out += (used > 0 ? " " : "") + word;
    used += (used > 0 ? 1 : 0) + word.size();
  }
  return out;
}

std::string help_of_all() {
  std::string out = wrapped(kAbout, 0, kColumns) + "\n\nUsage: gameday COMMAND [ARGUMENTS]\n";
  for (const Group group : kGroups) {
    out += "\n" + std::string(title_of(group)) + ":\n";
    for (const auto* row : all_commands()) {
      if (row->group == group) out += entry(std::string(row->name), row->summary, kNames);
    }
  }
  return out +
         "\n`gameday help COMMAND` says more of one; `gameday --version` which gameday this is.";
}

std::string help_of(const CommandRow& row) {
  std::string out = wrapped(row.summary, 0, kColumns) + "\n\nUsage: " + usage_of(row) + "\n";
  if (!row.positional.name.empty()) {
    out += "\n" + entry(std::string(row.positional.name), row.positional.help, kOptions);
  }
  out += "\nOptions:\n";
  for (const auto& option : options_of(row))
    out += entry(written(option), said_of(option), kOptions);
  out += "\nExit codes:\n";
  for (const auto& code : exit_codes_of(row)) {
    out += entry(std::to_string(code.code), code.meaning, 4);
  }
  return out + "\nExample:\n  " + std::string(row.example);
}

std::string version_text() {
  const std::string commit = kCommit[0] == '\0' ? "" : " (commit " + std::string(kCommit) + ")";
  return "gameday " GAMEDAY_VERSION + commit;
}

}  // namespace gameday
