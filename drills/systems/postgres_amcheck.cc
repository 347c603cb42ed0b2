#include "drills/systems/postgres_amcheck.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

// Of damage amcheck and the server under it speak in these, and in no others.
constexpr std::string_view kDamage[] = {
    "XX001",  // a page, or a file that is too short
    "XX002",  // an index
    "58P01",  // a file that is not there
};

// Who checks nothing else meanwhile may hold others off: then parents are held against children,
// too, and each row is looked for in the index.
constexpr std::string_view kCheckIndex = ".bt_index_parent_check($1::oid::regclass, true)";
constexpr std::string_view kCheckTable = ".verify_heapam($1::oid::regclass, on_error_stop => true)";

constexpr std::string_view kRelations =
    "SELECT c.oid, format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS "
    "n ON n.oid = c.relnamespace JOIN pg_am AS m ON m.oid = c.relam LEFT JOIN pg_index AS i ON "
    "i.indexrelid = c.oid WHERE c.relpersistence <> 't' AND c.relkind = ANY ($1::\"char\"[]) AND "
    "m.amname = $2 AND (i.indexrelid IS NULL OR (i.indisready AND i.indisvalid)) ORDER BY c.oid";
constexpr std::string_view kOtherIndexes =
    "SELECT count(*) FROM pg_class AS c JOIN pg_am AS m ON m.oid = c.relam WHERE c.relkind = 'i' "
    "AND m.amname <> 'btree'";

class DatabaseCheck {
 public:
  DatabaseCheck(std::string name, Postgres& session, RelationsChecked& checked)
      : name_(std::move(name)), session_(session), checked_(checked) {}

  // What is done here is rolled back with the session.
  Status run() {
    TRY_OK(session_.begin(PostgresAccess::read_write));
    TRY(ready, provided());
    if (!ready) return {};
    TRY_OK(check_indexes());
    return check_tables();
  }

 private:
  void not_checked(std::string_view what, const std::string& why) {
    checked_.unchecked.push_back(std::string(what) + " of " + name_ + " were not checked: " + why);
  }

  Result<bool> provided() {
    TRY(found, session_.ask("SELECT (SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN "
                            "pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = "
                            "'amcheck'), EXISTS (SELECT FROM pg_available_extensions WHERE name = "
                            "'amcheck')"));
    schema_ = found.text(0, 0);
    if (!found.boolean(0, 1)) {
      not_checked("indexes and tables",
                  "the server's programs here lack the extension amcheck (postgresql-contrib)");
      return false;
    }
    const auto made = schema_.empty() ? install() : update();
    if (made) return true;
    if (session_.sqlstate().empty() || amcheck_truth(session_.sqlstate()) == Truth::fail) {
      return std::unexpected(made.error().in("amcheck in " + name_));
    }
    not_checked("indexes and tables", made.error().text);
    return false;
  }
  Status install() {
    schema_ = "gameday_amcheck";
    TRY(space, session_.change("CREATE SCHEMA gameday_amcheck"));
    TRY(made, session_.change("CREATE EXTENSION amcheck SCHEMA gameday_amcheck"));
    return {};
  }
  // It may be of a server before this one, which knew less.
  Status update() {
    TRY(done, session_.change("ALTER EXTENSION amcheck UPDATE"));
    return {};
  }

  Result<bool> knows(const std::string& function) {
    TRY(known, session_.ask("SELECT to_regproc($1) IS NOT NULL", {schema_ + "." + function}));
    return known.boolean(0, 0);
  }

  Status check_indexes() {
    TRY(indexes, session_.ask(std::string(kRelations), {"{i}", "btree"}));
    for (std::size_t row = 0; row < indexes.rows.size(); ++row) {
      const auto looked =
          session_.ask("SELECT " + schema_ + std::string(kCheckIndex), {indexes.text(row, 0)});
      if (!looked) {
        return std::unexpected(told("the index " + indexes.text(row, 1), looked.error()));
      }
      ++checked_.indexes;
    }
    TRY(others, session_.ask(std::string(kOtherIndexes)));
    if (others.integer(0, 0) == 0) return {};
    not_checked(others.text(0, 0) + " of the indexes", "they are no B-trees");
    return {};
  }

  Status check_tables() {
    TRY(known, knows("verify_heapam"));
    if (!known) {
      not_checked("tables", "amcheck knows indexes alone before PostgreSQL 14");
      return {};
    }
    TRY(tables, session_.ask(std::string(kRelations), {"{r,m,t}", "heap"}));
    for (std::size_t row = 0; row < tables.rows.size(); ++row) {
      const std::string called = "the table " + tables.text(row, 1);
      const auto found = session_.ask(
          "SELECT blkno, offnum, msg FROM " + schema_ + std::string(kCheckTable) + " LIMIT 1",
          {tables.text(row, 0)});
      if (!found) return std::unexpected(told(called, found.error()));
      if (!found->rows.empty()) {
        return fail(ErrorCode::corrupt, called + " of " + name_ + " is damaged: page " +
                                            found->text(0, 0) + ", row " + found->text(0, 1) +
                                            ": " + found->text(0, 2));
      }
      ++checked_.tables;
    }
    return {};
  }

  [[nodiscard]] Error told(const std::string& called, Error error) const {
    const bool damaged = amcheck_truth(session_.sqlstate()) == Truth::fail;
    if (damaged) error.code = ErrorCode::corrupt;
    // An internal error of the server's is none of the relation's, nor of the backup's.
    const bool tells = error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found;
    if (!damaged && tells) error.code = ErrorCode::failed;
    return error.in(called + " of " + name_ + (damaged ? " is damaged" : " cannot be checked"));
  }

  std::string name_, schema_;
  Postgres& session_;
  RelationsChecked& checked_;
};

}  // namespace

Json to_json(const RelationsChecked& checked) {
  Json unchecked = Json::array();
  for (const auto& one : checked.unchecked) unchecked.push(one);
  return Json::object({{"indexes", checked.indexes},
                       {"tables", checked.tables},
                       {"unchecked", std::move(unchecked)}});
}

std::string shown(const RelationsChecked& checked) { return join(checked.unchecked, "; "); }

Truth amcheck_truth(std::string_view sqlstate) {
  return std::ranges::find(kDamage, sqlstate) != std::end(kDamage) ? Truth::fail : Truth::unknown;
}

Result<RelationsChecked> check_relations(const PostgresSettings& settings,
                                         const DeedContext& context) {
  TRY(first, open_postgres(settings, context));
  TRY(databases, first.ask("SELECT datname, datallowconn FROM pg_database WHERE datname <> "
                           "'template0' ORDER BY datname"));
  RelationsChecked checked;
  for (std::size_t row = 0; row < databases.rows.size(); ++row) {
    const std::string name = databases.text(row, 0);
    if (!databases.boolean(row, 1)) {
      checked.unchecked.push_back("indexes and tables of " + name +
                                  " were not checked: it takes no connections");
      continue;
    }
    PostgresSettings there = settings;
    set_setting(there, "dbname", name);
    TRY(session, open_postgres(there, context));
    TRY_OK(DatabaseCheck(name, session, checked).run());
  }
  return checked;
}

}  // namespace gameday
