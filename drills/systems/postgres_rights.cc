#include "drills/systems/postgres_rights.h"

namespace gameday {
namespace {

// Where `c` is of a schema `n` of somebody's own, and of no extension.
std::string own(const std::string& catalog, const std::string& oid) {
  return "n.nspname !~ '^(pg_|information_schema$|gameday_)' AND NOT EXISTS (SELECT FROM pg_depend "
         "AS d WHERE d.classid = '" +
         catalog + "'::regclass AND d.objid = " + oid + " AND d.deptype = 'e')";
}

// `question` gives, on its first row, what is lacking in words; no row: nothing.
Status check_lacking(Postgres& session, const std::string& question, const std::string& hint) {
  TRY(found, session.ask(question + " LIMIT 1"));
  if (found.rows.empty()) return {};
  return fail(ErrorCode::refused, found.text(0, 0), hint);
}

constexpr std::string_view kReadAll = "GRANT pg_read_all_data to gameday's role";

Status may_read_objects(Postgres& session) {
  return check_lacking(
      session,
      "SELECT 'we have no SELECT on the large object ' || m.oid FROM pg_largeobject_metadata AS m "
      "WHERE current_setting('lo_compat_privileges') = 'off' AND NOT pg_has_role(m.lomowner, "
      "'USAGE') AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) AS a WHERE a.privilege_type = "
      "'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))",
      "GRANT SELECT ON LARGE OBJECT it to gameday's role");
}

}  // namespace

Status check_rights(Postgres& session, const std::vector<PostgresRight>& rights) {
  for (const auto& right : rights) TRY_OK(check_right(session, right));
  return {};
}

PostgresRight right_to_call(const std::string& function) {
  return {"SELECT has_function_privilege($1, 'EXECUTE')",
          {function},
          "we may not call " + function,
          "GRANT EXECUTE ON FUNCTION " + function + " to gameday's role"};
}

PostgresRight right_of_role(const std::string& role) {
  return {"SELECT pg_has_role($1, 'USAGE')",
          {role},
          "we are no member of " + role,
          "GRANT " + role + " to gameday's role"};
}

PostgresRight right_on_table(const std::string& privilege, const std::string& table) {
  return {"SELECT has_table_privilege($1, $2)",
          {table, privilege},
          "we have no " + privilege + " on " + table,
          "GRANT " + privilege + " ON it to gameday's role"};
}

PostgresRight right_to_replicate() {
  return {"SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user",
          {},
          "gameday's role has no REPLICATION",
          "ALTER ROLE ... REPLICATION"};
}

PostgresRight right_of_owner(const std::string& query, const std::vector<std::string>& values,
                             const std::string& of) {
  return {"SELECT pg_has_role((" + query + "), 'USAGE')", values,
          "we are no member of the owner of " + of,
          "GRANT that owner, as the role that it is, to gameday's role"};
}

Status may_read_all(Postgres& session, bool dumped) {
  const std::string kinds = dumped ? "'r', 'p', 'm', 'S'" : "'r', 'm'";
  TRY_OK(check_lacking(
      session,
      "SELECT CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('we have no USAGE on "
      "the schema %I', n.nspname) WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN format('we "
      "have no SELECT on %I.%I', n.nspname, c.relname) ELSE format('a policy hides rows of %I.%I "
      "from us', n.nspname, c.relname) END FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = "
      "c.relnamespace WHERE c.relkind IN (" +
          kinds + ") AND c.relpersistence <> 't' AND " + own("pg_class", "c.oid") +
          " AND (NOT has_schema_privilege(n.oid, 'USAGE') OR NOT has_table_privilege(c.oid, "
          "'SELECT') OR row_security_active(c.oid)) ORDER BY 1",
      std::string(kReadAll) + "; past policies, it needs BYPASSRLS"));
  return dumped ? may_read_objects(session) : Status();
}

namespace {

// A dump holds what was granted on the server's own functions and views, as any other grant.
Status may_grant_again(Postgres& session) {
  const auto changed = [](const std::string& catalog, const std::string& alias,
                          const std::string& prefix, const std::string& name) {
    return "SELECT " + name + " AS name, " + alias + "." + prefix + "owner AS owner FROM " +
           catalog + " AS " + alias + " LEFT JOIN pg_init_privs AS i ON i.classoid = '" + catalog +
           "'::regclass AND i.objoid = " + alias + ".oid AND i.objsubid = 0 WHERE " + alias + "." +
           prefix + "namespace = 'pg_catalog'::regnamespace AND " + alias + "." + prefix +
           "acl IS DISTINCT FROM i.initprivs";
  };
  return check_lacking(
      session,
      "SELECT 'we may not grant again what was granted on ' || name FROM (" +
          changed("pg_proc", "p", "pro", "p.oid::regprocedure::text") + " UNION ALL " +
          changed("pg_class", "c", "rel", "c.oid::regclass::text") +
          ") AS changed WHERE NOT pg_has_role(owner, 'USAGE') ORDER BY 1",
      "only a superuser may: let gameday's role be one, or take that privilege back");
}

}  // namespace

Status may_own_all(Postgres& session) {
  // From PostgreSQL 16 on a member may give nothing to a role that it may not become.
  const std::string member = session.version() >= 160000
                                 ? "pg_has_role(o, 'USAGE') AND pg_has_role(o, 'SET')"
                                 : "pg_has_role(o, 'USAGE')";
  TRY_OK(check_lacking(
      session,
      "SELECT 'we are no member of ' || pg_get_userbyid(o) || ', who owns something in it' FROM "
      "(SELECT n.nspowner FROM pg_namespace AS n WHERE " +
          own("pg_namespace", "n.oid") +
          " UNION SELECT c.relowner FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = "
          "c.relnamespace WHERE " +
          own("pg_class", "c.oid") +
          " UNION SELECT p.proowner FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = "
          "p.pronamespace WHERE " +
          own("pg_proc", "p.oid") +
          " UNION SELECT m.lomowner FROM pg_largeobject_metadata AS m) AS owners(o) WHERE "
          "pg_get_userbyid(o) <> 'pg_database_owner' AND NOT (" +
          member + ")",
      "GRANT that role to gameday's role"));
  TRY_OK(may_grant_again(session));
  return check_lacking(
      session,
      "SELECT 'we may not set for ' || r.rolname || ' what is set for it in this database' FROM "
      "pg_db_role_setting AS s JOIN pg_roles AS r ON r.oid = s.setrole JOIN pg_database AS d ON "
      "d.oid = s.setdatabase CROSS JOIN pg_roles AS me WHERE d.datname = current_database() AND "
      "me.rolname = current_user AND r.oid <> me.oid AND NOT (me.rolsuper OR (me.rolcreaterole AND "
      "NOT r.rolsuper))",
      "gameday's role needs CREATEROLE; for a superuser only a superuser sets anything");
}

}  // namespace gameday
