#include "drills/systems/process.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "pidfile",
     .type = FieldType::path,
     .help = "The file in which the process keeps its pid.",
     .required = true},
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(pidfile, pidfile_of(target));
  TRY(facts, process_at(pidfile, context.doors));
  Instance instance{target.name, shown(facts), "process:" + pidfile, Json::object()};
  instance.facts.set("process", to_json(facts.id)).set("exe", facts.exe);
  return instance;
}

}  // namespace

extern const FacetRow process_facet;
const FacetRow process_facet{
    .name = "process",
    .summary = "A process of this machine, found by its pidfile.",
    .scalar = "pidfile",
    .fields = kFields,
    .resolve = &resolve,
};

}  // namespace gameday
