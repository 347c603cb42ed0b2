// The facet of a target that is a container of a Docker engine.
#include "drills/systems/container.h"

namespace gameday {
namespace {

constexpr Field kCompose[] = {
    {.name = "service",
     .type = FieldType::text,
     .help = "The service's name in the compose file.",
     .required = true},
    {.name = "project",
     .type = FieldType::text,
     .help = "The project, where services of several projects that run have that name."},
};

constexpr Field kFields[] = {
    {.name = "name", .type = FieldType::text, .help = "The container's name; this alone."},
    {.name = "label",
     .type = FieldType::text,
     .help =
         "A label that it alone has of those that run: `tier=cache`, or `cache` for any value."},
    {.name = "compose",
     .type = FieldType::group,
     .help = "The service of a compose file that it alone runs.",
     .fields = kCompose,
     .scalar = "service"},
    {.name = "image", .type = FieldType::text, .help = "The image that it alone runs: `redis:7`."},
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(engine, DockerEngine::open(context));
  TRY(container, container_of(target, engine, context));
  TRY(id, engine.id(context));
  Instance instance{target.name, shown(container), "container:" + id + "/" + container.name,
                    Json::object({{"id", container.id},
                                  {"image", container.image},
                                  {"started", container.started},
                                  {"pid", container.pid},
                                  {"engine", engine.endpoint().host}})};
  if (!container.service.empty()) {
    instance.facts.set(
        "compose", Json::object({{"project", container.project}, {"service", container.service}}));
  }
  return instance;
}

// Whoever may speak to an engine may do all of it.
Status may(const Target&, const DeedContext& context) {
  const auto engine = DockerEngine::open(context);
  return engine ? Status() : std::unexpected(engine.error());
}

}  // namespace

extern const FacetRow container_facet;
const FacetRow container_facet{
    .name = "container",
    .summary = "A container of a Docker engine, which DOCKER_HOST or a Docker context names.",
    .scalar = "name",
    .fields = kFields,
    .resolve = &resolve,
    .may = &may,
};

}  // namespace gameday
