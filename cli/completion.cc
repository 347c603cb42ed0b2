#include <algorithm>

#include "cli/command.h"
#include "cli/complete.h"
#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

// Each asks the program itself what may follow, so that none of them is older than the program, and
// adds the files that its answer allows.
constexpr std::string_view kBash = R"sh(_gameday() {
  local current=${COMP_WORDS[COMP_CWORD]} answer line
  local -a asked=("${COMP_WORDS[@]:1:COMP_CWORD}") lines=()
  COMPREPLY=()
  mapfile -t lines < <("${COMP_WORDS[0]}" __complete "${asked[@]}" 2>/dev/null)
  for line in "${lines[@]:1}"; do COMPREPLY+=("${line%%$'\t'*}"); done
  case ${lines[0]} in
    :none) return ;;
    :files) mapfile -t lines < <(compgen -f -- "$current") ;;
    :folders) mapfile -t lines < <(compgen -d -- "$current") ;;
    :playbooks)
      mapfile -t lines < <(compgen -d -- "$current"; compgen -f -X '!*.yaml' -- "$current"
        compgen -f -X '!*.yml' -- "$current") ;;
    *) lines=() ;;
  esac
  COMPREPLY+=("${lines[@]}")
  compopt -o filenames 2>/dev/null
}
complete -F _gameday gameday
)sh";

constexpr std::string_view kZsh = R"sh(#compdef gameday
_gameday() {
  local -a lines candidates
  local line
  lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${(@)lines[2,-1]}"; do
    candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  (( $#candidates )) && _describe -V gameday candidates
  case $lines[1] in
    :files) _files ;;
    :folders) _files -/ ;;
    :playbooks) _files -g '*.(yaml|yml)' ;;
  esac
}
if [[ $funcstack[1] == _gameday ]]; then
  _gameday "$@"
else
  compdef _gameday gameday
fi
)sh";

constexpr std::string_view kFish = R"sh(function __gameday_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($before[1] __complete $before[2..-1] "$current" 2>/dev/null)
    printf '%s\n' $lines[2..-1]
    switch "$lines[1]"
        case :files
            __fish_complete_path "$current"
        case :folders
            __fish_complete_directories "$current"
        case :playbooks
            __fish_complete_suffix .yaml .yml
    end
end
complete -c gameday -f -a '(__gameday_complete)'
)sh";

struct Shell {
  std::string_view name;
  std::string_view script;
};
constexpr Shell kScripts[] = {{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};

int run(const Arguments& arguments) {
  const std::string& wanted = arguments.positionals.front();
  const auto shell = std::ranges::find(kScripts, wanted, &Shell::name);
  if (shell == std::end(kScripts)) {
    say_error({ErrorCode::invalid, "no completion for " + wanted, "known are: bash, zsh, fish"});
    return 2;
  }
  print(shell->script.substr(0, shell->script.size() - 1));
  return 0;
}

}  // namespace

extern const CommandRow completion_command;
const CommandRow completion_command{
    "completion",
    "What a shell needs to complete commands, options, names, playbooks and drills.",
    "gameday completion bash",
    {"SHELL", "bash, zsh or fish.", true, false},
    {},
    run,
    Group::tools};

}  // namespace gameday
