#include "engine/proxy/toxics.h"

#include <algorithm>

namespace gameday {
namespace {

constexpr std::size_t kMostToxics = 64;

Passage blocked(const Json&) { return {.joins = false, .bytes = 0}; }

constexpr ToxicRow kRows[] = {{.kind = "block", .passage = blocked}};

}  // namespace

std::span<const ToxicRow> toxic_rows() { return kRows; }

Status Toxics::add(const Json& request, Instant now) {
  const std::string kind = request.text("kind");
  const auto row = std::ranges::find(kRows, kind, &ToxicRow::kind);
  if (row == std::end(kRows))
    return fail(ErrorCode::invalid, "no toxic is called \"" + kind + "\"");
  const std::string mark = request.text("mark");
  if (mark.empty() || mark.size() > 200) return fail(ErrorCode::invalid, "a toxic needs a mark");
  const double lease_s = request.number("lease_s", seconds(kLongestLease));
  if (!(lease_s > 0 && lease_s <= seconds(kLongestLease))) {
    return fail(ErrorCode::invalid, "lease_s must be over 0 and at most 2");
  }
  const Duration lease = from_seconds(lease_s);
  std::erase_if(toxics_, [&](const Toxic& t) { return t.mark == mark && t.row == row; });
  if (toxics_.size() >= kMostToxics) return fail(ErrorCode::refused, "too many toxics");
  toxics_.push_back({row, mark, request, lease, now + lease});
  return {};
}

Status Toxics::renew(const std::string& mark, Instant now) {
  bool found = false;
  for (Toxic& toxic : toxics_) {
    if (toxic.mark != mark) continue;
    toxic.end = now + toxic.lease;
    found = true;
  }
  if (!found) return fail(ErrorCode::not_found, "no toxic with the mark " + mark);
  return {};
}

void Toxics::remove(const std::string& mark) {
  std::erase_if(toxics_, [&](const Toxic& toxic) { return toxic.mark == mark; });
}

bool Toxics::expire(Instant now) {
  return std::erase_if(toxics_, [&](const Toxic& toxic) { return toxic.end <= now; }) > 0;
}

Passage Toxics::passage() const {
  Passage narrowest;
  for (const Toxic& toxic : toxics_) {
    const Passage one = toxic.row->passage(toxic.arguments);
    narrowest.joins = narrowest.joins && one.joins;
    narrowest.bytes = std::min(narrowest.bytes, one.bytes);
  }
  return narrowest;
}

std::optional<Instant> Toxics::next_end() const {
  if (toxics_.empty()) return std::nullopt;
  return std::ranges::min(toxics_, {}, &Toxic::end).end;
}

Json Toxics::to_json(Instant now) const {
  Json list = Json::array();
  for (const Toxic& toxic : toxics_) {
    list.push(Json::object({{"kind", toxic.row->kind},
                            {"mark", toxic.mark},
                            {"lease_left_s", seconds(std::max(toxic.end - now, Duration{}))}}));
  }
  return list;
}

}  // namespace gameday
