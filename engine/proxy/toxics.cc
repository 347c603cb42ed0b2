#include "engine/proxy/toxics.h"

#include <algorithm>

namespace gameday {
namespace {

constexpr std::size_t kMostToxics = 64;

// Far beyond what any link does, and within what a Duration and a size hold.
constexpr double kLongestTime = 3600;
constexpr double kMostBytes = 1e12;

// The member of that name, which must be over `least` or at it.
Result<double> number(const Json& arguments, std::string_view name, double least, double most) {
  const Json& value = arguments.get(name);
  if (value.is_number() && value.number() >= least && value.number() <= most) {
    return value.number();
  }
  return fail(ErrorCode::invalid, std::string(name) + " must be a number from " +
                                      Json(least).dump() + " to " + Json(most).dump());
}

Result<Passage> shaped(const Json& arguments, const Shape& shape) {
  const std::string direction = arguments.text("direction", "both");
  if (direction != "both" && direction != "up" && direction != "down") {
    return fail(ErrorCode::invalid, "direction must be both, up or down");
  }
  Passage passage;
  if (direction != "down") passage.up = shape;
  if (direction != "up") passage.down = shape;
  return passage;
}

Result<Passage> block(const Json&) {
  return Passage{.open = false, .life = {}, .up = {}, .down = {}};
}

Result<Passage> delay(const Json& arguments) {
  TRY(latency, number(arguments, "latency_s", 0, kLongestTime));
  TRY(jitter, number(arguments, "jitter_s", 0, kLongestTime));
  Shape shape;
  shape.latency = from_seconds(latency);
  shape.jitter = from_seconds(jitter);
  return shaped(arguments, shape);
}

Result<Passage> limit(const Json& arguments) {
  TRY(rate, number(arguments, "bytes_per_second", 1, kMostBytes));
  Shape shape;
  shape.rate = rate;
  return shaped(arguments, shape);
}

Result<Passage> reset(const Json& arguments) {
  TRY(after, number(arguments, "after_s", 0, kLongestTime));
  Passage passage;
  passage.life = from_seconds(after);
  return passage;
}

Result<Passage> slice(const Json& arguments) {
  TRY(size, number(arguments, "size", 1, kMostBytes));
  TRY(pause, number(arguments, "pause_s", 0, kLongestTime));
  Shape shape;
  shape.piece = static_cast<std::size_t>(size);
  shape.pause = from_seconds(pause);
  return shaped(arguments, shape);
}

Result<Passage> loss(const Json& arguments) {
  constexpr double kLeast = 1e-6, kMost = 0.9;
  TRY(share, number(arguments, "share", kLeast, kMost));
  Shape shape;
  shape.loss = share;
  return shaped(arguments, shape);
}

constexpr ToxicRow kRows[] = {
    {.kind = "block", .passage = block}, {.kind = "delay", .passage = delay},
    {.kind = "limit", .passage = limit}, {.kind = "loss-link", .passage = loss},
    {.kind = "reset", .passage = reset}, {.kind = "slice", .passage = slice}};

// The smaller one, where 0 is none.
template <class Number>
Number narrower(Number a, Number b) {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

void narrow(Shape& shape, const Shape& by) {
  shape.latency += by.latency;
  shape.jitter += by.jitter;
  shape.rate = narrower(shape.rate, by.rate);
  shape.piece = narrower(shape.piece, by.piece);
  shape.pause = std::max(shape.pause, by.pause);
  shape.loss = 1 - (1 - shape.loss) * (1 - by.loss);
}

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
  TRY(passage, row->passage(request));
  std::erase_if(toxics_, [&](const Toxic& t) { return t.mark == mark && t.row == row; });
  if (toxics_.size() >= kMostToxics) return fail(ErrorCode::refused, "too many toxics");
  toxics_.push_back({row, mark, passage, lease, now + lease});
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
  Passage all;
  for (const Toxic& toxic : toxics_) {
    const Passage& one = toxic.passage;
    all.open = all.open && one.open;
    if (one.life) all.life = std::min(*one.life, all.life.value_or(*one.life));
    narrow(all.up, one.up);
    narrow(all.down, one.down);
  }
  return all;
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
