// A standby goes on receiving and stops replaying: what is read from it grows old.
#include "drills/systems/postgres_rights.h"
#include "drills/systems/waiting.h"

namespace gameday {
namespace {

struct Standby {
  bool in_recovery = false;
  std::string state;  // "not paused", "pause requested", "paused"
  std::int64_t behind = 0;
};

Result<Standby> look_at(Postgres& session) {
  TRY(recovers, session.ask("SELECT pg_is_in_recovery()"));
  if (!recovers.boolean(0, 0)) return Standby{};
  TRY(state, session.ask("SELECT pg_get_wal_replay_pause_state(), greatest(pg_wal_lsn_diff("
                         "pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)"));
  return Standby{true, state.text(0, 0), state.integer(0, 1)};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(standby, look_at(opened.session));
  if (!standby.in_recovery) {
    return fail(ErrorCode::refused, opened.session.shown() + " is no standby: it replays nothing");
  }
  if (standby.state != "not paused") {
    return fail(ErrorCode::refused, opened.session.shown() +
                                        " does not replay as it is, but is in the state '" +
                                        standby.state + "'");
  }
  return Undo{"pause-replication", Json::object({{"connection", opened.connection}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  TRY(paused, session.change("SELECT pg_wal_replay_pause()"));
  return wait_until_it(
      [&] {
        const auto standby = look_at(session);
        return standby && standby->state == "paused";
      },
      context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  TRY(standby, look_at(session));
  return Proof{standby.in_recovery && standby.state == "paused",
               standby.in_recovery ? "replay on " + session.shown() + " is " + standby.state +
                                         ", " + std::to_string(standby.behind) + " bytes behind"
                                   : session.shown() + " is a standby no more",
               Json::object({{"state", standby.state}, {"behind_bytes", standby.behind}})};
}

// One that was promoted meanwhile has replayed everything.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  TRY(standby, look_at(session));
  if (!standby.in_recovery || standby.state == "not paused") return {};
  TRY(resumed, session.change("SELECT pg_wal_replay_resume()"));
  return {};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  TRY(standby, look_at(session));
  if (!standby.in_recovery) return Proof{true, session.shown() + " is a standby no more"};
  return Proof{standby.state == "not paused",
               "replay on " + session.shown() + " is " + standby.state};
}

// What is granted on the primary holds here too, when it has been replayed.
Status may(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  return check_rights(opened.session, {right_to_call("pg_wal_replay_pause()"),
                                       right_to_call("pg_wal_replay_resume()")});
}

}  // namespace

extern const FaultRow pause_replication_fault;
const FaultRow pause_replication_fault{
    .name = "pause-replication",
    .summary = "Pauses replay on a PostgreSQL standby: it goes on receiving, and falls behind.",
    .fields = {},
    .facet = "postgres",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights =
        "CONNECT on the database; EXECUTE on pg_wal_replay_pause() and pg_wal_replay_resume()",
    .example = "- { fault: pause-replication, target: standby, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
