#include "engine/runtime/identity.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

// What stands still does not answer, and its undo is waited for.
constexpr Duration kLooksFor = std::chrono::milliseconds(500);

const FacetFound* match(const Target& target, const std::vector<FacetFound>& found) {
  const auto is = [&](const FacetFound& facet) {
    return !facet.row->fleeting && is_identity(target.identity, facet.instance.identity);
  };
  const auto at = std::ranges::find_if(found, is);
  return at == found.end() ? nullptr : &*at;
}

Error other_than(const std::string& target, const std::string& said, const std::string& is) {
  return {ErrorCode::conflict, "target " + target + " is " + is + ", and must be " + said,
          "look at the address in the playbook, or at its `identity`"};
}

}  // namespace

bool is_identity(std::string_view said, std::string_view identity) {
  if (said == identity) return true;
  while (!identity.empty()) {
    const auto end = identity.find_first_of(":/");
    if (identity.substr(0, end) == said) return true;
    if (end == identity.npos) return false;
    identity.remove_prefix(end + 1);
  }
  return false;
}

Status is_what_it_must_be(const Target& target, const std::vector<FacetFound>& found) {
  if (target.identity.empty() || match(target, found) != nullptr) return {};
  std::vector<std::string> seen;
  for (const auto& facet : found) {
    if (!facet.row->fleeting) seen.push_back(facet.instance.identity);
  }
  return std::unexpected(other_than(target.name, target.identity, join(seen, " and ")));
}

Json must_be(const Target& target, const std::vector<FacetFound>& found) {
  const FacetFound* facet = target.identity.empty() ? nullptr : match(target, found);
  if (facet == nullptr) return {};
  return Json::object({{"target", target.name},
                       {"facets", target.facets},
                       {"facet", std::string(facet->row->name)},
                       {"identity", target.identity}});
}

Status is_still(const Undo& undo, const Rows& rows, const DeedContext& context) {
  const FacetRow* row = rows.facet(undo.must_be.text("facet"));
  if (row == nullptr) return {};
  System system;
  Target target;
  target.name = undo.must_be.text("target");
  target.facets = undo.must_be.get("facets");
  system.targets.push_back(target);
  const Instant patience = context.doors.clock.in(kLooksFor);
  const DeedContext look{context.doors,
                         system,
                         context.secrets,
                         context.drill,
                         context.mark,
                         context.private_folder,
                         {context.until.stop, std::min(context.until.deadline, patience)}};
  const auto instance = row->resolve(target, look);
  const std::string said = undo.must_be.text("identity");
  if (!instance || is_identity(said, instance->identity)) return {};
  return std::unexpected(other_than(target.name, said, instance->identity));
}

}  // namespace gameday
