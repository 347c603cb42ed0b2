#include "engine/playbook/schema.h"

#include "cli/command.h"
#include "cli/say.h"

namespace gameday {
namespace {

int run(const Arguments& arguments) {
  const std::string schema = playbook_schema(arguments.world.rows);
  print(schema.substr(0, schema.find_last_not_of('\n') + 1));
  return 0;
}

}  // namespace

extern const CommandRow schema_command;
const CommandRow schema_command{"schema",
                                "The JSON Schema of playbooks, which editors complete from.",
                                "gameday schema",
                                {},
                                {},
                                run,
                                Group::tools};

}  // namespace gameday
