#include "drills/systems/traffic_proof.h"

#include <algorithm>

#include "drills/systems/host_block.h"

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr Duration kComesBy = std::chrono::seconds(3);

struct Ruled {
  Packets packets;
  std::string mark, entrance;
  std::vector<Flow> flows;
};

std::vector<Flow> of_family(std::vector<Flow> flows, Family family) {
  std::erase_if(flows, [&](const auto& flow) { return flow.family != family; });
  return flows;
}

Result<std::vector<Flow>> flows_in(const Undo& undo) {
  std::vector<Flow> flows;
  for (const Json& one : undo.arguments.items("flows")) {
    TRY(flow, flow_from(one));
    flows.push_back(std::move(flow));
  }
  return flows;
}

class TrafficProof {
 public:
  TrafficProof(const Ruled& ruled, const Judge& judge, const DeedContext& context)
      : ruled_(ruled), judge_(judge), context_(context) {}

  Result<Proof> whole() {
    for (const Family family : families_of(ruled_.packets)) {
      TRY(judged, judged_of(family, of_family(ruled_.flows, family)));
      seen_.push_back({family, std::move(judged)});
    }
    TRY_OK(wait_for_others());
    Proof proof{.held = bites() && !spoilt(), .text = "", .facts = Json::object()};
    for (const auto& [family, judged] : seen_) {
      const std::string name(name_of(family));
      proof.text += (proof.text.empty() ? "" : "; ") + name + ": " + judged.text;
      proof.facts.set(name, judged.facts);
    }
    return proof;
  }

 private:
  Result<Judged> judged_of(Family family, const std::vector<Flow>& flows) {
    const LookAtRules rules = [&, family] {
      return look_for_rules(ruled_.entrance, family, ruled_.mark, context_);
    };
    TRY(there, rules());
    if (!are_whole(there, ruled_.packets, family)) {
      return Judged{.spoilt = true, .text = "the rules of this deed are not all there"};
    }
    return judge_(flows, rules);
  }
  Status wait_for_others() {
    const Clock& clock = context_.doors.clock;
    const Instant last = clock.in(kComesBy);
    while (!bites() && !spoilt() && clock.now().boot < last) {
      TRY_OK(clock.pause(kLook, context_.until));
      for (auto& [family, judged] : seen_) {
        TRY(now, judged_of(family, {}));
        judged = std::move(now);
      }
    }
    return {};
  }
  [[nodiscard]] bool bites() const {
    return std::ranges::any_of(seen_, [](const auto& one) { return one.second.bites; });
  }
  [[nodiscard]] bool spoilt() const {
    return std::ranges::any_of(seen_, [](const auto& one) { return one.second.spoilt; });
  }

  const Ruled& ruled_;
  const Judge& judge_;
  const DeedContext& context_;
  std::vector<std::pair<Family, Judged>> seen_;
};

}  // namespace

Result<Undo> prepare_with_traffic(const Netns& netns, const Packets& packets,
                                  const std::vector<Flow>& flows, const Works& works,
                                  const DeedContext& context) {
  TRY(undo, prepare_block_in(netns, packets, {}, context));
  for (const Family family : families_of(packets)) {
    TRY_OK(may_set_these(netns.path, packets, family, context));
  }
  Json working = Json::array();
  for (Flow flow : flows) {
    TRY(works_now, works(flow));
    flow.taken = works_now;
    if (works_now || flow.way == "out") working.push(to_json(flow));
  }
  undo.arguments.set("flows", std::move(working));
  return undo;
}

Result<Proof> prove_by_traffic(const Undo& undo, const Judge& judge, const DeedContext& context) {
  TRY(netns, netns_from(undo.arguments.get("netns")));
  TRY(entrance, entrance_to(netns, context.doors));
  if (!entrance) return Proof{false, netns.shown + " is gone"};
  TRY(flows, flows_in(undo));
  const Ruled ruled{packets_from(undo.arguments.get("packets")), undo.arguments.text("mark"),
                    *entrance, std::move(flows)};
  return TrafficProof(ruled, judge, context).whole();
}

}  // namespace gameday
