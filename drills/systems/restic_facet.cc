// The facet of a target that is a restic repository, and what is backed up in it.
#include <filesystem>

#include "drills/systems/restic.h"

namespace gameday {
namespace {

constexpr double kMostParts = 1000;

constexpr Field kFields[] = {
    {.name = "repository",
     .type = FieldType::text,
     .help = "Where it is, as restic takes it; what is secret in it is ${env:NAME} or "
             "${file:PATH}.",
     .required = true},
    {.name = "password",
     .type = FieldType::text,
     .help = "What opens it, as a secret: ${env:NAME} or ${file:PATH}.",
     .required = true},
    {.name = "environment",
     .type = FieldType::json,
     .help = "What restic finds in its environment besides, by name: the keys of an object store, "
             "as secrets."},
    {.name = "paths",
     .type = FieldType::texts,
     .help = "What a backup's step backs up, as absolute paths. Without it the step takes the "
             "newest snapshot that is there, as a nightly validation does."},
    {.name = "host",
     .type = FieldType::text,
     .help = "Without `paths`: the newest snapshot of that host."},
    {.name = "tag",
     .type = FieldType::text,
     .help = "Without `paths`: the newest snapshot with that tag."},
    {.name = "manifest",
     .type = FieldType::path,
     .help = "Without `paths`: the digests that its files must have, as sha256sum wrote them when "
             "it was taken. Without it their size alone is compared, "
             "with what restic says of the snapshot."},
    {.name = "parts",
     .type = FieldType::integer,
     .help = "One of so many parts of the repository is read whole in each drill, another one each "
             "time.",
     .otherwise = "10",
     .least = 1,
     .most = kMostParts},
    {.name = "max_age",
     .type = FieldType::duration,
     .help = "How old the snapshot may be when it is restored."},
    {.name = "program",
     .type = FieldType::text,
     .help = "Which restic is run: a name in PATH, or an absolute path.",
     .otherwise = "restic"},
    {.name = "scratch",
     .type = FieldType::path,
     .help = "Where it is restored, which takes as much room as the snapshot.",
     .otherwise = "/var/tmp"},
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(restic, restic_of(target));
  TRY(run, ResticRun::open(restic, context));
  TRY(identity, restic_identity(run));
  return Instance{target.name, "restic repository " + restic.repository, identity,
                  Json::object({{"version", run.version()}, {"table", run.table().from}})};
}

}  // namespace

extern const FacetRow restic_facet;
const FacetRow restic_facet{
    .name = "restic",
    .summary = "A restic repository, and what is backed up in it.",
    .scalar = "",
    .fields = kFields,
    .resolve = &resolve,
    .may = nullptr,
};

}  // namespace gameday
