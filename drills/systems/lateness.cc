#include "drills/systems/lateness.h"

#include <algorithm>

#include "engine/base/units.h"

namespace gameday {
namespace {

// The least of several, each way. As many as there is time for, and one at least. Nothing: none
// came through.
Result<std::optional<RoundTrip>> fastest(const Flow& flow, const Lateness& late,
                                         const DeedContext& context) {
  constexpr int kMost = 8;
  constexpr Duration kEnough = std::chrono::seconds(1);
  const Duration within = std::chrono::microseconds(late.latency + late.jitter) + kEnough;
  const Clock& clock = context.doors.clock;
  const Instant last = clock.in(kEnough);
  std::optional<RoundTrip> least;
  for (int i = 0; i < kMost && (i == 0 || clock.now().boot < last); ++i) {
    TRY(one, send_there_and_back(flow, within, context));
    if (!one) continue;
    if (!least) least = one;
    least = RoundTrip{std::min(least->there, one->there), std::min(least->back, one->back)};
  }
  return least;
}

// netem lets none go before its time; and what was as slow before is not slow by us.
bool is_late(Duration before, Duration now, const Lateness& late) {
  constexpr double kNearly = 0.95, kMore = 0.5;
  const double latency = seconds(std::chrono::microseconds(late.latency));
  return seconds(now) >= latency * kNearly && seconds(now - before) >= latency * kMore;
}

Proof judged(const LatePath& path, const RoundTrip& now, const std::string& direction,
             const Lateness& late) {
  Proof proof{.held = true, .text = "", .facts = Json::object()};
  const auto look = [&](const std::string& way, Duration before, Duration after) {
    const bool hit = direction == "both" || direction == way;
    proof.held = proof.held && (!hit || is_late(before, after, late));
    proof.text += (proof.text.empty() ? "" : " and ") + shown(after) + " " + way + " (" +
                  shown(before) + " before)";
    proof.facts.set(way + "_s", seconds(after)).set(way + "_before_s", seconds(before));
  };
  look("in", path.before.there, now.there);
  look("out", path.before.back, now.back);
  proof.facts.set("address", path.flow.to.address);
  return proof;
}

}  // namespace

Json to_json(const LatePath& path) {
  return Json::object({{"flow", to_json(path.flow)},
                       {"in_s", seconds(path.before.there)},
                       {"out_s", seconds(path.before.back)}});
}

Result<LatePath> late_path_from(const Json& value) {
  TRY(flow, flow_from(value.get("flow")));
  return LatePath{std::move(flow),
                  {from_seconds(value.number("in_s", 0)), from_seconds(value.number("out_s", 0))}};
}

Result<std::vector<LatePath>> paths_by(const std::vector<Flow>& flows, const DeedContext& context) {
  std::vector<LatePath> paths;
  for (const auto& flow : flows) {
    TRY(before, fastest(flow, {}, context));
    if (before) paths.push_back({flow, *before});
  }
  return paths;
}

Result<Proof> measure_lateness(const std::vector<LatePath>& paths, const std::string& direction,
                               const Lateness& late, const DeedContext& context) {
  Proof all{.held = !paths.empty(), .text = "", .facts = Json::object()};
  Json networks = Json::array();
  for (const auto& path : paths) {
    TRY(now, fastest(path.flow, late, context));
    Proof one{.held = false, .text = "nothing of ours came through", .facts = Json::object()};
    if (now) one = judged(path, *now, direction, late);
    all.held = all.held && one.held;
    all.text += (all.text.empty() ? "" : "; ") + one.text;
    networks.push(std::move(one.facts));
  }
  all.facts.set("networks", std::move(networks));
  return all;
}

}  // namespace gameday
