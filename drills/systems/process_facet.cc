#include "drills/systems/process.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "pidfile",
     .type = FieldType::path,
     .help = "The file in which the process keeps its pid.",
     .required = true},
};

// Another user's process shows us too little to signal it and to start it again.
Result<ProcessFacts> ours_at(const std::string& pidfile, const DeedContext& context) {
  auto facts = process_at(pidfile, context.doors);
  if (facts || facts.error().code != ErrorCode::refused) return facts;
  return fail(ErrorCode::refused,
              "the process of " + pidfile +
                  " belongs to somebody else, and we may neither signal it nor start it again (" +
                  facts.error().text + ")",
              "run gameday as that user, or as root");
}

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(pidfile, pidfile_of(target));
  TRY(facts, ours_at(pidfile, context));
  Instance instance{target.name, shown(facts), "process:" + pidfile, Json::object()};
  instance.facts.set("process", to_json(facts.id)).set("exe", facts.exe);
  return instance;
}

Status may(const Target& target, const DeedContext& context) {
  TRY(pidfile, pidfile_of(target));
  const auto facts = ours_at(pidfile, context);
  return facts ? Status() : std::unexpected(facts.error());
}

}  // namespace

extern const FacetRow process_facet;
const FacetRow process_facet{
    .name = "process",
    .summary = "A process of this machine, found by its pidfile.",
    .scalar = "pidfile",
    .fields = kFields,
    .resolve = &resolve,
    .may = &may,
};

}  // namespace gameday
