// Ends sessions of a PostgreSQL database, as an administrator, a failover or a proxy would. It is
// over when it has been done: a client that comes back is let in.
#include "drills/systems/postgres_rights.h"
#include "drills/systems/waiting.h"

namespace gameday {
namespace {

constexpr std::string_view kAny = "any";

constexpr Field kFields[] = {
    {.name = "user",
     .type = FieldType::text,
     .help = "The role whose sessions are ended; `any` for those of every role.",
     .otherwise = kAny},
    {.name = "application",
     .type = FieldType::text,
     .help = "The application_name of the sessions that are ended; `any` for all.",
     .otherwise = kAny},
};

// Clients' sessions on this database, but none of gameday's, whichever drill it belongs to.
constexpr std::string_view kMatching =
    " FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = "
    "current_database() AND pid <> pg_backend_pid() AND NOT starts_with(application_name, $1) AND "
    "$2::text IN ('any', usename::text) AND $3::text IN ('any', application_name)";

// A pid is given out again: with its beginning it names one session.
constexpr std::string_view kSession = "pid::text, extract(epoch FROM backend_start)::text";

std::vector<std::string> terms_of(const Json& arguments) {
  return {std::string(kOurSessions), arguments.text("user"), arguments.text("application")};
}

std::string called(const Json& arguments) {
  return "user " + arguments.text("user") + ", application " + arguments.text("application");
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(found, opened.session.ask("SELECT " + std::string(kSession) + std::string(kMatching),
                                terms_of(deed.arguments)));
  if (found.rows.empty()) {
    return fail(ErrorCode::refused, opened.session.shown() + " has no session of " +
                                        called(deed.arguments) + ", so there is none to end");
  }
  Json sessions = Json::array();
  for (std::size_t row = 0; row < found.rows.size(); ++row) {
    sessions.push(Json::object({{"pid", found.text(row, 0)}, {"start", found.text(row, 1)}}));
  }
  return Undo{"kill-backends", Json::object({{"connection", opened.connection},
                                             {"user", deed.arguments.text("user")},
                                             {"application", deed.arguments.text("application")},
                                             {"sessions", std::move(sessions)}})};
}

// How many of those sessions are there yet.
Result<std::int64_t> living(const Undo& undo, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  TRY(now, session.ask("SELECT " + std::string(kSession) + " FROM pg_stat_activity"));
  std::int64_t count = 0;
  for (const Json& one : undo.arguments.items("sessions")) {
    for (std::size_t row = 0; row < now.rows.size(); ++row) {
      if (now.text(row, 0) == one.text("pid") && now.text(row, 1) == one.text("start")) ++count;
    }
  }
  return count;
}

// Those that have come since are ended too: they are what the playbook says.
Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY(ended, session.change("SELECT pg_terminate_backend(pid)" + std::string(kMatching),
                            terms_of(undo.arguments)));
  return wait_until_it(
      [&] {
        const auto left = living(undo, context);
        return left && *left == 0;
      },
      context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(left, living(undo, context));
  const auto all = static_cast<std::int64_t>(undo.arguments.items("sessions").size());
  return Proof{
      left == 0,
      left == 0
          ? "the " + std::to_string(all) + " sessions of " + called(undo.arguments) + " are gone"
          : std::to_string(left) + " of " + std::to_string(all) + " sessions are still there",
      Json::object({{"sessions", all}, {"left", left}})};
}

Status undo(const Undo&, const DeedContext&) { return {}; }

Result<Proof> gone(const Undo&, const DeedContext&) {
  return Proof{true, "whoever was cut off may connect again; nothing was left in force"};
}

// To see a session's beginning, and that a client has it, takes a right of its own.
Status may(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  Postgres& session = opened.session;
  const std::string user = deed.arguments.text("user");
  TRY(theirs,
      session.ask("SELECT pg_has_role(oid, 'USAGE') FROM pg_roles WHERE rolname = $1", {user}));
  if (theirs.boolean(0, 0)) return {};
  const auto held = check_rights(
      session, {right_of_role("pg_signal_backend"), right_of_role("pg_read_all_stats")});
  const std::string called_so = "we may not end sessions of " + called(deed.arguments);
  if (!held) return std::unexpected(held.error().in(called_so));
  return check_right(
      session,
      {"SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR NOT "
       "(coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = $2), false) OR EXISTS (SELECT" +
           std::string(kMatching) + " AND usesysid IN (SELECT oid FROM pg_roles WHERE rolsuper)))",
       terms_of(deed.arguments), called_so + ": there are such of a superuser",
       "those only a superuser ends: name another role by `user`"});
}

}  // namespace

extern const FaultRow kill_backends_fault;
const FaultRow kill_backends_fault{
    .name = "kill-backends",
    .summary = "Ends sessions of a PostgreSQL database; whoever comes back is let in.",
    .fields = kFields,
    .facet = "postgres",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights =
        "CONNECT on the database; pg_signal_backend and pg_read_all_stats, or, with user, to be a "
        "member of that role",
    .example = "- { fault: kill-backends, target: database, user: shop, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .momentary = true,
    .may = may,
};

}  // namespace gameday
