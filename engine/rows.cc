#include "engine/rows.h"

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
  return Json::object({{"kind", undo.kind}, {"arguments", undo.arguments}});
}

Result<Undo> undo_from(const Json& value) {
  Undo undo{value.text("kind"), value.get("arguments")};
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

std::vector<std::string_view> aims_of(const FaultRow& row) {
  if (row.facet.empty()) return {};
  if (row.facet == "link") return {"region", "link"};
  return {"target"};
}

std::string hit_by(const FaultRow& row, const Step& step) {
  if (row.facet.empty()) return row.aim(step.arguments);
  return row.facet == "link" ? step.arguments.text("link") : step.target;
}

Instance instance_of(const FaultRow& row, const Json& arguments) {
  const std::string name = row.aim(arguments);
  return {name, name, std::string(row.name) + ":" + name, Json::object()};
}

const FacetRow* Rows::facet(std::string_view name) const { return named(facets, name); }
const FaultRow* Rows::fault(std::string_view name) const { return named(faults, name); }
const RestoreRow* Rows::restore(std::string_view name) const { return named(restores, name); }
const ProbeRow* Rows::probe(std::string_view name) const { return named(probes, name); }
const ActionRow* Rows::action(std::string_view name) const { return named(actions, name); }
const RestoreRow* Rows::restore_of(const Target& target) const {
  return of_facet(restores, target);
}
const QueueRow* Rows::queue_of(const Target& target) const { return of_facet(queues, target); }

}  // namespace gameday
