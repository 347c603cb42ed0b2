#include "engine/playbook/schema.h"

#include "all_rows.h"
#include "cli/command.h"
#include "cli/say.h"

namespace gameday {
namespace {

int run(const Arguments&) {
  print(playbook_schema(all_rows()));
  return 0;
}

}  // namespace

extern const CommandRow schema_command;
const CommandRow schema_command{"schema",
                                "The JSON Schema of playbooks, which editors complete from.",
                                "gameday schema",
                                {},
                                {},
                                run};

}  // namespace gameday
