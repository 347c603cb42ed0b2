#include "drills/systems/packet_reset.h"

#include "drills/systems/traffic_proof.h"

namespace gameday {
namespace {

std::string_view name_of(Joined joined) {
  switch (joined) {
    case Joined::yes: return " was made all the same, ";
    case Joined::reset: return " was refused, ";
    case Joined::silent: return " was not answered, ";
  }
  return "";
}

// Somebody at the other end may refuse a connection too: what the rules have answered is counted.
Result<Judged> judge(const std::vector<Flow>& flows, const LookAtRules& rules,
                     const DeedContext& context) {
  Judged judged;
  Json tried = Json::array();
  std::int64_t refused = 0;
  TRY(before, rules());
  for (const auto& flow : flows) {
    TRY(joined, try_to_join(flow, context));
    if (!joined) continue;
    const bool reset = *joined == Joined::reset;
    refused += reset ? 1 : 0;
    judged.spoilt = judged.spoilt || !reset;
    judged.text += "a connection " + flow.way + std::string(name_of(*joined));
    tried.push(Json::object({{"way", flow.way}, {"reset", reset}}));
  }
  TRY(after, rules());
  judged.spoilt = judged.spoilt || after.stopped - before.stopped < refused;
  judged.bites = !judged.spoilt && after.stopped > 0;
  judged.text += after.stopped == 0
                     ? "the rules have reset nothing"
                     : "the rules have reset " + std::to_string(after.stopped) + " times";
  judged.facts = Json::object({{"tried", std::move(tried)}, {"resets", after.stopped}});
  return judged;
}

}  // namespace

Result<Proof> prove_reset_in(const Undo& undo, const DeedContext& context) {
  const Judge judge_one = [&](const std::vector<Flow>& flows, const LookAtRules& rules) {
    return judge(flows, rules, context);
  };
  return prove_by_traffic(undo, judge_one, context);
}

}  // namespace gameday
