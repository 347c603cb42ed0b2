#include "drills/systems/postgres_content.h"

#include "engine/base/digest.h"

namespace gameday {
namespace {

// Values are text only in one way then, and a policy that hides rows is an error.
constexpr std::string_view kOneWay =
    "SELECT set_config(name, value, true) FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO, "
    "MDY'), ('IntervalStyle', 'postgres'), ('bytea_output', 'hex'), ('extra_float_digits', '1'), "
    "('search_path', ''), ('row_security', 'off')) AS ways(name, value)";

// What belongs to somebody's own schemas and to no extension.
std::string own(const std::string& catalog, const std::string& alias, const std::string& space) {
  return " JOIN pg_namespace AS n ON n.oid = " + alias + "." + space +
         " WHERE n.nspname !~ '^(pg_|information_schema$|gameday_)' AND NOT EXISTS (SELECT FROM "
         "pg_depend AS d WHERE d.classid = '" +
         catalog + "'::regclass AND d.objid = " + alias + ".oid AND d.deptype = 'e')";
}

std::string schema_query() {
  const std::string classes = own("pg_class", "c", "relnamespace");
  return "SELECT line FROM (SELECT concat_ws(' ', 'relation', n.nspname, c.relname, c.relkind) AS "
         "line FROM pg_class AS c" +
         classes +
         " AND c.relkind NOT IN ('t', 'i', 'I') UNION ALL SELECT concat_ws(' ', 'column', "
         "n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
         "a.attidentity, a.attgenerated, pg_get_expr(f.adbin, f.adrelid)) FROM pg_attribute AS a "
         "LEFT JOIN pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum JOIN pg_class "
         "AS c ON c.oid = a.attrelid" +
         classes +
         " AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('t', 'i', 'I') UNION ALL "
         "SELECT 'index ' || pg_get_indexdef(c.oid) FROM pg_class AS c" +
         classes +
         " AND c.relkind = 'i' UNION ALL SELECT concat_ws(' ', 'view', n.nspname, c.relname, "
         "pg_get_viewdef(c.oid)) FROM pg_class AS c" +
         classes +
         " AND c.relkind IN ('v', 'm') UNION ALL SELECT concat_ws(' ', 'constraint', "
         "k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint AS k" +
         own("pg_constraint", "k", "connamespace") +
         " UNION ALL SELECT concat_ws(' ', 'function', p.oid::regprocedure, md5(p.prosrc)) FROM "
         "pg_proc AS p" +
         own("pg_proc", "p", "pronamespace") +
         " UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger AS t JOIN "
         "pg_class AS c ON c.oid = t.tgrelid" +
         classes + " AND NOT t.tgisinternal) AS lines ORDER BY line COLLATE \"C\"";
}

// The sum of the rows' hashes does not depend on their order; of two, in which rows would have to
// cancel each other out at once.
std::string rows_query(const std::string& table) {
  return "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0), "
         "coalesce(sum(hashtextextended(t::text, 1)), 0) FROM ONLY " +
         table + " AS t";
}

}  // namespace

Json to_json(const PostgresContent& content) {
  return Json::object({{"digest", content.digest},
                       {"schema", content.schema},
                       {"tables", content.tables},
                       {"rows", content.rows}});
}

Result<PostgresContent> read_content(Postgres& session) {
  TRY(set, session.ask(std::string(kOneWay)));
  TRY(lines, session.ask(schema_query()));
  PostgresContent content;
  Sha256 digest;
  digest.add("gameday postgres content 1\n");
  for (std::size_t row = 0; row < lines.rows.size(); ++row) digest.add(lines.text(row, 0) + "\n");
  content.schema = digest.digest();
  TRY(tables, session.ask("SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c" +
                          own("pg_class", "c", "relnamespace") +
                          " AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't' ORDER BY 1"));
  for (std::size_t row = 0; row < tables.rows.size(); ++row) {
    const std::string name = tables.text(row, 0);
    TRY(sums, session.ask(rows_query(name)));
    ++content.tables;
    content.rows += sums.integer(0, 0);
    digest.add(name + " " + sums.text(0, 0) + " " + sums.text(0, 1) + " " + sums.text(0, 2) + "\n");
  }
  content.digest = digest.digest();
  return content;
}

}  // namespace gameday
