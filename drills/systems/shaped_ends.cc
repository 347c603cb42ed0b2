#include "drills/systems/shaped_ends.h"

#include <algorithm>

#include "drills/systems/disk.h"

namespace gameday {
namespace {

// That something was held up is what the kernel counts; whoever wants less than they may is slowed
// by nothing. Of all ends the fastest must keep the rate.
Proof judged(const std::vector<Shaped>& ends, const std::string& whose, const EndsSeen& before,
             const EndsSeen& after, double took_s) {
  constexpr double kNearly = 1.25;
  double fastest = 0, most = 0;
  std::int64_t held_up = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto bytes = static_cast<double>(after.ends[i].bytes - before.ends[i].bytes);
    fastest = std::max(fastest, bytes / took_s);
    held_up += after.ends[i].held_up - before.ends[i].held_up;
    most = std::max(most, static_cast<double>(ends[i].rate) * kNearly +
                              static_cast<double>(burst_of(ends[i])) / took_s);
  }
  const auto rate = ends.front().rate;
  return {held_up > 0 && fastest <= most,
          whose + " passes " + shown_bytes(static_cast<std::int64_t>(fastest)) +
              " a second at most, may pass " + shown_bytes(rate) + ", and was held up " +
              std::to_string(held_up) + " times",
          Json::object({{"bytes_per_second", fastest}, {"limit", rate}, {"held_up", held_up}})};
}

}  // namespace

Json to_json(const std::vector<Shaped>& ends) {
  Json list = Json::array();
  for (const auto& end : ends) list.push(to_json(end));
  return list;
}

Result<std::vector<Shaped>> shaped_ends_from(const Json& value) {
  std::vector<Shaped> ends;
  for (const Json& one : value.items()) {
    TRY(end, shaped_from(one));
    ends.push_back(std::move(end));
  }
  if (ends.empty()) return fail(ErrorCode::corrupt, "the undo lacks the interfaces");
  return ends;
}

Status shape_each(const std::vector<Shaped>& ends, const DeedContext& context) {
  for (const auto& end : ends) TRY_OK(shape(end, context));
  return {};
}

Status unshape_each(const std::vector<Shaped>& ends, const DeedContext& context) {
  Status first;
  for (const auto& end : ends) {
    const auto removed = unshape(end, context);
    if (!removed && first) first = removed;
  }
  return first;
}

Result<EndsSeen> look_at_each(const std::vector<Shaped>& ends, const DeedContext& context) {
  EndsSeen seen;
  for (const auto& end : ends) {
    TRY(shaping, look_at_shaping(end, context));
    seen.whole = seen.whole && shaping.there;
    seen.ends.push_back(shaping);
  }
  return seen;
}

Result<Proof> each_gone(const std::vector<Shaped>& ends, const std::string& whose,
                        const DeedContext& context) {
  TRY(now, look_at_each(ends, context));
  const auto left = std::ranges::count_if(now.ends, &Shaping::there);
  return Proof{
      left == 0,
      left == 0 ? "no network of " + whose + " is slowed by this deed"
                : std::to_string(left) + " of this deed's queues are left on networks of " + whose,
      Json::object({{"queues", left}})};
}

Result<Proof> prove_rate(const std::vector<Shaped>& ends, const std::string& whose,
                         const Push& push, const DeedContext& context) {
  constexpr Duration kLook = std::chrono::milliseconds(500), kWithin = std::chrono::seconds(4);
  const Clock& clock = context.doors.clock;
  const Instant last = clock.in(kWithin);
  while (true) {
    const Instant begun = clock.now().boot;
    TRY(before, look_at_each(ends, context));
    if (!before.whole) {
      return Proof{false, "a network of " + whose + " is not limited any more", Json::object()};
    }
    if (push) TRY_OK(push());
    TRY_OK(clock.pause(kLook, context.until));
    TRY(after, look_at_each(ends, context));
    const Instant now = clock.now().boot;
    Proof proof = judged(ends, whose, before, after, seconds(now - begun));
    if (proof.held || now >= last) return proof;
  }
}

}  // namespace gameday
