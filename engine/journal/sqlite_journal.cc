#include "engine/journal/sqlite_journal.h"

#include <utility>

#include "engine/sys/clock.h"

namespace gameday {
namespace {

class SqliteKeeper : public LineKeeper {
 public:
  SqliteKeeper(Database database, std::string drill, std::int64_t epoch, Reserve reserve,
               WriteObserver observer)
      : database_(std::move(database)),
        drill_(std::move(drill)),
        epoch_(epoch),
        reserve_(std::move(reserve)),
        observer_(std::move(observer)) {}

  Status keep(std::uint64_t first, const std::vector<std::string>& lines,
              Durability durability) override {
    const bool told = durability == Durability::durable && observer_;
    if (told) observer_("journal", Side::before);
    TRY_OK(write(first, lines));
    if (told) observer_("journal", Side::after);
    return {};
  }

  void free_reserve() override {
    if (!reserve_.free()) return;
    // With what is now free, the log is carried into the database, and is written over from now on
    // instead of growing.
    static_cast<void>(
        database_.execute("PRAGMA wal_autocheckpoint = 16; PRAGMA wal_checkpoint(RESTART)"));
  }

 private:
  Status write(std::uint64_t first, const std::vector<std::string>& lines) {
    TRY(transaction, Transaction::begin(database_));
    TRY_OK(check_epoch());
    TRY(insert, database_.prepare("INSERT INTO events(drill, number, line) VALUES (?, ?, ?)"));
    insert.bind_text(1, drill_);
    for (const auto& line : lines) {
      insert.bind(2, static_cast<std::int64_t>(first++)).bind_text(3, line);
      TRY_OK(insert.run());
    }
    return transaction.commit();
  }

  Status check_epoch() {
    TRY(asked, database_.prepare("SELECT epoch FROM drills WHERE id = ?"));
    asked.bind_text(1, drill_);
    TRY(row, asked.step());
    if (row && asked.integer(0) == epoch_) return {};
    return fail(ErrorCode::fenced, "another replayer has taken the drill over");
  }

  Database database_;
  std::string drill_;
  std::int64_t epoch_;
  Reserve reserve_;
  WriteObserver observer_;
};

}  // namespace

Result<std::unique_ptr<Event>> last_event(Database& database, const std::string& drill) {
  TRY(asked,
      database.prepare("SELECT line FROM events WHERE drill = ? ORDER BY number DESC LIMIT 1"));
  asked.bind_text(1, drill);
  TRY(row, asked.step());
  if (!row) return nullptr;
  auto event = parse_event(asked.text(0));
  if (!event) return std::unexpected(event.error().in("drill " + drill));
  return std::make_unique<Event>(std::move(*event));
}

Result<std::unique_ptr<Journal>> make_sqlite_journal(Database database,
                                                     const SqliteJournalTerms& terms,
                                                     Reserve reserve, WriteObserver observer) {
  TRY(last, last_event(database, terms.drill));
  Chain chain(terms.drill, boot_id(), last ? last->hash : terms.previous_head,
              last ? last->number : 0);
  const bool closed = last && last->type == kClosing;
  return std::make_unique<ChainedJournal>(
      std::move(chain), closed ? ChainedJournal::Phase::closed : ChainedJournal::Phase::open,
      std::make_unique<SqliteKeeper>(std::move(database), terms.drill, terms.epoch,
                                     std::move(reserve), std::move(observer)));
}

}  // namespace gameday
