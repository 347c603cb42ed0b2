// The facet of a target that is a Redis server, or one of its databases.
#include "drills/systems/redis.h"

namespace gameday {
namespace {

constexpr double kMostDatabases = 1 << 14;

constexpr Field kFields[] = {
    {.name = "address",
     .help = "Where it is: host:port, or the path of its Unix socket.",
     .required = true},
    {.name = "user",
     .help = "Who gameday is there, by the server's ACL; without it, its default user."},
    {.name = "password",
     .help = "That user's password, as a secret: ${env:NAME} or ${file:PATH}. Without it, none is "
             "given."},
    {.name = "database",
     .type = FieldType::integer,
     .help = "Which database of the server, for what is done to keys.",
     .otherwise = "0",
     .most = kMostDatabases},
    {.name = "tls",
     .type = FieldType::boolean,
     .help = "Whether it is spoken to by TLS; its certificate must then be for `address`.",
     .otherwise = "false"},
    {.name = "ca",
     .type = FieldType::path,
     .help = "A file of certificates in PEM that it is trusted by; without it, those that this "
             "machine trusts."},
    {.name = "backup",
     .type = FieldType::path,
     .help = "A backup of somebody else's, which a backup's step then takes in place of one of its "
             "own: an RDB file, an append-only file (*.aof), or the folder of append-only files "
             "and their manifest."},
    {.name = "programs",
     .type = FieldType::path,
     .help =
         "The folder of redis-server, redis-check-rdb and redis-check-aof, by which backups are "
         "loaded and looked at; without it, those in PATH."},
};

// A server has no identity that outlives its process; for as long as that lives, nobody else has
// its run_id, by whatever address it is reached.
Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(place, redis_place_of(target));
  TRY(session, open_redis(place, context));
  TRY(server, look_at_redis(session));
  Instance instance{target.name, shown(session.address()), "redis:" + server.run_id,
                    Json::object({{"version", server.version},
                                  {"run_id", server.run_id},
                                  {"replication_id", server.replication_id},
                                  {"role", server.is_master ? "master" : "replica"},
                                  {"replicas", server.replicas},
                                  {"keys", server.keys}})};
  if (!server.is_master) instance.shown += ", a replica";
  return instance;
}

// Each fault asks for its own right; what all of them need is to be let in and told.
Status may(const Target& target, const DeedContext& context) {
  TRY(place, redis_place_of(target));
  TRY(session, open_redis(place, context));
  TRY(server, look_at_redis(session));
  return {};
}

}  // namespace

extern const FacetRow redis_facet;
const FacetRow redis_facet{
    .name = "redis",
    .summary =
        "A Redis server, or one of its databases. To kill one, name its `process` or its "
        "`container`.",
    .scalar = "address",
    .fields = kFields,
    .resolve = &resolve,
    .may = &may,
    .fleeting = true,
};

}  // namespace gameday
