#include "engine/rows.h"

#include "engine/base/text.h"

namespace gameday {
namespace {

template <class Row>
const Row* named(std::span<const Row* const> rows, std::string_view name) {
  for (const Row* row : rows) {
    if (row->name == name) return row;
  }
  return nullptr;
}

template <class Row>
const Row* of_facet(std::span<const Row* const> rows, const Target& target) {
  for (const Row* row : rows) {
    if (target.facets.find(row->facet) != nullptr) return row;
  }
  return nullptr;
}

void collect_references(const Json& value, std::vector<std::string>& into) {
  if (value.is_text()) std::ranges::move(references_in(value.text()), std::back_inserter(into));
  if (value.is_array()) {
    for (const auto& item : value.items()) collect_references(item, into);
  }
  if (value.is_object()) {
    for (const auto& member : value.members()) collect_references(member.second, into);
  }
}

// One line of well-formed text; whole characters of a long one.
std::string short_line(std::string_view raw) {
  constexpr std::size_t kLongest = 300;
  std::string line = valid_utf8(raw.substr(0, kLongest + 4));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  if (line.size() <= kLongest) return line;
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0U) == 0x80U) --end;
  return line.substr(0, end) + "...";
}

}  // namespace

std::string_view name_of(Reversal reversal) {
  switch (reversal) {
    case Reversal::exact: return "exact";
    case Reversal::restart: return "restart";
    case Reversal::saved_copy: return "saved-copy";
    case Reversal::by_restore: return "by-restore";
    case Reversal::none: return "none";
  }
  return "none";
}

std::string_view name_of(Effect effect) {
  switch (effect) {
    case Effect::stops: return "stops";
    case Effect::slows: return "slows";
    case Effect::cuts: return "cuts";
    case Effect::loses: return "loses";
    case Effect::fills: return "fills";
  }
  return "stops";
}

Json to_json(const Undo& undo) {
  Json json = Json::object({{"kind", undo.kind}, {"arguments", undo.arguments}});
  if (!undo.must_be.is_null()) json.set("must_be", undo.must_be);
  return json;
}

Result<Undo> undo_from(const Json& value) {
  Undo undo{value.text("kind"), value.get("arguments"), value.get("must_be")};
  if (undo.kind.empty() || !undo.arguments.is_object()) {
    return fail(ErrorCode::corrupt, "an undo without kind or arguments");
  }
  return undo;
}

Json to_json(const BackupTaken& backup) {
  return Json::object({{"target", backup.target},
                       {"id", backup.id},
                       {"sha256", backup.sha256},
                       {"digest", backup.digest},
                       {"taken", rfc3339(backup.taken)},
                       {"facts", backup.facts}});
}

bool goes_other_way(const FaultRow& row, std::string_view target) {
  return row.other_way != nullptr && !target.empty();
}

std::string_view facet_of(const FaultRow& row, const Step& step) {
  return goes_other_way(row, step.target) ? row.other_way->facet : row.facet;
}

std::string_view rights_of(const FaultRow& row, const Step& step) {
  return goes_other_way(row, step.target) ? row.other_way->rights : row.rights;
}

bool is_leased(const FaultRow& row, const Step& step) {
  return row.renew != nullptr && !goes_other_way(row, step.target);
}

bool may_end_early(const FaultRow& row, const Step& step) {
  return is_leased(row, step) || row.ends_with_instance;
}

std::vector<std::string_view> aims_of(const FaultRow& row) {
  if (row.facet.empty()) return {};
  if (row.facet == "link" && row.other_way != nullptr) return {"target", "region", "link"};
  if (row.facet == "link") return {"region", "link"};
  if (row.takes_region) return {"target", "region"};
  return {"target"};
}

Json to_json(const InvariantSeen& seen) {
  const bool read = seen.problem.empty();
  return Json::object({{"target", seen.target},
                       {"name", seen.name},
                       {"must", seen.must},
                       {"value", read && !seen.value.is_null ? Json(seen.value.text) : Json()},
                       {"error", read ? Json() : Json(seen.problem)},
                       {"holds", seen.holds}});
}

std::string shown(const InvariantSeen& seen) {
  const std::string called = "invariant " + seen.name + " of " + seen.target;
  if (!seen.problem.empty()) return called + " cannot be read: " + seen.problem;
  const std::string value = seen.value.is_null ? "NULL" : seen.value.text;
  if (seen.holds) return called + " is " + value + ", " + seen.must;
  return called + ": expected " + seen.must + ", but it is " + value;
}

std::string hit_by(const FaultRow& row, const Step& step) {
  if (row.facet.empty()) return row.aim(step.arguments);
  return facet_of(row, step) == "link" ? step.arguments.text("link") : step.target;
}

std::vector<std::string> names_in(const System& system, std::string_view region,
                                  std::string_view facet) {
  std::vector<std::string> names;
  if (facet == "link") {
    for (const auto& link : system.links) {
      if (link.region == region) names.push_back(link.name);
    }
    return names;
  }
  for (const auto& target : system.targets) {
    const bool hit = target.region == region && target.facets.find(facet) != nullptr;
    if (hit) names.push_back(target.name);
  }
  return names;
}

std::vector<std::string> names_hit(const System& system, const FaultRow& row, const Step& step) {
  if (auto name = hit_by(row, step); !name.empty()) return {std::move(name)};
  return names_in(system, step.arguments.text("region"), facet_of(row, step));
}

Instance instance_of(const FaultRow& row, const Json& arguments) {
  const std::string name = row.aim(arguments);
  return {name, name, std::string(row.name) + ":" + name, Json::object()};
}

std::string undo_kind_of(const LoadRow& row) { return "load-" + std::string(row.name); }

Answer asked(const ProbeRow& row, const Json& arguments, const DeedContext& context) {
  Answer answer = row.ask(arguments, context);
  std::vector<std::string> references;
  collect_references(arguments, references);
  // Before anything is cut off: half a secret is one too.
  answer.text = short_line(context.secrets.hidden(std::move(answer.text), references));
  return answer;
}

const FacetRow* Rows::facet(std::string_view name) const { return named(facets, name); }
const FaultRow* Rows::fault(std::string_view name) const { return named(faults, name); }
const FaultRow* Rows::fault_in(const System& system, std::string_view region,
                               std::string_view name) const {
  const FaultRow* own = fault(name);
  if (own == nullptr || !names_in(system, region, own->facet).empty()) return own;
  for (const FaultRow* row : faults) {
    const bool meant = row->as == name && row->takes_region;
    if (meant && !names_in(system, region, row->facet).empty()) return row;
  }
  return own;
}
const FaultRow* Rows::fault_on(const Target& target, std::string_view name) const {
  const auto has = [&](std::string_view facet) { return target.facets.find(facet) != nullptr; };
  const FaultRow* own = fault(name);
  if (own != nullptr && (has(own->facet) || (own->other_way && has(own->other_way->facet)))) {
    return own;
  }
  for (const FaultRow* row : faults) {
    if (row->as == name && has(row->facet)) return row;
  }
  return own;
}
const RestoreRow* Rows::restore(std::string_view name) const { return named(restores, name); }
const ProbeRow* Rows::probe(std::string_view name) const { return named(probes, name); }
const ActionRow* Rows::action(std::string_view name) const { return named(actions, name); }
const LoadRow* Rows::load(std::string_view name) const { return named(loads, name); }
const RestoreRow* Rows::restore_of(const Target& target) const {
  return of_facet(restores, target);
}
std::string place_of(const RestoreRow& row, const Target& target) {
  return row.place_of != nullptr ? row.place_of(target) : target.name;
}
const QueueRow* Rows::queue_of(const Target& target) const { return of_facet(queues, target); }

}  // namespace gameday
