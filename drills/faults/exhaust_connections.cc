// Takes the connections of a PostgreSQL server away, by a process of its own that holds them by a
// lease: it ends with whoever renews it, and the connections with it.
#include "drills/systems/connection_holder.h"
#include "drills/systems/postgres_rights.h"

namespace gameday {
namespace {

constexpr double kMostConnections = 10000;

constexpr Field kFields[] = {
    {.name = "connections",
     .type = FieldType::integer,
     .help = "How many are held, or as many as the server gives; not more than it has for roles "
             "that are no superusers.",
     .required = true,
     .least = 1,
     .most = kMostConnections},
};

Result<HeldConnections> held_in(const Undo& undo) {
  TRY(settings, connection_in(undo));
  HeldConnections held{undo.arguments.integer("connections", 0), settings,
                       undo.arguments.text("lease"), undo.arguments.text("mark")};
  if (held.count <= 0 || held.lease.empty() || held.mark.empty()) {
    return fail(ErrorCode::corrupt,
                "an undo of exhaust-connections lacks connections, lease or mark");
  }
  return held;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const std::int64_t wanted = deed.arguments.integer("connections", 0);
  TRY(opened, open_for(deed, context));
  TRY(most, opened.session.ask("SELECT current_setting('max_connections')::int - "
                               "current_setting('superuser_reserved_connections')::int"));
  if (wanted > most.integer(0, 0)) {
    return fail(ErrorCode::refused, opened.session.shown() + " has " + most.text(0, 0) +
                                        " connections for those who are no superusers, not " +
                                        std::to_string(wanted));
  }
  return Undo{"exhaust-connections",
              Json::object({{"connection", opened.connection},
                            {"connections", wanted},
                            {"lease", context.private_folder + "/" + context.mark + ".lease"},
                            {"mark", context.mark}})};
}

// What a client sees: how many of ours the server has, or that it lets nobody in any more.
struct Seen {
  std::int64_t ours = 0;
  bool full = false;
};

Result<Seen> look(const HeldConnections& held, const DeedContext& context) {
  auto session = open_postgres(held.settings, context);
  if (!session) {
    if (sqlstate_in(session.error().text) == kTooManyConnections) return Seen{0, true};
    return std::unexpected(session.error());
  }
  TRY(count, session->ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1",
                          {holder_name(held.mark)}));
  return Seen{count.integer(0, 0), false};
}

bool has_bitten(const Seen& seen, const HeldConnections& held) {
  return seen.full || seen.ours >= held.count;
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(20);
  TRY(held, held_in(undo));
  TRY_OK(grant_lease(held.lease, context.doors));
  TRY_OK(start_holder(held, context));
  // To look for it is to look at every process there is.
  constexpr int kLooksBetween = 25;
  for (int looks = 1;; ++looks) {
    const auto seen = look(held, context);
    TRY_OK(renew_lease(held.lease, context.doors.clock));
    if (seen && has_bitten(*seen, held)) return {};
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
    if (looks % kLooksBetween == 0 && stressors_of(held.lease, held.mark, context.doors).empty()) {
      return fail(ErrorCode::failed, "the process that was to hold the connections has ended");
    }
  }
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(held, held_in(undo));
  const bool holds = !stressors_of(held.lease, held.mark, context.doors).empty();
  TRY(seen, look(held, context));
  return Proof{holds && has_bitten(seen, held),
               seen.full
                   ? "the server lets nobody in: it has as many connections as it may"
                   : "the server has " + std::to_string(seen.ours) + " connections of the deed's",
               Json::object({{"connections", seen.ours}, {"full", seen.full}})};
}

Status renew(const Undo& undo, const DeedContext& context) {
  TRY(held, held_in(undo));
  return renew_lease(held.lease, context.doors.clock);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(held, held_in(undo));
  return end_stressors(held.lease, held.mark, context);
}

// The server notices a moment later that they are gone.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(20);
  constexpr int kLooks = 100;
  TRY(held, held_in(undo));
  if (const auto left = stressors_of(held.lease, held.mark, context.doors); !left.empty()) {
    return Proof{false, "process " + std::to_string(left.front().pid) + " still holds them"};
  }
  Seen seen;
  for (int looks = 0; looks < kLooks; ++looks) {
    TRY(now, look(held, context));
    seen = now;
    if (!seen.full && seen.ours == 0) return Proof{true, "none of the deed's connections is left"};
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
  }
  return Proof{false, seen.full ? "nothing of the deed's holds a connection any more, and the "
                                  "server lets nobody in all the same"
                                : std::to_string(seen.ours) + " connections are left"};
}

// A superuser heeds neither limit. One more is needed, to look at them.
Status may(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  const std::string wanted = std::to_string(deed.arguments.integer("connections", 0));
  return check_rights(
      opened.session,
      {{"SELECT rolsuper OR rolconnlimit < 0 OR rolconnlimit > $1::int FROM pg_roles WHERE rolname "
        "= session_user",
        {wanted},
        "gameday's role may not have so many connections",
        "ALTER ROLE ... CONNECTION LIMIT"},
       {"SELECT rolsuper OR datconnlimit < 0 OR datconnlimit > $1::int FROM pg_database, pg_roles "
        "WHERE datname = current_database() AND rolname = session_user",
        {wanted},
        "the database may not have so many connections",
        "ALTER DATABASE ... CONNECTION LIMIT"}});
}

}  // namespace

extern const FaultRow exhaust_connections_fault;
const FaultRow exhaust_connections_fault{
    .name = "exhaust-connections",
    .summary = "Holds connections of a PostgreSQL server, so that others get none.",
    .fields = kFields,
    .facet = "postgres",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights =
        "CONNECT on the database; a CONNECTION LIMIT, of the role and of the database, above as "
        "many connections as are held",
    .example = "- { fault: exhaust-connections, target: database, connections: 10, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .renew = renew,
    .may = may,
};

}  // namespace gameday
