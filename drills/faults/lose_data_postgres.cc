// Loses a table of a PostgreSQL database, or rows of one, as a bad deployment or a wrong statement
// would. What is lost is kept beside it, in the transaction that takes it away.
#include "drills/systems/postgres_rights.h"
#include "drills/systems/postgres_saved.h"

namespace gameday {
namespace {

constexpr std::string_view kLosses[] = {"table", "rows"};
constexpr std::string_view kEveryRow = "true";

constexpr Field kFields[] = {
    {.name = "table",
     .type = FieldType::text,
     .help = "Which table: `sales.orders`, or a name that the role's search path finds.",
     .required = true},
    {.name = "lose",
     .type = FieldType::choice,
     .help = "The table as a whole, as DROP TABLE takes it away, though views of it go on; or its "
             "rows, as DELETE does.",
     .otherwise = "table",
     .choices = kLosses},
    {.name = "where",
     .type = FieldType::text,
     .help = "With `lose: rows`: which of them, as a condition of SQL; else all.",
     .otherwise = kEveryRow},
};

Status fits(const Step& step) {
  const Json& arguments = step.arguments;
  if (arguments.text("lose") == "rows" || arguments.text("where") == kEveryRow) return {};
  return fail(ErrorCode::invalid, "`where` says which rows, and needs `lose: rows`");
}

Result<SavedTable> saved_in(const Undo& undo) {
  return saved_table_from(undo.arguments.get("saved"));
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY_OK(opened.session.begin(PostgresAccess::read_only));
  TRY(table, find_table(deed.arguments.text("table"), opened.session));
  table.mark = context.mark;
  table.whole = deed.arguments.text("lose") != "rows";
  table.where = deed.arguments.text("where");
  TRY(rows, opened.session.ask("SELECT count(*) FROM " + full_name(table) + " WHERE " +
                               (table.whole ? std::string(kEveryRow) : table.where)));
  if (rows.integer(0, 0) == 0) {
    return fail(ErrorCode::refused,
                full_name(table) + " has no such rows, so there is nothing to lose");
  }
  return Undo{"lose-data-postgres",
              Json::object({{"connection", opened.connection}, {"saved", to_json(table)}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(saved, saved_in(undo));
  TRY(session, open_for(undo, context));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY_OK(take_out(saved, session));
  return session.commit();
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(saved, saved_in(undo));
  TRY(session, open_for(undo, context));
  TRY(looks, look_at_saved(saved, session));
  Proof proof{looks.kept && looks.rows > 0 && looks.back == 0, "",
              Json::object({{"rows", looks.rows}, {"back", looks.back}})};
  if (saved.whole) proof.held = proof.held && looks.there.empty();
  const std::string rows = std::to_string(looks.rows) + " rows";
  proof.text = !looks.kept ? full_name(saved) + " was not touched"
               : saved.whole
                   ? session.shown() + (looks.there.empty() ? " has no table " : " has a table ") +
                         full_name(saved) + ", which had " + rows
                   : rows + " of " + full_name(saved) + " are gone, " + std::to_string(looks.back) +
                         " of them are there all the same";
  return proof;
}

// What somebody has put in its place is not ours to remove: then both stay.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(saved, saved_in(undo));
  TRY(session, open_for(undo, context));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY(looks, look_at_saved(saved, session));
  if (!looks.kept) return {};
  const std::string kept = "what was lost is kept in the schema " + saved_schema(saved);
  if (!looks.somebody.empty()) {
    return fail(ErrorCode::conflict,
                "in the place of " + full_name(saved) + " stands " + looks.somebody + "; " + kept,
                "compare the two and put together what is needed; then drop that schema");
  }
  auto done = put_back(saved, session);
  if (done) done = session.commit();
  return done ? Status() : std::unexpected(done.error().in(kept));
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(saved, saved_in(undo));
  TRY(session, open_for(undo, context));
  TRY(looks, look_at_saved(saved, session));
  if (looks.kept) {
    return Proof{false, "what was lost of " + full_name(saved) +
                            " is not put back: it is in the "
                            "schema " +
                            saved_schema(saved)};
  }
  const bool there = !looks.there.empty();
  const bool same = looks.there == saved.oid;
  return Proof{there, full_name(saved) + (same    ? " is there as it was"
                                          : there ? " is there, made anew by somebody else"
                                                  : " is not there")};
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  if (keep) return {};
  TRY(saved, saved_in(undo));
  TRY(session, open_for(undo, context));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY(looks, look_at_saved(saved, session));
  if (!looks.kept) return {};
  TRY_OK(forget(saved, session));
  return session.commit();
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(table, find_table(deed.arguments.text("table"), opened.session));
  const std::string name = full_name(table);
  std::vector<PostgresRight> rights = {
      {"SELECT has_database_privilege(current_database(), 'CREATE')",
       {},
       "we may not make a schema to keep " + name + " in",
       "GRANT CREATE ON DATABASE to gameday's role"}};
  if (deed.arguments.text("lose") == "rows") {
    for (const char* privilege : {"SELECT", "INSERT", "DELETE"}) {
      rights.push_back(right_on_table(privilege, name));
    }
    return check_rights(opened.session, rights);
  }
  rights.push_back(
      right_of_owner("SELECT relowner FROM pg_class WHERE oid = $1::oid", {table.oid}, name));
  rights.push_back({"SELECT has_schema_privilege($1, 'CREATE')",
                    {table.schema},
                    "we may not put " + name + " back into its schema",
                    "GRANT CREATE ON SCHEMA to gameday's role"});
  return check_rights(opened.session, rights);
}

}  // namespace

extern const FaultRow lose_data_postgres_fault;
const FaultRow lose_data_postgres_fault{
    .name = "lose-data-postgres",
    .summary = "Loses a table of a PostgreSQL database, or rows of one; they are kept beside it.",
    .fields = kFields,
    .facet = "postgres",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights =
        "CONNECT and CREATE on the database; USAGE on the table's schema; for the table as a whole "
        "to be a member of its owner, and CREATE on its schema; for rows SELECT, INSERT and DELETE "
        "on it",
    .example = "- { fault: lose-data-postgres, target: database, table: sales.orders, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .fits = fits,
    .as = "lose-data",
    .may = may,
    .comes_back = true,
};

}  // namespace gameday
