#include <utility>

#include "engine/base/assert.h"
#include "engine/sys/sqlite.h"

namespace gameday {

Result<Transaction> Transaction::begin(Database& database) {
  TRY_OK(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_ != nullptr && database_->in_transaction()) {
    static_cast<void>(database_->execute("ROLLBACK"));
  }
}

Status Transaction::commit() {
  GD_ASSERT(database_ != nullptr);
  Database& database = *std::exchange(database_, nullptr);
  auto committed = database.execute("COMMIT");
  if (!committed && database.in_transaction()) static_cast<void>(database.execute("ROLLBACK"));
  return committed;
}

}  // namespace gameday
