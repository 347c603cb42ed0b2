#include "engine/playbook/explain.h"

#include "cli/command.h"
#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

template <class Row>
bool explained(std::span<const Row* const> rows, const std::string& name,
               std::vector<std::string>& known) {
  for (const Row* row : rows) {
    known.emplace_back(row->name);
    if (row->name != name) continue;
    print(explain(*row));
    return true;
  }
  return false;
}

int run(const Arguments& arguments) {
  const Rows& rows = arguments.world.rows;
  const std::string name = arguments.positionals.empty() ? "" : arguments.positionals.front();
  std::vector<std::string> known;
  bool found = explained(rows.faults, name, known);
  found = explained(rows.probes, name, known) || found;
  found = explained(rows.restores, name, known) || found;
  found = explained(rows.facets, name, known) || found;
  found = explained(rows.actions, name, known) || found;
  for (const auto& form : step_forms()) {
    known.emplace_back(name_of(form.kind));
    if (name_of(form.kind) == name) print(explain(form)), found = true;
  }
  if (found) return 0;
  if (name.empty()) return print(join(known, "\n")), 0;
  const auto near = nearest(name, known);
  say_error({ErrorCode::not_found, "nothing is called " + name,
             near ? "did you mean `" + *near + "`?" : "known are: " + join(known, ", ")});
  return 2;
}

}  // namespace

extern const CommandRow explain_command;
const CommandRow explain_command{
    "explain",
    "A fault, action, probe, restore, target or step: its fields, its reversal, an example.",
    "gameday explain kill",
    {"NAME", "What to explain; without it, the names that there are.", false, false},
    {},
    run,
    Group::before};

}  // namespace gameday
