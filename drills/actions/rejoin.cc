// A PostgreSQL server that was the primary before a failover comes back as a standby of the one
// that was promoted. What it had written and nobody has received is thrown away, which is what
// keeps it from being a second writer.
#include <algorithm>

#include "drills/systems/postgres_standby.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "to",
     .type = FieldType::target,
     .help = "The target that takes writes now, and that it follows.",
     .required = true},
    kSourceField,
    kFollowField,
    kSlotField,
    kHomeFields[0],
    kHomeFields[1],
    kHomeFields[2],
    kHomeFields[3],
    kHomeFields[4],
    kHomeFields[5],
};

// Whoever was killed answers at once or never.
DeedContext a_moment(DeedContext context) {
  constexpr Duration kLooks = std::chrono::seconds(2);
  const Instant enough = context.doors.clock.in(kLooks);
  context.until.deadline = std::min(context.until.deadline, enough);
  return context;
}

Status perform(const Deed& deed, const DeedContext& context) {
  TRY(terms, standby_terms(deed.target, deed.arguments.text("to"), deed.arguments));
  TRY(followed, open_followed(terms.of, context));
  constexpr int kMajor = 10000;
  TRY(home, PostgresHome::open(deed.target, deed.arguments, followed.session.version() / kMajor,
                               context));
  // Before it is ended: what is somebody else's goes on.
  TRY_OK(same_cluster(home, followed.server));
  const auto split = split_brain(followed.server.identifier,
                                 look_at_nodes({terms.target, terms.of}, a_moment(context)));
  TRY_OK(home.stop());
  TRY_OK(become_standby(home, terms, context));
  if (split.empty()) return {};
  // It follows now, and is no second writer any more; that it was one is not to be passed over.
  return fail(ErrorCode::conflict, "until now " + split + "; what " + terms.target +
                                       " acknowledged beside the other one is thrown away");
}

Result<Proof> prove(const Deed& deed, const DeedContext& context) {
  TRY(terms, standby_terms(deed.target, deed.arguments.text("to"), deed.arguments));
  return proof_of_following(terms, context);
}

Status may(const Step& step, const DeedContext& context) {
  TRY(terms, standby_terms(step.target, step.arguments.text("to"), step.arguments));
  return may_become_standby(terms, step.arguments, context);
}

}  // namespace

extern const ActionRow rejoin_action;
const ActionRow rejoin_action{
    .name = "rejoin",
    .summary =
        "Rewinds a PostgreSQL server that was the primary, with pg_rewind, and makes it a standby "
        "of the one that takes writes now.",
    .fields = kFields,
    .facet = "postgres",
    .rights =
        "to run the server's programs as its user, and to write to the folder that its data "
        "directory stands in: be that user, root, or one who may speak to its Docker engine; "
        "CONNECT on both databases; pg_checkpoint (before PostgreSQL 15: a superuser) and, with "
        "`slot`, REPLICATION on `to`; pg_read_all_stats on the target; of the role in `source`: "
        "CONNECT, and EXECUTE on pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), "
        "pg_read_binary_file(text) and pg_read_binary_file(text, bigint, bigint, boolean); of the "
        "role in `follow`: REPLICATION",
    .example =
        "- { action: rejoin, target: database, to: standby, source: \"host=standby "
        "user=postgres\", data: /var/lib/postgresql/15/main }",
    .perform = perform,
    .prove = prove,
    .may = may,
};

}  // namespace gameday
