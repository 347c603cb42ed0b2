// A container's network passes no more than so many bytes a second: by the kernel's token bucket on
// its interfaces in its own network namespace, for what it sends, and on their other ends,
// which are where its engine is, for what it gets. What it sends through its loopback is not
// slowed.
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

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(limited, container_ends_from(undo.arguments));
  return prove_rate(limited.ends, shown(limited.held), nullptr, context);
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
