// The facet of a target that is a database of a PostgreSQL server.
#include "drills/systems/postgres.h"
#include "engine/playbook/invariants.h"

namespace gameday {
namespace {

constexpr double kLargestPort = 65535;

constexpr Field kFields[] = {
    {.name = "connection",
     .type = FieldType::text,
     .help = "Where it is, as libpq takes it: a URI, or `keyword=value ...`. Its password, if it "
             "has one, is ${env:NAME} or ${file:PATH}; without one, libpq looks in PGPASSWORD, "
             ".pgpass and the service file. What is not given comes from PG* in the environment."},
    {.name = "host",
     .type = FieldType::text,
     .help = "The server's name or address, or the folder of its socket."},
    {.name = "port",
     .type = FieldType::integer,
     .help = "The server's port.",
     .least = 1,
     .most = kLargestPort},
    {.name = "dbname", .type = FieldType::text, .help = "Which database of the server."},
    {.name = "user", .type = FieldType::text, .help = "The role that gameday is there."},
    {.name = "password",
     .type = FieldType::text,
     .help = "Its password, as a secret: ${env:NAME} or ${file:PATH}."},
    {.name = "service", .type = FieldType::text, .help = "An entry of pg_service.conf."},
    {.name = "sslmode",
     .type = FieldType::text,
     .help = "How much TLS must be, as libpq has it: verify-full trusts nothing else."},
    {.name = "sslrootcert",
     .type = FieldType::path,
     .help = "The certificates in PEM that the server's is checked by."},
    kInvariantsField,
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(settings, postgres_settings(target));
  TRY(session, open_postgres(settings, context));
  TRY(server, look_at_server(session));
  Instance instance{target.name, "database " + session.shown(), postgres_identity(server, session),
                    Json::object({{"version", server.version},
                                  {"in_recovery", server.in_recovery},
                                  {"user", server.user}})};
  if (server.in_recovery) instance.shown += ", in recovery";
  if (!server.timeline.empty()) instance.facts.set("timeline", server.timeline);
  instance.facts.set("known_by", server.identifier.empty() ? "address" : "system identifier");
  if (server.identifier.empty()) {
    instance.shown +=
        ", known by its address alone: pg_control_system() is not permitted to " + server.user;
  }
  return instance;
}

Result<Datum> value_of(const Target& target, const std::string& question,
                       const DeedContext& context) {
  TRY(settings, postgres_settings(target));
  return postgres_value(settings, question, context);
}

// Each fault asks for its own right; what all of them need is to be let in.
Status may(const Target& target, const DeedContext& context) {
  TRY(settings, postgres_settings(target));
  TRY(session, open_postgres(settings, context));
  return {};
}

}  // namespace

extern const FacetRow postgres_facet;
const FacetRow postgres_facet{
    .name = "postgres",
    .summary = "A database of a PostgreSQL server.",
    .scalar = "connection",
    .fields = kFields,
    .resolve = &resolve,
    .may = &may,
    .value_of = &value_of,
};

}  // namespace gameday
