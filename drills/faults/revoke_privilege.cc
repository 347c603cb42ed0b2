// Takes a privilege on a table away from a role of PostgreSQL, as a wrong migration does: its
// sessions go on, and its statements fail. The table's comment carries the deed's mark as long as
// that lasts, in the same transaction.
#include "drills/systems/postgres_rights.h"
#include "drills/systems/postgres_saved.h"

namespace gameday {
namespace {

constexpr std::string_view kPrivileges[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"};

constexpr Field kFields[] = {
    {.name = "role",
     .type = FieldType::text,
     .help = "The role that it is taken from; it must hold it itself, and by no other way.",
     .required = true},
    {.name = "privilege",
     .type = FieldType::choice,
     .help = "What it may do no more.",
     .required = true,
     .choices = kPrivileges},
    {.name = "table",
     .type = FieldType::text,
     .help = "On which table: `sales.orders`, or a name that the role's search path finds.",
     .required = true},
};

constexpr std::string_view kCommentBegins = "gameday took a privilege on this table, by deed ";

struct Taken {
  std::string role, privilege, table, oid, mark;
  std::string role_oid;    // both may have other names by the time they are looked at
  std::string begun;       // a private file: it was begun
  bool grantable = false;  // it could be handed on
  Json comment;            // of before; null: none
};

Result<Taken> taken_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Taken taken{from.text("role"),  from.text("privilege"),
              from.text("table"), from.text("oid"),
              from.text("mark"),  from.text("role_oid"),
              from.text("begun"), from.boolean("grantable", false),
              from.get("comment")};
  if (taken.role.empty() || taken.privilege.empty() || taken.table.empty() || taken.oid.empty() ||
      taken.mark.empty()) {
    return fail(ErrorCode::corrupt,
                "an undo of revoke-privilege lacks its role, privilege, table "
                "or mark");
  }
  return taken;
}

std::string our_comment(const Taken& taken) { return std::string(kCommentBegins) + taken.mark; }

struct Seen {
  bool there = false;  // the table, and the role
  bool may = false;    // the role, by whatever way
  bool granted = false, grantable = false;
  Json comment;
  std::string role, role_oid, table;  // as SQL writes them now
};

Result<Seen> look_at(const Taken& taken, Postgres& session) {
  TRY(found,
      session.ask("SELECT has_table_privilege(r.oid, c.oid, $3), a.is_grantable, "
                  "obj_description(c.oid, 'pg_class'), r.rolname, r.oid, format('%I.%I', "
                  "n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = "
                  "c.relnamespace CROSS JOIN pg_roles AS r "
                  "LEFT JOIN LATERAL aclexplode(c.relacl) AS a ON a.grantee = r.oid AND "
                  "a.privilege_type = $3 WHERE c.oid = $1::oid AND "
                  "CASE WHEN $4 = '' THEN r.rolname = $2 ELSE r.oid::text = $4 END",
                  {taken.oid, taken.role, taken.privilege, taken.role_oid}));
  if (found.rows.empty()) return Seen{};
  Seen seen{.there = true,
            .may = found.boolean(0, 0),
            .granted = found.rows[0][1].has_value(),
            .grantable = found.boolean(0, 1),
            .comment = {},
            .role = postgres_name(found.text(0, 3)),
            .role_oid = found.text(0, 4),
            .table = found.text(0, 5)};
  if (found.rows[0][2]) seen.comment = *found.rows[0][2];
  return seen;
}

bool is_marked(const Seen& seen, const Taken& taken) {
  return seen.comment.is_text() && seen.comment.text() == our_comment(taken);
}

std::string called(const Taken& taken) {
  return taken.privilege + " on " + taken.table + " of " + taken.role;
}

Status refuse_what_would_show_nothing(const Taken& taken, const Seen& seen) {
  if (!seen.there) return fail(ErrorCode::not_found, "the role " + taken.role + " does not exist");
  if (!seen.granted) {
    return fail(ErrorCode::refused, taken.role + " has not been granted " + taken.privilege +
                                        " on " + taken.table + " itself");
  }
  if (seen.comment.is_text() && seen.comment.text().starts_with(kCommentBegins)) {
    return fail(ErrorCode::conflict,
                taken.table + " has the mark of a drill: " + seen.comment.text());
  }
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(table, find_table(deed.arguments.text("table"), opened.session));
  Taken taken{deed.arguments.text("role"),
              deed.arguments.text("privilege"),
              full_name(table),
              table.oid,
              context.mark,
              "",
              "",
              false,
              {}};
  TRY(seen, look_at(taken, opened.session));
  TRY_OK(refuse_what_would_show_nothing(taken, seen));
  return Undo{"revoke-privilege",
              Json::object({{"connection", opened.connection},
                            {"mark", taken.mark},
                            {"role", taken.role},
                            {"privilege", taken.privilege},
                            {"table", taken.table},
                            {"oid", taken.oid},
                            {"role_oid", seen.role_oid},
                            {"begun", context.private_folder + "/" + context.mark + ".begun"},
                            {"grantable", seen.grantable},
                            {"comment", seen.comment}})};
}

Status comment_on(const std::string& table, const Json& comment, Postgres& session) {
  const std::string text = comment.is_text() ? postgres_literal(comment.text()) : "NULL";
  TRY(done, session.change("COMMENT ON TABLE " + table + " IS " + text));
  return {};
}

// A superuser, an owner, a member of another role that has it: nothing would be seen of it.
Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(taken, taken_in(undo));
  TRY(session, open_for(undo, context));
  TRY_OK(context.doors.files.write(taken.begun, called(taken) + "\n", 0600));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY(done, session.change("REVOKE " + taken.privilege + " ON TABLE " + taken.table + " FROM " +
                           postgres_name(taken.role)));
  TRY(seen, look_at(taken, session));
  if (seen.may) {
    return fail(ErrorCode::refused,
                taken.role + " has " + taken.privilege + " on " + taken.table +
                    " by another way too: as its owner, a superuser, a member of another role, or "
                    "as everybody");
  }
  TRY_OK(comment_on(taken.table, our_comment(taken), session));
  return session.commit();
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(taken, taken_in(undo));
  TRY(session, open_for(undo, context));
  TRY(seen, look_at(taken, session));
  return Proof{
      seen.there && !seen.may && is_marked(seen, taken),
      taken.role + (seen.may ? " has " : " has no ") + taken.privilege + " on " + taken.table,
      Json::object({{"may", seen.may}})};
}

std::string way_back(const Taken& taken, const Seen& seen) {
  return "GRANT " + taken.privilege + " ON TABLE " + seen.table + " TO " + seen.role +
         (taken.grantable ? " WITH GRANT OPTION" : "");
}

// Without our mark there is nothing of ours: it never was, or somebody has put it right.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(taken, taken_in(undo));
  TRY(session, open_for(undo, context));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY(seen, look_at(taken, session));
  if (!is_marked(seen, taken)) return {};
  TRY(done, session.change(way_back(taken, seen)));
  TRY_OK(comment_on(seen.table, taken.comment, session));
  return session.commit();
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(taken, taken_in(undo));
  TRY(session, open_for(undo, context));
  TRY(seen, look_at(taken, session));
  if (!seen.there) return Proof{true, "the table or the role of " + called(taken) + " is no more"};
  if (is_marked(seen, taken)) return Proof{false, taken.table + " has the deed's mark yet"};
  if (seen.may) return Proof{true, taken.role + " has " + taken.privilege + " on " + taken.table};
  // Without the mark it may be what we have done, and somebody has changed the comment.
  if (context.doors.files.exists(taken.begun)) {
    return Proof{false, called(taken) +
                            " is taken, and the table's comment says no more by whom: "
                            "unless it shall be, " +
                            way_back(taken, seen)};
  }
  Proof proof{true, called(taken) + " was taken by somebody else since"};
  proof.facts.set("superseded", true);
  return proof;
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(taken, taken_in(undo));
  return context.doors.files.remove(taken.begun);
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(table, find_table(deed.arguments.text("table"), opened.session));
  return check_right(opened.session,
                     right_of_owner("SELECT relowner FROM pg_class WHERE oid = $1::oid",
                                    {table.oid}, full_name(table)));
}

}  // namespace

extern const FaultRow revoke_privilege_fault;
const FaultRow revoke_privilege_fault{
    .name = "revoke-privilege",
    .summary =
        "Takes a privilege on a table away from a role of PostgreSQL, and grants it again as it "
        "was.",
    .fields = kFields,
    .facet = "postgres",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights =
        "CONNECT on the database; USAGE on the table's schema, and to be a member of its owner",
    .example =
        "- { fault: revoke-privilege, target: database, role: clerk, privilege: INSERT, table: "
        "sales.orders, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may,
};

}  // namespace gameday
