#include "drills/systems/packet_loss.h"

#include <cmath>
#include <cstdio>

namespace gameday {
namespace {

constexpr std::int64_t kBurst = 2000, kTrial = 200;

struct Tally {
  std::int64_t of = 0, lost = 0;
  [[nodiscard]] double share() const {
    return of == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(of);
  }
};

// Beyond six standard deviations chance comes once in 500 million proofs.
bool is_chance(const Tally& tally, double share) {
  constexpr double kDeviations = 6;
  const auto of = static_cast<double>(tally.of);
  const double spread = std::sqrt(of * share * (1 - share));
  const double off = std::abs(static_cast<double>(tally.lost) - of * share);
  return tally.lost > 0 && off <= kDeviations * spread + 1;
}

// "412 of 2000 (20.6%)"
std::string shown(const Tally& tally) {
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.1f%%", tally.share() * 100);
  return std::to_string(tally.lost) + " of " + std::to_string(tally.of) + " (" + percent + ")";
}

// What goes out and comes in again has two chances to be lost.
double wanted_of(const Flow& flow, const Packets& packets) {
  const bool twice = flow.way == "inside" && packets.direction == "both";
  return twice ? 1 - (1 - packets.share) * (1 - packets.share) : packets.share;
}

// What is lost and not counted here is lost elsewhere; a little may be, on a busy machine.
bool are_counted(std::int64_t lost, std::int64_t stopped) { return stopped * 10 >= lost * 9; }

Result<Judged> judge(const Packets& packets, const std::vector<Flow>& flows,
                     const LookAtRules& rules, const DeedContext& context) {
  Judged judged;
  Json tried = Json::array();
  std::int64_t lost = 0;
  TRY(before, rules());
  for (const auto& flow : flows) {
    TRY(burst, send_burst(flow, kBurst, context));
    if (!burst) continue;
    const Tally tally{burst->sent, burst->lost()};
    judged.spoilt = judged.spoilt || !is_chance(tally, wanted_of(flow, packets));
    judged.text += shown(tally) + " datagrams of ours were lost " + flow.way + ", ";
    tried.push(Json::object({{"way", flow.way}, {"sent", tally.of}, {"lost", tally.lost}}));
    lost += tally.lost;
  }
  TRY(after, rules());
  const Tally all{after.counted, after.stopped};
  const Tally now{after.counted - before.counted, after.stopped - before.stopped};
  // So few tell nothing yet.
  constexpr double kEnough = 5;
  const bool enough = static_cast<double>(all.of) * packets.share >= kEnough;
  if (!are_counted(lost, now.lost)) judged.spoilt = true;
  if (enough && !is_chance(all, packets.share)) judged.spoilt = true;
  judged.bites = !judged.spoilt && enough;
  judged.text += all.of == 0 ? "nothing that it would lose has come by"
                             : "the rules stopped " + shown(all) + " packets";
  judged.facts =
      Json::object({{"tried", std::move(tried)}, {"packets", all.of}, {"stopped", all.lost}});
  return judged;
}

}  // namespace

Result<Undo> prepare_loss_in(const Netns& netns, const Packets& packets,
                             const std::vector<Flow>& flows, const DeedContext& context) {
  const auto works = [&](const Flow& flow) -> Result<bool> {
    TRY(burst, send_burst(flow, kTrial, context));
    return burst && burst->lost() == 0;
  };
  return prepare_with_traffic(netns, packets, flows, works, context);
}

Result<Proof> prove_loss_in(const Undo& undo, const DeedContext& context) {
  const Packets packets = packets_from(undo.arguments.get("packets"));
  const auto judge_one = [&](const std::vector<Flow>& flows, const LookAtRules& rules) {
    return judge(packets, flows, rules, context);
  };
  return prove_by_traffic(undo, judge_one, context);
}

}  // namespace gameday
