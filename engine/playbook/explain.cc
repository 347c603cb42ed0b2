#include "engine/playbook/explain.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/playbook/bounds.h"

namespace gameday {
namespace {

std::string headed(std::string_view family, std::string_view name, std::string_view summary) {
  return std::string(name) + " (" + std::string(family) + ")\n  " + std::string(summary) + "\n";
}

// What it takes, its bounds and default.
std::string taken_by(const Field& field) {
  std::string out = type_in_words(field);
  if (const auto bounds = bounds_in_words(field); !bounds.empty()) out += ", " + bounds;
  if (field.required) out += ", required";
  if (!field.otherwise.empty()) out += ", default " + std::string(field.otherwise);
  return out;
}

// One paragraph a field: its name, what it takes, then its help.
void list_fields(std::span<const Field> fields, const std::string& indent, std::string& out) {
  std::size_t width = 0;
  for (const auto& field : fields) width = std::max(width, field.name.size());
  for (const auto& field : fields) {
    out += indent + std::string(field.name) + std::string(width - field.name.size() + 2, ' ') +
           taken_by(field) + "\n";
    const std::string inner = indent + std::string(width + 2, ' ');
    if (!field.help.empty()) out += inner + std::string(field.help) + "\n";
    list_fields(field.fields, inner, out);
  }
}

void add_fields(std::string_view title, std::span<const Field> fields, std::string& out) {
  if (fields.empty()) return;
  out += "\n" + std::string(title) + "\n";
  list_fields(fields, "  ", out);
}

void add_line(std::string_view title, std::string_view text, std::string& out) {
  if (!text.empty()) out += "\n" + std::string(title) + "\n  " + std::string(text) + "\n";
}

std::string_view meaning_of(Reversal reversal) {
  switch (reversal) {
    case Reversal::exact: return "exact: the prior state is put back as it was";
    case Reversal::restart: return "restart: what was ended is started again";
    case Reversal::saved_copy: return "saved-copy: a copy taken before is put back";
    case Reversal::by_restore: return "by-restore: only a restore puts the data back";
    case Reversal::none: return "none: it cannot be undone, and needs allow_irreversible: REASON";
  }
  return "";
}

void add_short_form(std::string_view name, std::string_view scalar, std::string& out) {
  if (scalar.empty()) return;
  add_line("Short form", std::string(name) + ": VALUE stands for its " + std::string(scalar) + ".",
           out);
}

// The step's own fields that this fault takes: which of them say what it hits differs.
std::vector<Field> step_fields(const FaultRow& row) {
  const auto common = form_of(StepKind::fault).fields;
  std::vector<Field> fields(common.begin(), common.end());
  const auto takes = aims_of(row);
  std::erase_if(fields, [&](const Field& field) {
    const bool aim = std::ranges::find(kAims, field.name) != std::end(kAims);
    const bool taken = std::ranges::find(takes, field.name) != takes.end();
    return (aim && !taken) || field.name == "fault" ||
           (field.name == "allow_irreversible" && row.reversal != Reversal::none);
  });
  // Where there are two, one of them is: the line "Hits" says so.
  for (auto& field : fields) {
    if (takes.size() == 1 && field.name == takes.front()) field.required = true;
  }
  return fields;
}

void add_parts(std::span<const Field> fields, const std::string& above,
               std::vector<PlaybookPart>& parts) {
  for (const auto& field : fields) {
    parts.push_back({above + std::string(field.name), field});
    PlaybookPart& part = parts.back();
    const std::string path = part.path;
    if (path == "system") part.field.fields = target_fields();
    if (path == "load") part.field.fields = load_fields();
    if (path == "probes") part.field.fields = probe_fields();
    part.of_its = field.type == FieldType::json && !part.field.fields.empty();
    const auto below = part.field.fields;
    if (path == "system") {
      parts.push_back({path + ".links", links_field(), true});
      add_parts(link_fields(), path + ".links.", parts);
    }
    add_parts(below, path + ".", parts);
  }
}

template <class Row>
std::string names_in(std::span<const Row* const> rows) {
  std::vector<std::string> names;
  for (const Row* row : rows) names.emplace_back(row->name);
  return join(names, ", ");
}

std::string names_of_steps() {
  std::vector<std::string> names;
  for (const auto& form : step_forms()) names.emplace_back(name_of(form.kind));
  return join(names, ", ");
}

}  // namespace

std::vector<PlaybookPart> playbook_parts() {
  std::vector<PlaybookPart> parts;
  add_parts(playbook_fields(), "", parts);
  return parts;
}

std::string_view name_of(const PlaybookPart& part) { return part.field.name; }

bool is_section(const PlaybookPart& part) { return part.path == part.field.name; }

std::string explain(const PlaybookPart& part, const Rows& rows) {
  const Field& field = part.field;
  std::string out = headed("part of a playbook", part.path, field.help);
  const bool names = part.of_its || part.path == "timeline";
  if (!names) add_line("Takes", taken_by(field), out);
  add_short_form(field.name, field.scalar, out);
  add_fields(part.of_its ? "Fields of each, below a name of its own" : "Its fields", field.fields,
             out);
  if (part.path == "system") {
    add_line("And one or more of", names_in(rows.facets), out);
    add_fields("Beside the targets, each below a name of its own under links", link_fields(), out);
  }
  if (part.path == "load") add_line("Or, in place of request", names_in(rows.loads), out);
  if (part.path == "probes") add_line("And one of", names_in(rows.probes), out);
  if (part.path == "timeline") add_line("A list of steps, each one of", names_of_steps(), out);
  return out;
}

std::string explain(const FaultRow& row) {
  std::string out = headed("fault", row.name, row.summary);
  if (row.facet == "link") {
    add_line("Hits", "the links of a region, or one link, declared under system.links", out);
  } else if (!row.facet.empty()) {
    add_line("Hits",
             "a target with " + std::string(row.facet) +
                 (row.takes_region ? ", or all those of a region" : ""),
             out);
  }
  if (!row.as.empty()) add_line("Said as", std::string(row.as) + ", of such a target", out);
  const OtherWay* other = row.other_way;
  if (other != nullptr) add_line("Or hits", "a target with " + std::string(other->facet), out);
  add_fields("Its own fields", row.fields, out);
  add_fields("Fields of every such step", step_fields(row), out);
  add_line("Reversal", meaning_of(row.reversal), out);
  add_line("Rights", row.rights, out);
  if (other != nullptr) add_line("Rights there", other->rights, out);
  add_line("Example", row.example, out);
  if (other != nullptr) add_line("Example there", other->example, out);
  return out;
}

std::string explain(const ProbeRow& row) {
  std::string out = headed("probe", row.name, row.summary);
  add_short_form(row.name, row.scalar, out);
  add_fields("Its own fields", row.fields, out);
  add_fields("Fields of every probe", probe_fields(), out);
  add_line("Example", row.example, out);
  return out;
}

std::string explain(const LoadRow& row) {
  std::string out = headed("load", row.name, row.summary);
  if (!row.scalar.empty()) add_short_form(row.name, row.scalar, out);
  add_fields("Its own fields", row.fields, out);
  const auto common = row.carry != nullptr ? carried_load_fields() : load_fields();
  std::vector<Field> fields(common.begin(), common.end());
  std::erase_if(fields, [](const Field& field) { return field.type == FieldType::group; });
  add_fields("Fields of every load", fields, out);
  add_line("Rights", row.rights, out);
  add_line("Example", row.example, out);
  return out;
}

std::string explain(const RestoreRow& row) {
  std::string out = headed("restore", row.name, row.summary);
  add_line("Restores", "a target with " + std::string(row.facet), out);
  add_fields("Fields of a restore step", form_of(StepKind::restore).fields, out);
  add_line("Rights", row.rights, out);
  add_line("Example", row.example, out);
  return out;
}

std::string explain(const FacetRow& row) {
  std::string out = headed("facet of a target", row.name, row.summary);
  add_short_form(row.name, row.scalar, out);
  add_fields("Its fields", row.fields, out);
  return out;
}

std::string explain(const ActionRow& row) {
  std::string out = headed("action", row.name, row.summary);
  if (!row.facet.empty()) add_line("Changes", "a target with " + std::string(row.facet), out);
  add_fields("Its own fields", row.fields, out);
  const auto common = form_of(StepKind::action).fields;
  std::vector<Field> fields(common.begin(), common.end());
  std::erase_if(fields, [&](const Field& field) {
    return field.name == "action" || (field.name == "target" && row.facet.empty());
  });
  add_fields("Fields of every such step", fields, out);
  add_line("Reversal", "none: it is intended, and stays; a step of your own takes it back", out);
  add_line("Rights", row.rights, out);
  add_line("Example", row.example, out);
  return out;
}

std::string explain(const StepForm& form) {
  std::string out = headed("step", name_of(form.kind), form.summary);
  add_fields("Its fields", form.fields, out);
  add_line("Example", form.example, out);
  return out;
}

}  // namespace gameday
