#include <algorithm>

#include "cli/manual.h"
#include "cli/say.h"

namespace gameday {
namespace {

int run(const Arguments& arguments) {
  if (arguments.positionals.empty()) return print(man_page_of_all()), 0;
  const std::string& wanted = arguments.positionals.front();
  const auto row = std::ranges::find(all_commands(), wanted, &CommandRow::name);
  if (row != all_commands().end()) return print(man_page_of(**row)), 0;
  say_error(unknown_command(wanted));
  return 2;
}

}  // namespace

extern const CommandRow man_command;
const CommandRow man_command{"man",
                             "The man page of gameday, or of one command, for man(1) to show.",
                             "gameday man run",
                             {"COMMAND", "One of the commands.", false, false},
                             {},
                             run,
                             Group::tools};

}  // namespace gameday
