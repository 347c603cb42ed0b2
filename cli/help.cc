#include <algorithm>

#include "cli/manual.h"
#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

int run(const Arguments& arguments) {
  if (arguments.positionals.empty()) return print(help_of_all()), 0;
  const std::string& wanted = arguments.positionals.front();
  const auto row = std::ranges::find(all_commands(), wanted, &CommandRow::name);
  if (row != all_commands().end()) return print(help_of(**row)), 0;
  say_error(unknown_command(wanted));
  return 2;
}

}  // namespace

extern const CommandRow help_command;
const CommandRow help_command{"help",
                              "The commands, or what one of them takes and means.",
                              "gameday help run",
                              {"COMMAND", "One of the commands.", false, false},
                              {},
                              run,
                              Group::tools};

}  // namespace gameday
