#include "drills/systems/sqlite_exchange.h"

#include <cstdlib>

#include "engine/base/digest.h"

namespace gameday {
namespace {

// What is known about the kept copy, on disk before the copy is in place.
struct KeptRecord {
  std::string digest;               // of the copy's content
  std::string left;                 // the digest of what the exchange leaves in the database
  std::int64_t schema_version = 0;  // of the database before the exchange
};

enum class Standing {
  untouched,  // the exchange never took place
  exchanged,  // it did, and what it left is still there
  put_back,   // what was kept is there again, and may have been written to since
  foreign     // something else is there
};

std::string record_path(const Exchange& exchange) { return exchange.kept + ".json"; }

Result<KeptRecord> read_record(const Exchange& exchange, const DeedContext& context) {
  TRY(bytes, context.doors.files.read(record_path(exchange)));
  TRY(value, Json::parse(bytes));
  return KeptRecord{value.text("digest"), value.text("left"), value.integer("schema_version", 0)};
}

Status write_record(const Exchange& exchange, const KeptRecord& record,
                    const DeedContext& context) {
  const Json value = Json::object({{"digest", record.digest},
                                   {"left", record.left},
                                   {"schema_version", record.schema_version}});
  return context.doors.files.write(record_path(exchange), value.dump() + "\n", 0600);
}

Standing standing_of(const Exchange& exchange, const KeptRecord& record,
                     const SqliteState& present) {
  if (present.schema_version == schema_mark(exchange, "undone")) return Standing::put_back;
  if (present.schema_version == record.schema_version) return Standing::untouched;
  if (present.content.digest == record.left) return Standing::exchanged;
  if (present.content.digest == record.digest) return Standing::put_back;
  return Standing::foreign;
}

// What a rewriting transaction needs off, because the rows that it writes have been accepted
// before: foreign keys would also delete what refers to a dropped table.
Status make_ready_to_rewrite(Database& database) {
  TRY_OK(database.execute("PRAGMA foreign_keys = OFF"));
  TRY_OK(database.execute("PRAGMA ignore_check_constraints = ON"));
  TRY_OK(database.execute("PRAGMA recursive_triggers = OFF"));
  return database.execute("PRAGMA synchronous = FULL");
}

// Attaching is not possible inside a transaction.
Status attach(Database& database, const std::string& file) {
  TRY(statement, database.prepare("ATTACH ? AS gameday_copy"));
  return statement.bind_text(1, file).run();
}

Result<SqliteState> state_inside(Database& database) {
  TRY(content, read_content(database));
  TRY(version, database.integer("PRAGMA main.schema_version"));
  return SqliteState{content, version};
}

Result<SqliteContent> rewrite(Database& database, bool filled, const std::string& digest,
                              std::int64_t number) {
  TRY_OK(drop_content(database));
  if (filled) TRY_OK(fill_content(database, "gameday_copy"));
  TRY(after, read_content(database));
  if (after.digest != digest) {
    return fail(ErrorCode::corrupt, database.path() +
                                        ": what was written does not have the digest " + digest +
                                        "; nothing was changed");
  }
  TRY_OK(check_integrity(database));
  TRY_OK(database.execute("PRAGMA main.schema_version = " + std::to_string(number)));
  return after;
}

// The copy is made by a connection of its own, because SQLite copies from none that is inside a
// write transaction; since ours holds the write lock, both see the same content.
Status keep_present(const Exchange& exchange, const SqliteState& present, const std::string& left,
                    const DeedContext& context) {
  const KeptRecord record{present.content.digest, left, present.schema_version};
  TRY_OK(write_record(exchange, record, context));
  TRY(kept, copy_sqlite(exchange.database, exchange.kept, context));
  if (kept.digest == present.content.digest) return {};
  TRY_OK(erase_kept(exchange, context));
  return fail(ErrorCode::corrupt,
              "the copy " + exchange.kept + " differs from " + exchange.database);
}

Status check_kept(const Exchange& exchange, const KeptRecord& record, const DeedContext& context) {
  TRY(kept, read_state(exchange.kept, context));
  if (kept.content.digest == record.digest) return {};
  return fail(ErrorCode::corrupt, "the kept copy " + exchange.kept + " has been changed");
}

Error not_ours(const Exchange& exchange) {
  return {ErrorCode::conflict,
          exchange.database + " has been written to since; what was there before is in " +
              exchange.kept,
          "compare the two and put together what is needed; gameday leaves both as they are"};
}

// Looks again inside the transaction: between the first look and the lock somebody may have
// written.
Status put_back(const Exchange& exchange, const KeptRecord& record, const DeedContext& context) {
  TRY_OK(check_kept(exchange, record, context));
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY_OK(make_ready_to_rewrite(database));
  TRY_OK(attach(database, exchange.kept));
  TRY(transaction, Transaction::begin(database));
  TRY(present, state_inside(database));
  const Standing standing = standing_of(exchange, record, present);
  if (standing == Standing::foreign) return std::unexpected(not_ours(exchange));
  if (standing != Standing::exchanged) return {};
  TRY(after, rewrite(database, true, record.digest, schema_mark(exchange, "undone")));
  return transaction.commit();
}

}  // namespace

std::int64_t schema_mark(const Exchange& exchange, const char* event) {
  const std::string digest = sha256(exchange.mark + " " + event);
  const std::string digits = digest.substr(digest.find(':') + 1, 8);
  return (std::strtoll(digits.c_str(), nullptr, 16) & 0x3fffffff) + 0x10000000;
}

Json to_json(const Exchange& exchange) {
  return Json::object(
      {{"database", exchange.database}, {"kept", exchange.kept}, {"mark", exchange.mark}});
}

Result<Exchange> exchange_from(const Json& value) {
  Exchange exchange{value.text("database"), value.text("kept"), value.text("mark")};
  if (exchange.database.empty() || exchange.kept.empty() || exchange.mark.empty()) {
    return fail(ErrorCode::invalid, "the undo of a database lacks database, kept or mark");
  }
  return exchange;
}

Result<SqliteState> prepare_exchange(const Exchange& exchange, const DeedContext& context) {
  TRY(state, read_state(exchange.database, context));
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY_OK(check_rewritable(database));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  TRY_OK(check_space(exchange.database, context.private_folder));
  // A database that only others may write to would be found out too late.
  TRY(transaction, Transaction::begin(database));
  return state;
}

Result<Exchanged> exchange_content(const Exchange& exchange, const std::string& filling,
                                   const std::string& digest, const DeedContext& context) {
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY_OK(make_ready_to_rewrite(database));
  if (!filling.empty()) TRY_OK(attach(database, filling));
  TRY(transaction, Transaction::begin(database));
  TRY(present, state_inside(database));
  TRY_OK(keep_present(exchange, present, digest, context));
  TRY(after, rewrite(database, !filling.empty(), digest, schema_mark(exchange, "done")));
  TRY_OK(transaction.commit());
  return Exchanged{present.content, after};
}

Status undo_exchange(const Exchange& exchange, const DeedContext& context) {
  TRY(present, read_state(exchange.database, context));
  if (!context.doors.files.exists(exchange.kept)) {
    if (present.schema_version != schema_mark(exchange, "done"))
      return erase_kept(exchange, context);
    return fail(ErrorCode::not_found,
                "the kept copy " + exchange.kept + " of " + exchange.database + " is missing");
  }
  TRY(record, read_record(exchange, context));
  switch (standing_of(exchange, record, present)) {
    case Standing::untouched:
    case Standing::put_back: return {};
    case Standing::exchanged: return put_back(exchange, record, context);
    case Standing::foreign: break;
  }
  return std::unexpected(not_ours(exchange));
}

Result<Proof> exchange_gone(const Exchange& exchange, const DeedContext& context) {
  TRY(present, read_state(exchange.database, context));
  Proof proof{.held = false, .text = "", .facts = to_json(present.content)};
  if (!context.doors.files.exists(exchange.kept)) {
    proof.held = present.schema_version != schema_mark(exchange, "done");
    proof.text =
        exchange.database + (proof.held ? " was never changed" : " has lost its kept copy");
    return proof;
  }
  TRY(record, read_record(exchange, context));
  const Standing standing = standing_of(exchange, record, present);
  proof.held = standing == Standing::untouched || standing == Standing::put_back;
  proof.text =
      exchange.database + (standing == Standing::untouched   ? " was never changed"
                           : standing == Standing::put_back  ? " has its content back"
                           : standing == Standing::exchanged ? " still has what the deed left there"
                                                             : " has been written to since");
  return proof;
}

Status erase_kept(const Exchange& exchange, const DeedContext& context) {
  TRY_OK(erase_copy(exchange.kept, context));
  return context.doors.files.remove(record_path(exchange));
}

}  // namespace gameday
