// A container's network passes no more than so many bytes a second: by the kernel's token bucket on
// its interfaces in its own network namespace, for what it sends, and on their other ends,
// which are where its engine is, for what it gets. What it sends through its loopback is not
// slowed.
#include <algorithm>

#include "drills/systems/container_network.h"
#include "drills/systems/disk.h"
#include "drills/systems/packets.h"
#include "drills/systems/shaping.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "bytes_per_second",
     .type = FieldType::size,
     .help = "What each of its networks may pass in a second, each way.",
     .required = true,
     .least = 2000,
     .most = 1e9},
    {.name = "direction",
     .type = FieldType::choice,
     .help = "Whether what comes in is slowed, what goes out, or both.",
     .otherwise = "both",
     .choices = kWays},
};

struct Limited {
  HeldContainer held;
  std::vector<Shaped> ends;
};

Result<Limited> limited_in(const Undo& undo) {
  TRY(held, held_container_from(undo.arguments));
  Limited limited{std::move(held), {}};
  for (const Json& one : undo.arguments.items("ends")) {
    TRY(end, shaped_from(one));
    limited.ends.push_back(std::move(end));
  }
  if (limited.ends.empty()) return fail(ErrorCode::corrupt, "an undo of limit lacks its ends");
  return limited;
}

Json to_json(const Limited& limited) {
  Json ends = Json::array();
  for (const auto& end : limited.ends) ends.push(gameday::to_json(end));
  return gameday::to_json(limited.held).set("ends", std::move(ends));
}

// What goes out leaves through its own interfaces, what comes in through their other ends.
Result<std::vector<Shaped>> ends_of(const HeldContainer& held, const Netns& netns,
                                    const Shaped& like, const std::string& direction,
                                    const DeedContext& context) {
  TRY(machine, netns_of_engine(held.endpoint));
  TRY(own, interfaces_in(netns.path, context));
  TRY(others, interfaces_in(machine.path, context));
  std::vector<Shaped> ends;
  for (const auto& interface : own) {
    if (direction != "in") ends.push_back({netns, interface, like.handle, like.rate});
    if (direction == "out") continue;
    const auto other = std::ranges::find_if(others, [&](const Interface& one) {
      return interface.peer != 0 && one.index == interface.peer && one.peer == interface.index;
    });
    if (other == others.end()) {
      return fail(ErrorCode::unsupported,
                  "the other end of interface " + interface.name + " of " + shown(held) +
                      " is not where its engine is: what comes in cannot be slowed there",
                  "`direction: out`");
    }
    ends.push_back({machine, *other, like.handle, like.rate});
  }
  if (ends.empty()) {
    return fail(ErrorCode::refused, shown(held) + " has no network interface to be slowed");
  }
  return ends;
}

Result<Limited> found(const Deed& deed, const DeedContext& context) {
  const auto rate = size_in(deed.arguments, "bytes_per_second");
  if (!rate) return fail(ErrorCode::invalid, "limit needs `bytes_per_second`");
  TRY(held, keep_container(deed, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  TRY(netns, netns_of(held, now));
  TRY(together, others_in_network_of({now}, engine, context));
  if (!together.empty()) {
    return fail(ErrorCode::refused, together + ": one cannot be slowed without the other");
  }
  const Shaped like{netns, {}, handle_of(context.mark), *rate};
  TRY(ends, ends_of(held, netns, like, deed.arguments.text("direction", "both"), context));
  for (const auto& end : ends) TRY_OK(may_shape(end, context));
  return Limited{std::move(held), std::move(ends)};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(limited, found(deed, context));
  return Undo{"limit-container", to_json(limited)};
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto limited = found(deed, context);
  return limited ? Status() : std::unexpected(limited.error());
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(limited, limited_in(undo));
  TRY(engine, engine_of(limited.held, context));
  TRY_OK(still_held(limited.held, engine, context));
  for (const auto& end : limited.ends) TRY_OK(shape(end, context));
  return {};
}

struct Passed {
  bool whole = true;  // all ends are limited
  std::vector<Shaping> ends;
};

Result<Passed> passed(const Limited& limited, const DeedContext& context) {
  Passed seen;
  for (const auto& end : limited.ends) {
    TRY(shaping, look_at_shaping(end, context));
    seen.whole = seen.whole && shaping.there;
    seen.ends.push_back(shaping);
  }
  return seen;
}

// That it was held up is what the kernel counts; one that wants less than it may is slowed by
// nothing. Of all ends the fastest must keep the rate.
Proof judged(const Limited& limited, const Passed& before, const Passed& after, double took_s) {
  constexpr double kNearly = 1.25, kBurst = 16'000;
  double fastest = 0;
  std::int64_t held_up = 0;
  for (std::size_t i = 0; i < limited.ends.size(); ++i) {
    const auto bytes = static_cast<double>(after.ends[i].bytes - before.ends[i].bytes);
    fastest = std::max(fastest, bytes / took_s);
    held_up += after.ends[i].held_up - before.ends[i].held_up;
  }
  const auto rate = limited.ends.front().rate;
  const bool kept = fastest <= static_cast<double>(rate) * kNearly + kBurst / took_s;
  return {held_up > 0 && kept,
          shown(limited.held) + " passes " + shown_bytes(static_cast<std::int64_t>(fastest)) +
              " a second at most, may pass " + shown_bytes(rate) + ", and was held up " +
              std::to_string(held_up) + " times",
          Json::object({{"bytes_per_second", fastest}, {"limit", rate}, {"held_up", held_up}})};
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kLook = std::chrono::milliseconds(500), kWithin = std::chrono::seconds(4);
  TRY(limited, limited_in(undo));
  const Clock& clock = context.doors.clock;
  const Instant last = clock.in(kWithin);
  while (true) {
    const Instant begun = clock.now().boot;
    TRY(before, passed(limited, context));
    if (!before.whole) {
      return Proof{false, "a network of " + shown(limited.held) + " is not limited any more",
                   Json::object()};
    }
    TRY_OK(clock.pause(kLook, context.until));
    TRY(after, passed(limited, context));
    const Instant now = clock.now().boot;
    Proof proof = judged(limited, before, after, seconds(now - begun));
    if (proof.held || now >= last) return proof;
  }
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(limited, limited_in(undo));
  Status first;
  for (const auto& end : limited.ends) {
    const auto removed = unshape(end, context);
    if (!removed && first) first = removed;
  }
  return first;
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(limited, limited_in(undo));
  TRY(now, passed(limited, context));
  const auto left = std::ranges::count_if(now.ends, &Shaping::there);
  return Proof{
      left == 0,
      left == 0 ? "no network of " + shown(limited.held) + " is limited by this deed"
                : std::to_string(left) + " limits are left on networks of " + shown(limited.held),
      Json::object({{"limits", left}})};
}

}  // namespace

extern const FaultRow limit_container_fault;
const FaultRow limit_container_fault{
    .name = "limit-container",
    .summary =
        "A container's network passes no more than so many bytes a second, as a line that is "
        "too thin does.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights =
        "to speak to the Docker engine of this machine, and to set queues by tc there and in "
        "network namespaces: root, or CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_SYS_PTRACE",
    .example =
        "- { fault: limit-container, target: cache, bytes_per_second: 32KiB, direction: out, "
        "for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .as = "limit",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
