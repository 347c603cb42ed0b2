// The facet of a target that is a PostgreSQL cluster whose files gameday can reach.
#include "drills/systems/data_directory.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "folder",
     .type = FieldType::path,
     .help = "The data directory; of a target with `container`, as its container sees it, in a "
             "volume of it.",
     .required = true},
    {.name = "start",
     .type = FieldType::texts,
     .help = "The command that starts a server of this machine, as a list of its words, which "
             "leaves the server behind: [systemctl, start, postgresql@15-main]. Of a container, "
             "its engine does."},
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  if (target.facets.find("postgres") == nullptr) {
    return fail(ErrorCode::invalid, "target " + target.name +
                                        " has no `postgres`: whether its "
                                        "server answers could not be told");
  }
  TRY(data, look_at_data(target, context));
  return Instance{target.name, shown(data), "postgres-data:" + data.folder,
                  Json::object({{"cluster", data.cluster}, {"served", data.served}})};
}

Status may(const Target& target, const DeedContext& context) {
  TRY(data, look_at_data(target, context));
  return may_rule(data);
}

}  // namespace

extern const FacetRow postgres_data_facet;
const FacetRow postgres_data_facet{
    .name = "postgres-data",
    .summary = "The data directory of a PostgreSQL cluster, and how its server is started.",
    .scalar = "folder",
    .fields = kFields,
    .resolve = &resolve,
    .may = &may,
};

}  // namespace gameday
