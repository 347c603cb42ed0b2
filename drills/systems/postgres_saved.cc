#include "drills/systems/postgres_saved.h"

#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr std::string_view kComment = "kept by gameday, deed ";

std::string comment_of(const SavedTable& saved) { return std::string(kComment) + saved.mark; }

std::string kept_name(const SavedTable& saved) {
  return postgres_name(saved_schema(saved)) + "." + postgres_name(saved.table);
}

// What a deletion of rows would set going or could not put back.
Status refuse_side_effects(const SavedTable& saved, Postgres& session) {
  TRY(found, session.ask("SELECT (SELECT string_agg(tgname, ', ') FROM pg_trigger WHERE tgrelid = "
                         "$1::oid AND NOT tgisinternal AND tgenabled <> 'D'), (SELECT "
                         "string_agg(conrelid::regclass::text, ', ') FROM pg_constraint WHERE "
                         "confrelid = $1::oid AND contype = 'f' AND confdeltype NOT IN ('a', 'r'))",
                         {saved.oid}));
  const std::string triggers = found.text(0, 0), cascades = found.text(0, 1);
  if (!triggers.empty()) {
    return fail(ErrorCode::refused, full_name(saved) +
                                        " has triggers, which would see its rows go "
                                        "and come: " +
                                        triggers);
  }
  if (cascades.empty()) return {};
  return fail(ErrorCode::refused,
              "rows of other tables would go with those of " + full_name(saved) + ": " + cascades);
}

// The columns that are written; what is generated comes back by itself.
Result<std::string> written_columns(const SavedTable& saved, Postgres& session) {
  TRY(found, session.ask("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM "
                         "pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT "
                         "attisdropped AND attgenerated = ''",
                         {saved.oid}));
  return found.text(0, 0);
}

Status do_all(std::initializer_list<std::string> statements, Postgres& session) {
  for (const auto& statement : statements) TRY_OK(session.change(statement));
  return {};
}

}  // namespace

Json to_json(const SavedTable& saved) {
  return Json::object({{"schema", saved.schema},
                       {"table", saved.table},
                       {"oid", saved.oid},
                       {"mark", saved.mark},
                       {"whole", saved.whole},
                       {"where", saved.where}});
}

Result<SavedTable> saved_table_from(const Json& value) {
  SavedTable saved{value.text("schema"), value.text("table"),          value.text("oid"),
                   value.text("mark"),   value.boolean("whole", true), value.text("where")};
  if (saved.table.empty() || saved.oid.empty() || saved.mark.empty()) {
    return fail(ErrorCode::corrupt, "the undo of a table lacks its name, its oid or its mark");
  }
  return saved;
}

std::string saved_schema(const SavedTable& saved) {
  constexpr std::size_t kDigits = 16;
  const std::string digest = sha256(saved.mark);
  return "gameday_" + digest.substr(digest.find(':') + 1, kDigits);
}

std::string full_name(const SavedTable& saved) {
  return postgres_name(saved.schema) + "." + postgres_name(saved.table);
}

Result<SavedTable> find_table(const std::string& name, Postgres& session) {
  TRY(found, session.ask("SELECT n.nspname, c.relname, c.oid::text, c.relkind = 'r' AND NOT "
                         "c.relispartition AND c.relpersistence = 'p', EXISTS (SELECT FROM "
                         "pg_inherits WHERE inhparent = c.oid OR inhrelid = c.oid) FROM pg_class "
                         "AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = "
                         "to_regclass($1)",
                         {name}));
  if (found.rows.empty()) {
    return fail(ErrorCode::not_found, session.shown() + " has no table " + name);
  }
  SavedTable table{found.text(0, 0), found.text(0, 1), found.text(0, 2), "", true, ""};
  if (!found.boolean(0, 3) || found.boolean(0, 4)) {
    return fail(
        ErrorCode::refused,
        name + " is no table of its own: a view, a partition, a temporary table or the like");
  }
  return table;
}

Result<SavedLooks> look_at_saved(const SavedTable& saved, Postgres& session) {
  TRY(found, session.ask("SELECT coalesce(obj_description(to_regnamespace($1), 'pg_namespace'), "
                         "'') = $2, to_regclass($3)::oid::text, to_regclass($4)::oid::text",
                         {postgres_name(saved_schema(saved)), comment_of(saved), full_name(saved),
                          kept_name(saved)}));
  SavedLooks looks;
  looks.kept = found.boolean(0, 0);
  looks.there = found.text(0, 1);
  if (!looks.kept || found.text(0, 2).empty()) return looks;
  if (saved.whole && !looks.there.empty()) looks.somebody = "another table of that name";
  if (!saved.whole && looks.there != saved.oid) looks.somebody = "no longer the same table";
  TRY(rows, session.ask("SELECT count(*) FROM " + kept_name(saved)));
  looks.rows = rows.integer(0, 0);
  if (saved.whole || looks.there.empty()) return looks;
  TRY(back,
      session.ask("SELECT count(*) FROM " + kept_name(saved) +
                  " AS k WHERE k::text IN (SELECT t::text FROM " + full_name(saved) + " AS t)"));
  looks.back = back.integer(0, 0);
  return looks;
}

Status take_out(const SavedTable& saved, Postgres& session) {
  const std::string schema = postgres_name(saved_schema(saved));
  if (!saved.whole) TRY_OK(refuse_side_effects(saved, session));
  TRY_OK(do_all({"CREATE SCHEMA " + schema,
                 "COMMENT ON SCHEMA " + schema + " IS " + postgres_literal(comment_of(saved))},
                session));
  if (saved.whole) {
    return do_all({"ALTER TABLE " + full_name(saved) + " SET SCHEMA " + schema}, session);
  }
  return do_all({"CREATE TABLE " + kept_name(saved) + " (LIKE " + full_name(saved) + ")",
                 "WITH gone AS (DELETE FROM " + full_name(saved) + " WHERE " + saved.where +
                     " RETURNING *) INSERT INTO " + kept_name(saved) + " SELECT * FROM gone"},
                session);
}

Status put_back(const SavedTable& saved, Postgres& session) {
  if (saved.whole) {
    TRY_OK(
        do_all({"ALTER TABLE " + kept_name(saved) + " SET SCHEMA " + postgres_name(saved.schema)},
               session));
  } else {
    TRY(columns, written_columns(saved, session));
    TRY_OK(do_all({"INSERT INTO " + full_name(saved) + " (" + columns +
                       ") OVERRIDING SYSTEM VALUE SELECT " + columns + " FROM " + kept_name(saved),
                   "DROP TABLE " + kept_name(saved)},
                  session));
  }
  return do_all({"DROP SCHEMA " + postgres_name(saved_schema(saved))}, session);
}

Status forget(const SavedTable& saved, Postgres& session) {
  // Without CASCADE: what others have made depend on it is not ours to drop.
  return do_all({"DROP TABLE IF EXISTS " + kept_name(saved),
                 "DROP SCHEMA IF EXISTS " + postgres_name(saved_schema(saved))},
                session);
}

}  // namespace gameday
