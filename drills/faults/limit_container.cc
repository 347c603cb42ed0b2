// A container's network passes no more than so many bytes a second: by the kernel's token bucket on
// its interfaces in its own network namespace, for what it sends, and on their other ends,
// which are where its engine is, for what it gets. What it sends through its loopback is not
// slowed.
#include <algorithm>

#include "drills/systems/container_ends.h"
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
    kSlowedWay,
};

Result<ContainerEnds> found(const Deed& deed, const DeedContext& context) {
  const auto rate = size_in(deed.arguments, "bytes_per_second");
  if (!rate) return fail(ErrorCode::invalid, "limit needs `bytes_per_second`");
  return find_container_ends(deed, Shaped{{}, {}, "", *rate}, context);
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
  TRY(limited, container_ends_from(undo.arguments));
  return shape_ends(limited, context);
}

// That it was held up is what the kernel counts; one that wants less than it may is slowed by
// nothing. Of all ends the fastest must keep the rate.
Proof judged(const ContainerEnds& limited, const EndsSeen& before, const EndsSeen& after,
             double took_s) {
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
  TRY(limited, container_ends_from(undo.arguments));
  const Clock& clock = context.doors.clock;
  const Instant last = clock.in(kWithin);
  while (true) {
    const Instant begun = clock.now().boot;
    TRY(before, look_at_ends(limited, context));
    if (!before.whole) {
      return Proof{false, "a network of " + shown(limited.held) + " is not limited any more",
                   Json::object()};
    }
    TRY_OK(clock.pause(kLook, context.until));
    TRY(after, look_at_ends(limited, context));
    const Instant now = clock.now().boot;
    Proof proof = judged(limited, before, after, seconds(now - begun));
    if (proof.held || now >= last) return proof;
  }
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
    .rights = kRightsOfContainerQueues,
    .example =
        "- { fault: limit-container, target: cache, bytes_per_second: 32KiB, direction: out, "
        "for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = unshape_ends,
    .gone = ends_gone,
    .close = nullptr,
    .as = "limit",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
