// What goes to a container and comes from it is late: by the kernel's netem on its interfaces in
// its own network namespace, for what it sends, and on their other ends, which are where its engine
// is, for what it gets. What it sends through its loopback is not late.
#include "drills/systems/container_ends.h"
#include "drills/systems/lateness.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

// Where it takes three seconds until an answer comes, nobody finds out any more who lives at an
// address (ARP gives up): that is no delay, but a cut.
constexpr double kLongest = 1, kMostJitter = 0.5;

constexpr Field kFields[] = {
    {.name = "latency",
     .type = FieldType::duration,
     .help = "How much later each packet arrives, each way.",
     .required = true,
     .least = 0.001,
     .most = kLongest},
    {.name = "jitter",
     .type = FieldType::duration,
     .help =
         "Up to so much on top, drawn for each packet: one that is drawn less overtakes others.",
     .otherwise = "0s",
     .most = kMostJitter},
    kSlowedWay,
};

struct Delayed {
  ContainerEnds slowed;
  std::string direction;
  std::vector<LatePath> paths;  // from the machine of its engine to it and back
  [[nodiscard]] const Lateness& late() const { return slowed.ends.front().late; }
};

Json to_json(const Delayed& delayed) {
  Json paths = Json::array();
  for (const auto& path : delayed.paths) paths.push(gameday::to_json(path));
  return gameday::to_json(delayed.slowed)
      .set("direction", delayed.direction)
      .set("paths", std::move(paths));
}

Result<Delayed> delayed_in(const Undo& undo) {
  TRY(slowed, container_ends_from(undo.arguments));
  Delayed delayed{std::move(slowed), undo.arguments.text("direction", "both"), {}};
  for (const Json& one : undo.arguments.items("paths")) {
    TRY(path, late_path_from(one));
    delayed.paths.push_back(std::move(path));
  }
  return delayed;
}

Result<ContainerEnds> found(const Deed& deed, const DeedContext& context) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto latency = duration_in(deed.arguments, "latency");
  if (!latency) return fail(ErrorCode::invalid, "delay needs `latency`");
  const auto jitter = duration_in(deed.arguments, "jitter").value_or(Duration{});
  const Lateness late{duration_cast<microseconds>(*latency).count(),
                      duration_cast<microseconds>(jitter).count()};
  return find_container_ends(deed, Shaped{{}, {}, "", 0, late}, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto slowed = found(deed, context);
  return slowed ? Status() : std::unexpected(slowed.error());
}

// One for each network that has an address for both.
Result<std::vector<Flow>> flows_to(const HeldContainer& held, const DeedContext& context) {
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  TRY(inside, netns_of(held, now));
  TRY(machine, netns_of_engine(held.endpoint));
  const Json networks = now.all.get("NetworkSettings").get("Networks");
  std::vector<Flow> flows;
  if (!networks.is_object()) return flows;
  for (const auto& [name, network] : networks.members()) {
    for (const Family family : {Family::v4, Family::v6}) {
      const bool four = family == Family::v4;
      const auto own = network.text(four ? "IPAddress" : "GlobalIPv6Address");
      const auto gateway = network.text(four ? "Gateway" : "IPv6Gateway");
      if (own.empty() || gateway.empty()) continue;
      flows.push_back({"in", family, {machine, gateway}, {inside, own}});
      break;
    }
  }
  return flows;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(slowed, found(deed, context));
  TRY(flows, flows_to(slowed.held, context));
  TRY(paths, paths_by(flows, context));
  const Delayed delayed{std::move(slowed), deed.arguments.text("direction", "both"),
                        std::move(paths)};
  if (delayed.paths.empty()) {
    return fail(ErrorCode::unsupported,
                "nothing of ours comes from the machine of its engine to " +
                    shown(delayed.slowed.held) + " and back: that it is late could not be measured",
                "name a link instead, which is measured at `gameday proxy`");
  }
  return Undo{"delay-container", to_json(delayed)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(delayed, delayed_in(undo));
  return shape_ends(delayed.slowed, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kPause = std::chrono::milliseconds(100), kWithin = std::chrono::seconds(4);
  TRY(delayed, delayed_in(undo));
  const Clock& clock = context.doors.clock;
  const Instant last = clock.in(kWithin);
  while (true) {
    TRY(seen, look_at_each(delayed.slowed.ends, context));
    if (!seen.whole) {
      return Proof{false, "a network of " + shown(delayed.slowed.held) + " is not late any more",
                   Json::object()};
    }
    TRY(proof, measure_lateness(delayed.paths, delayed.direction, delayed.late(), context));
    proof.text = "a datagram to and from " + shown(delayed.slowed.held) + " takes " + proof.text;
    std::int64_t dropped = 0;
    for (const auto& end : seen.ends) dropped += end.dropped;
    proof.facts.set("dropped", dropped);
    if (proof.held || clock.now().boot >= last) return proof;
    TRY_OK(clock.pause(kPause, context.until));
  }
}

}  // namespace

extern const FaultRow delay_container_fault;
const FaultRow delay_container_fault{
    .name = "delay-container",
    .summary =
        "What goes to a container and comes from it arrives later, as on a line that is long.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = kRightsOfContainerQueues,
    .example = "- { fault: delay-container, target: cache, latency: 50ms, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = unshape_ends,
    .gone = ends_gone,
    .close = nullptr,
    .as = "delay",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
