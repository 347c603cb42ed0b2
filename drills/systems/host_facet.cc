// The facet of a target that is a machine, as its network sees it: this one, or a network namespace
// of it.
#include "drills/systems/netns.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "netns",
     .type = FieldType::text,
     .help = "The network namespace: `own` for the one that gameday runs in, a name of `ip netns`, "
             "or an absolute path.",
     .otherwise = kOwnNetns},
};

Result<Instance> resolve(const Target& target, const DeedContext&) {
  TRY(netns, netns_of(target));
  const std::string number = "net:[" + std::to_string(netns.number) + "]";
  return Instance{target.name, netns.shown + ", " + number, "host:" + number, to_json(netns)};
}

}  // namespace

extern const FacetRow host_facet;
const FacetRow host_facet{
    .name = "host",
    .summary = "This machine, or a network namespace of it, as its network sees it.",
    .scalar = "netns",
    .fields = kFields,
    .resolve = &resolve,
};

}  // namespace gameday
