#include "engine/playbook/explain.h"

#include <algorithm>

#include "cli/command.h"
#include "cli/manual.h"
#include "cli/say.h"
#include "engine/base/text.h"
#include "engine/playbook/problem.h"

namespace gameday {
namespace {

constexpr std::size_t kColumns = 79;  // as the help has
constexpr std::size_t kNames = 24;
constexpr std::size_t kNarrowest = 30;

// The lines of an explanation, none too wide: what is continued begins where it began, behind the
// name of a field too. An example is to be copied, and stays as it is.
std::string laid_out(const std::string& text) {
  std::string out;
  bool example = false;
  for (const auto& line : split(text, '\n')) {
    if (!line.starts_with(' ')) example = line.starts_with("Example");
    std::size_t hanging = std::min(line.find_first_not_of(' '), line.size());
    const auto gap = line.find("  ", hanging);
    if (gap != std::string::npos) {
      const auto column = std::min(line.find_first_not_of(' ', gap), line.size());
      if (column + kNarrowest <= kColumns) hanging = column;
    }
    const bool whole = example || line.size() <= kColumns || hanging + kNarrowest > kColumns;
    out += whole ? line
                 : line.substr(0, hanging) +
                       wrapped(line.substr(hanging), hanging, kColumns - hanging);
    out += '\n';
  }
  return out.substr(0, out.find_last_not_of('\n') + 1);
}

void list(std::string_view name, std::string_view summary) {
  std::string start = "  " + std::string(name);
  if (start.size() + 2 > kNames) {
    print(start);
    start.clear();
  }
  start.resize(kNames, ' ');
  print(start + wrapped(summary, kNames, kColumns - kNames));
}

template <class Row>
void list_all(std::string_view title, std::span<const Row* const> rows) {
  if (rows.empty()) return;
  print(std::string(title) + ":");
  for (const Row* row : rows) list(row->name, row->summary);
  print("");
}

void list_everything(const Rows& rows) {
  list_all("Faults", rows.faults);
  list_all("Actions", rows.actions);
  list_all("Probes", rows.probes);
  list_all("Loads", rows.loads);
  list_all("Restores", rows.restores);
  list_all("Targets", rows.facets);
  print("Steps:");
  for (const auto& form : step_forms()) list(name_of(form.kind), form.summary);
  print("\nParts of a playbook:");
  for (const auto& part : playbook_parts()) {
    if (is_section(part)) list(part.path, part.field.help);
  }
}

// By its path or its own name, which several may have. `near`: what else may have been meant.
bool explain_parts(const Rows& rows, const std::string& name, std::vector<std::string>& known,
                   std::vector<std::string>& near) {
  bool found = false;
  for (const auto& part : playbook_parts()) {
    (is_section(part) ? known : near).push_back(part.path);
    near.emplace_back(name_of(part));
    if (part.path != name && name_of(part) != name) continue;
    print(laid_out(explain(part, rows)) + "\n");
    found = true;
  }
  return found;
}

template <class Row>
bool explained(std::span<const Row* const> rows, const std::string& name,
               std::vector<std::string>& known) {
  for (const Row* row : rows) {
    known.emplace_back(row->name);
    if (row->name != name) continue;
    print(laid_out(explain(*row)) + "\n");
    return true;
  }
  return false;
}

// What the name means on targets of other kinds.
void explain_others(const Rows& rows, const std::string& name) {
  for (const FaultRow* row : rows.faults) {
    if (!name.empty() && row->as == name) print(laid_out(explain(*row)) + "\n");
  }
}

int run(const Arguments& arguments) {
  const Rows& rows = arguments.world.rows;
  if (arguments.positionals.empty()) return list_everything(rows), 0;
  const std::string& name = arguments.positionals.front();
  std::vector<std::string> known;
  bool found = explained(rows.faults, name, known);
  explain_others(rows, name);
  found = explained(rows.probes, name, known) || found;
  found = explained(rows.loads, name, known) || found;
  found = explained(rows.restores, name, known) || found;
  found = explained(rows.facets, name, known) || found;
  found = explained(rows.actions, name, known) || found;
  for (const auto& form : step_forms()) {
    known.emplace_back(name_of(form.kind));
    if (name_of(form.kind) == name) print(laid_out(explain(form)) + "\n"), found = true;
  }
  std::vector<std::string> near;
  found = explain_parts(rows, name, known, near) || found;
  if (found) return 0;
  near.insert(near.begin(), known.begin(), known.end());
  const auto one = meant(name, near);
  say_error({ErrorCode::not_found, "nothing is called " + name,
             one ? "did you mean `" + *one + "`?" : "known are: " + join(known, ", ")});
  return 2;
}

}  // namespace

extern const CommandRow explain_command;
const CommandRow explain_command{
    "explain",
    "A fault, action, probe, load, restore, target, step or part of a playbook: its fields, an "
    "example.",
    "gameday explain kill",
    {"NAME", "What to explain; without it, the names that there are.", false, false},
    {},
    run,
    Group::before};

}  // namespace gameday
