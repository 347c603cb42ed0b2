// Keeps a role of PostgreSQL out: nobody can log in as it any more. The role's comment carries the
// deed's mark as long as that lasts, in the same transaction, so that whoever undoes can tell what
// we have revoked from what somebody else has.
#include "drills/systems/postgres.h"

namespace gameday {
namespace {

constexpr std::string_view kHows[] = {"nologin", "connection-limit"};

constexpr Field kFields[] = {
    {.name = "role",
     .type = FieldType::text,
     .help = "The role that is kept out; not the one that gameday is there.",
     .required = true},
    {.name = "how",
     .type = FieldType::choice,
     .help = "By taking LOGIN away, or by a connection limit of 0, which superusers do not heed.",
     .otherwise = "nologin",
     .choices = kHows},
    {.name = "end_sessions",
     .type = FieldType::boolean,
     .help = "Whether the sessions that the role has are ended too.",
     .otherwise = "false"},
};

struct Revoked {
  std::string role, mark;
  std::string begun;  // a private file: it was begun
  bool by_limit = false;
  bool ends_sessions = false;
  std::int64_t limit = -1;  // of before
  Json comment;             // of before; null: none
};

Result<Revoked> revoked_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Revoked revoked{from.text("role"),
                  from.text("mark"),
                  from.text("begun"),
                  from.boolean("by_limit", false),
                  from.boolean("ends_sessions", false),
                  from.integer("limit", -1),
                  from.get("comment")};
  if (revoked.role.empty() || revoked.mark.empty()) {
    return fail(ErrorCode::corrupt, "an undo of revoke-login lacks its role or its mark");
  }
  return revoked;
}

constexpr std::string_view kCommentBegins = "gameday keeps this role out, by deed ";

std::string our_comment(const Revoked& revoked) {
  return std::string(kCommentBegins) + revoked.mark;
}

struct Role {
  bool exists = false;
  bool may_login = false;
  bool is_superuser = false;
  bool is_ours = false;
  std::int64_t limit = -1;
  std::int64_t sessions = 0;
  Json comment;
};

Result<Role> look_at(const std::string& name, Postgres& session) {
  TRY(found, session.ask("SELECT rolcanlogin, rolsuper, rolname = session_user, rolconnlimit, "
                         "(SELECT count(*) FROM pg_stat_activity WHERE usesysid = r.oid), "
                         "shobj_description(oid, 'pg_authid') FROM pg_roles AS r "
                         "WHERE rolname = $1",
                         {name}));
  if (found.rows.empty()) return Role{};
  Role role{true,
            found.boolean(0, 0),
            found.boolean(0, 1),
            found.boolean(0, 2),
            found.integer(0, 3),
            found.integer(0, 4),
            {}};
  if (found.rows[0][5]) role.comment = *found.rows[0][5];
  return role;
}

// Its name now: a comment stays with a role that is given another name.
Result<std::string> name_now(const Revoked& revoked, Postgres& session) {
  TRY(found, session.ask("SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') "
                         "= $1 ORDER BY rolname <> $2 LIMIT 1",
                         {our_comment(revoked), revoked.role}));
  return found.rows.empty() ? revoked.role : found.text(0, 0);
}

bool is_kept_out(const Role& role) { return !role.may_login || role.limit == 0; }
bool is_marked(const Role& role, const Revoked& revoked) {
  return role.comment.is_text() && role.comment.text() == our_comment(revoked);
}

Status refuse_what_would_show_nothing(const std::string& name, const Role& role, bool by_limit) {
  const std::string called = "the role " + name;
  if (!role.exists) return fail(ErrorCode::not_found, called + " does not exist");
  if (role.is_ours) {
    return fail(ErrorCode::refused, called + " is gameday's own: nobody could undo it",
                "let gameday be another role there");
  }
  if (is_kept_out(role)) return fail(ErrorCode::refused, called + " cannot log in as it is");
  if (by_limit && role.is_superuser) {
    return fail(ErrorCode::refused, called + " is a superuser, who heeds no connection limit");
  }
  if (role.comment.is_text() && role.comment.text().starts_with(kCommentBegins)) {
    return fail(ErrorCode::conflict, called + " has the mark of a drill: " + role.comment.text());
  }
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  const std::string name = deed.arguments.text("role");
  const bool by_limit = deed.arguments.text("how") == "connection-limit";
  TRY(role, look_at(name, opened.session));
  TRY_OK(refuse_what_would_show_nothing(name, role, by_limit));
  return Undo{"revoke-login",
              Json::object({{"connection", opened.connection},
                            {"mark", context.mark},
                            {"role", name},
                            {"begun", context.private_folder + "/" + context.mark + ".begun"},
                            {"by_limit", by_limit},
                            {"ends_sessions", deed.arguments.boolean("end_sessions", false)},
                            {"limit", role.limit},
                            {"comment", role.comment}})};
}

Status comment_on(const std::string& role, const Json& comment, Postgres& session) {
  const std::string text = comment.is_text() ? postgres_literal(comment.text()) : "NULL";
  TRY(done, session.change("COMMENT ON ROLE " + postgres_name(role) + " IS " + text));
  return {};
}

// A session ends a moment after it is told to, and one that was logging in when the role was
// changed shows up afterwards. Who is left in the end, the proof tells.
Status end_sessions(const Revoked& revoked, Postgres& session, const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(50);
  constexpr int kLooks = 40;
  constexpr int kQuiet = 3;  // so many looks in a row that find nobody
  for (int looks = 0, quiet = 0; looks < kLooks && quiet < kQuiet; ++looks) {
    TRY(told, session.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity AS a JOIN "
                          "pg_roles AS r ON a.usesysid = r.oid WHERE r.rolname = $1",
                          {revoked.role}));
    quiet = told.integer(0, 0) == 0 ? quiet + 1 : 0;
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
  }
  return {};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY(session, open_for(undo, context));
  TRY_OK(context.doors.files.write(revoked.begun, revoked.role + "\n", 0600));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY(altered, session.change("ALTER ROLE " + postgres_name(revoked.role) +
                              (revoked.by_limit ? " CONNECTION LIMIT 0" : " NOLOGIN")));
  TRY_OK(comment_on(revoked.role, our_comment(revoked), session));
  TRY_OK(session.commit());
  return revoked.ends_sessions ? end_sessions(revoked, session, context) : Status{};
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY(session, open_for(undo, context));
  TRY(role, look_at(revoked.role, session));
  Proof proof{is_kept_out(role) && is_marked(role, revoked),
              "the server lets " + std::string(is_kept_out(role) ? "nobody" : "whoever is") +
                  " in as " + revoked.role,
              Json::object({{"login", role.may_login},
                            {"connection_limit", role.limit},
                            {"sessions", role.sessions}})};
  if (role.sessions > 0) {
    proof.text += "; " + std::to_string(role.sessions) + " sessions of it go on";
    proof.held = proof.held && !revoked.ends_sessions;
  }
  return proof;
}

std::string way_back(const Revoked& revoked) {
  return revoked.by_limit ? " CONNECTION LIMIT " + std::to_string(revoked.limit) : " LOGIN";
}

// Without our mark there is nothing of ours: it never was, or somebody has put it right.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY(session, open_for(undo, context));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY(name, name_now(revoked, session));
  TRY(role, look_at(name, session));
  if (!is_marked(role, revoked)) return {};
  TRY(altered, session.change("ALTER ROLE " + postgres_name(name) + way_back(revoked)));
  TRY_OK(comment_on(name, revoked.comment, session));
  return session.commit();
}

// As we have made it, be it by us or by somebody else.
bool is_as_ours(const Role& role, const Revoked& revoked) {
  return revoked.by_limit ? role.limit == 0 : !role.may_login;
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY(session, open_for(undo, context));
  TRY(name, name_now(revoked, session));
  TRY(role, look_at(name, session));
  const std::string called = "the role " + name;
  if (!role.exists) return Proof{true, called + " is there no more"};
  if (is_marked(role, revoked)) return Proof{false, called + " has the deed's mark yet"};
  if (!is_kept_out(role)) return Proof{true, called + " may log in"};
  // Without the mark it may be what we have done, whose comment somebody has changed.
  if (context.doors.files.exists(revoked.begun) && is_as_ours(role, revoked)) {
    return Proof{false, called + " is kept out, and its comment says no more by whom: unless it " +
                            "shall be, ALTER ROLE " + postgres_name(name) + way_back(revoked)};
  }
  Proof proof{true, called + " is kept out by somebody else"};
  proof.facts.set("superseded", true);
  return proof;
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  return context.doors.files.remove(revoked.begun);
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  const std::string role = deed.arguments.text("role");
  TRY_OK(check_right(
      opened.session,
      {"SELECT me.rolsuper OR (me.rolcreaterole AND NOT coalesce(r.rolsuper OR r.rolreplication, "
       "false) AND (current_setting('server_version_num')::int < 160000 OR r.oid IS NULL OR "
       "pg_has_role(me.oid, r.oid, 'USAGE WITH ADMIN OPTION'))) FROM pg_roles AS me LEFT JOIN "
       "pg_roles AS r ON r.rolname = $1 WHERE me.rolname = current_user",
       {role},
       "we may not alter the role " + role,
       "gameday's role needs CREATEROLE (from PostgreSQL 16 on: and ADMIN of that role); a "
       "superuser, or who may replicate, only a superuser alters"}));
  if (!deed.arguments.boolean("end_sessions", false)) return {};
  return check_right(
      opened.session,
      {"SELECT rolsuper OR pg_has_role(oid, 'pg_signal_backend', 'USAGE') OR pg_has_role(oid, "
       "(SELECT oid FROM pg_roles WHERE rolname = $1), 'USAGE') FROM pg_roles "
       "WHERE rolname = current_user",
       {role},
       "we may not end the sessions of " + role,
       "GRANT pg_signal_backend to gameday's role"});
}

}  // namespace

extern const FaultRow revoke_login_fault;
const FaultRow revoke_login_fault{
    .name = "revoke-login",
    .summary = "Keeps a role of PostgreSQL out, and lets it in again as it was.",
    .fields = kFields,
    .facet = "postgres",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights =
        "CONNECT on the database; CREATEROLE, and from PostgreSQL 16 on ADMIN of the role; with "
        "end_sessions: pg_signal_backend, or to be a member of the role",
    .example =
        "- { fault: revoke-login, target: database, role: shop, end_sessions: true, "
        "for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may,
};

}  // namespace gameday
