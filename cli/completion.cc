#include <algorithm>

#include "cli/command.h"
#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kEverywhere[] = {"help", "no-color"};

std::string command_names() {
  std::vector<std::string> names;
  for (const auto* row : all_commands()) names.emplace_back(row->name);
  return join(names, " ");
}

std::string options_of(const CommandRow& row) {
  std::vector<std::string> names;
  for (const auto& option : row.options) names.push_back("--" + std::string(option.name));
  for (const auto name : kEverywhere) names.push_back("--" + std::string(name));
  return join(names, " ");
}

// In single quotes, for all three shells.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string for_bash() {
  std::string options;
  for (const auto* row : all_commands()) {
    options += "        " + std::string(row->name) + ") words=\"" + options_of(*row) + "\" ;;\n";
  }
  return "_gameday() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=\"\"\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    words=\"" +
         command_names() +
         "\"\n"
         "  elif [ \"${current#-}\" != \"$current\" ]; then\n"
         "    case $command in\n" +
         options +
         "    esac\n"
         "  elif [ \"$command\" = explain ]; then\n"
         "    words=$(gameday explain 2>/dev/null)\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o filenames -F _gameday gameday\n";
}

// A colon separates a word from what is said of it.
std::string described(std::string_view word, std::string_view help) {
  std::string text(help);
  std::ranges::replace(text, ':', ';');
  return quoted(std::string(word) + ":" + text);
}

std::string for_zsh() {
  std::string commands, cases;
  for (const auto* row : all_commands()) {
    commands += "    " + described(row->name, row->summary) + "\n";
    std::string options;
    for (const auto& option : row->options) {
      options += " " + described("--" + std::string(option.name), option.help);
    }
    for (const auto name : kEverywhere) options += " " + quoted("--" + std::string(name));
    cases += "      " + std::string(row->name) + ") options=(" + options.substr(1) + ") ;;\n";
  }
  return "#compdef gameday\n"
         "_gameday() {\n"
         "  local -a commands options\n"
         "  commands=(\n" +
         commands +
         "  )\n"
         "  if (( CURRENT == 2 )); then\n"
         "    _describe command commands\n"
         "  elif [[ $words[CURRENT] == -* ]]; then\n"
         "    case $words[2] in\n" +
         cases +
         "    esac\n"
         "    _describe option options\n"
         "  else\n"
         "    _files\n"
         "  fi\n"
         "}\n"
         "compdef _gameday gameday\n";
}

std::string for_fish() {
  std::string out;
  for (const auto* row : all_commands()) {
    const std::string name(row->name);
    out += "complete -c gameday -n __fish_use_subcommand -f -a " + name + " -d " +
           quoted(row->summary) + "\n";
    const std::string within =
        "complete -c gameday -n " + quoted("__fish_seen_subcommand_from " + name) + " -l ";
    for (const auto& option : row->options) {
      out += within + std::string(option.name) + (option.kind == OptionKind::flag ? "" : " -r") +
             " -d " + quoted(option.help) + "\n";
    }
    for (const auto everywhere : kEverywhere) out += within + std::string(everywhere) + "\n";
  }
  return out;
}

struct Shell {
  std::string_view name;
  std::string (*script)();
};
constexpr Shell kShells[] = {{"bash", for_bash}, {"zsh", for_zsh}, {"fish", for_fish}};

int run(const Arguments& arguments) {
  const std::string& wanted = arguments.positionals.front();
  const auto shell = std::ranges::find(kShells, wanted, &Shell::name);
  if (shell == std::end(kShells)) {
    say_error({ErrorCode::invalid, "no completion for " + wanted, "known are: bash, zsh, fish"});
    return 2;
  }
  const std::string script = shell->script();
  print(script.substr(0, script.size() - 1));
  return 0;
}

}  // namespace

extern const CommandRow completion_command;
const CommandRow completion_command{
    "completion",
    "What a shell needs to complete gameday's commands and options.",
    "gameday completion bash",
    {"SHELL", "bash, zsh or fish.", true, false},
    {},
    run};

}  // namespace gameday
