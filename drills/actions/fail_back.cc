// The primary and its standby change places in order: nothing that was acknowledged is lost. The
// one that took writes is ended first, so that at no time two take them.
#include "drills/systems/postgres_rights.h"
#include "drills/systems/postgres_standby.h"
#include "drills/systems/waiting.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "from",
     .type = FieldType::target,
     .help = "The target that takes writes now, and follows afterwards; `source`, `data` and what "
             "belongs to them are meant of it.",
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

constexpr Duration kReplays = std::chrono::seconds(10);
constexpr std::string_view kState = "Database cluster state";
constexpr std::string_view kCheckpoint = "Latest checkpoint location";

// A standby that has all that was ever written: the last thing is the checkpoint of the end.
Status has_everything(Postgres& standby, const PostgresHome& ended, const DeedContext& context) {
  TRY(state, ended.control(kState));
  if (state != "shut down") {
    return fail(ErrorCode::failed, ended.shown() + " did not end in order: it is '" + state + "'");
  }
  TRY(last, ended.control(kCheckpoint));
  bool there = false;
  TRY_OK(wait_until_it(
      [&]() -> Result<bool> {
        TRY(told, standby.ask("SELECT pg_last_wal_replay_lsn() > $1::pg_lsn", {last}));
        there = told.boolean(0, 0);
        return there;
      },
      context, kReplays));
  if (there) return {};
  return fail(ErrorCode::failed,
              standby.shown() + " lacks what " + ended.shown() + " wrote at its end, at " + last);
}

Status promote(Postgres& standby, const DeedContext& context) {
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(
      context.until.deadline - context.doors.clock.now().boot);
  const auto wait = std::max<std::int64_t>(left.count(), 1);
  TRY(done, standby.change("SELECT pg_promote(true, " + std::to_string(wait) + ")"));
  if (done.boolean(0, 0)) return {};
  return fail(ErrorCode::failed, standby.shown() + " was promoted, and did not end recovery");
}

// The slot that the standby followed through would keep WAL on the other one for nobody.
Status drop_slot(const std::string& slot, const std::string& on, const DeedContext& context) {
  const Target* target = context.system.target(on);
  if (slot.empty() || target == nullptr) return {};
  TRY(settings, postgres_settings(*target));
  return wait_until_it(
      [&]() -> Result<bool> {
        auto session = open_postgres(settings, context);
        if (!session) return false;  // it has just been started
        TRY(dropped, session->change("SELECT pg_drop_replication_slot(slot_name) FROM "
                                     "pg_replication_slots WHERE slot_name = $1 AND NOT active",
                                     {slot}));
        return true;
      },
      context, std::chrono::seconds(20));
}

Status perform(const Deed& deed, const DeedContext& context) {
  TRY(terms, standby_terms(deed.arguments.text("from"), deed.target, deed.arguments));
  TRY(from, open_followed(terms.target, context));
  TRY(standby, open_for(deed, context));
  TRY(seen, look_at_server(standby.session));
  if (!seen.in_recovery || seen.identifier != from.server.identifier) {
    return fail(ErrorCode::refused, deed.target + " is no standby of " + terms.target);
  }
  TRY(slot, standby.session.ask("SELECT current_setting('primary_slot_name')"));
  constexpr int kMajor = 10000;
  TRY(home,
      PostgresHome::open(terms.target, deed.arguments, from.session.version() / kMajor, context));
  TRY_OK(same_cluster(home, from.server));
  TRY_OK(home.stop());
  const auto whole = has_everything(standby.session, home, context);
  if (!whole) {
    // Nobody takes writes any more: it is as it was before.
    const auto back = home.start();
    return back ? whole : std::unexpected(whole.error().in(back.error().text));
  }
  TRY_OK(promote(standby.session, context));
  TRY_OK(become_standby(home, terms, context));
  return drop_slot(slot.text(0, 0), terms.target, context);
}

Result<Proof> prove(const Deed& deed, const DeedContext& context) {
  TRY(terms, standby_terms(deed.arguments.text("from"), deed.target, deed.arguments));
  return proof_of_following(terms, context);
}

// The slot that it follows through is dropped on the other one afterwards.
Status may_drop_slot(Postgres& standby, const std::string& on, const DeedContext& context) {
  TRY(slot, standby.ask("SELECT current_setting('primary_slot_name')"));
  const Target* target = context.system.target(on);
  if (slot.text(0, 0).empty() || target == nullptr) return {};
  TRY(settings, postgres_settings(*target));
  TRY(session, open_postgres(settings, context));
  return check_right(session, right_to_replicate());
}

Status may(const Step& step, const DeedContext& context) {
  TRY(terms, standby_terms(step.arguments.text("from"), step.target, step.arguments));
  TRY_OK(may_become_standby(terms, step.arguments, context));
  TRY(opened, open_for(Deed{step.id, "action", step.target, step.arguments}, context));
  TRY_OK(check_right(opened.session, right_to_call("pg_promote(boolean, integer)")));
  return may_drop_slot(opened.session, terms.target, context);
}

}  // namespace

extern const ActionRow fail_back_action;
const ActionRow fail_back_action{
    .name = "fail-back",
    .summary =
        "Makes a PostgreSQL standby the primary and the primary its standby, in order: nothing is "
        "lost, and at no time two take writes.",
    .fields = kFields,
    .facet = "postgres",
    .rights =
        "to run the other server's programs as its user, and to write to the folder that its data "
        "directory stands in: be that user, root, or one who may speak to its Docker engine; "
        "CONNECT on both databases; EXECUTE on pg_promote(boolean, integer), pg_checkpoint (before "
        "PostgreSQL 15: a superuser) and, with a slot, REPLICATION; pg_read_all_stats on `from`; "
        "of the role in `source`: CONNECT, and EXECUTE on pg_ls_dir(text, boolean, boolean), "
        "pg_stat_file(text, boolean), pg_read_binary_file(text) and pg_read_binary_file(text, "
        "bigint, bigint, boolean); of the role in `follow`: REPLICATION",
    .example =
        "- { action: fail-back, target: database, from: standby, source: \"host=database "
        "user=postgres\", data: /var/lib/postgresql/15/main }",
    .perform = perform,
    .prove = prove,
    .may = may,
};

}  // namespace gameday
