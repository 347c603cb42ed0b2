#include "engine/journal/store.h"

#include <filesystem>

#include "engine/base/text.h"
#include "engine/journal/reserve.h"
#include "engine/journal/sqlite_journal.h"
#include "engine/journal/store_file.h"
#include "engine/journal/store_to_read.h"
#include "engine/sys/filesystem.h"
#include "engine/sys/sqlite.h"

namespace gameday {
namespace {

// With its last event, if it has one.
constexpr std::string_view kDrillColumns =
    "SELECT id, name, playbook, boot, pid, start, epoch, verdict, created, number, line "
    "FROM drills LEFT JOIN events ON drill = id "
    "AND number = (SELECT max(number) FROM events WHERE drill = id) ";

// Asked of every drill of a register, so the line is not parsed: a journal writes the type behind
// members in which no other one can stand.
bool closes(std::string_view line) {
  constexpr std::string_view kType = "\"type\":\"";
  const auto at = line.find(kType);
  return at != std::string_view::npos &&
         line.substr(at + kType.size()).starts_with(std::string(kClosing) + "\"");
}

class SqliteStore : public Store {
 public:
  SqliteStore(Database database, const Clock& clock, Reserve reserve, WriteObserver observer)
      : database_(std::move(database)),
        clock_(clock),
        reserve_(std::move(reserve)),
        observer_(std::move(observer)) {}

  Status add(const DrillRecord& drill) override {
    TRY(transaction, Transaction::begin(database_));
    TRY(known, counted("SELECT count(*) FROM drills WHERE id = ?", drill.id));
    if (known > 0) return fail(ErrorCode::conflict, "drill " + drill.id + " is in the store");
    TRY(previous, newest_head());
    TRY_OK(insert(drill, previous));
    return committed(transaction);
  }

  Result<std::vector<DrillRecord>> drills() override {
    TRY(asked, database_.prepare(std::string(kDrillColumns) + "ORDER BY entered"));
    return records(asked);
  }

  Result<DrillRecord> drill(const std::string& id) override {
    if (id.empty()) return fail(ErrorCode::invalid, "a drill's id is empty");
    if (id == "latest") return latest();
    TRY(asked, database_.prepare(std::string(kDrillColumns) +
                                 "WHERE substr(id, 1, length(?1)) = ?1 COLLATE NOCASE "
                                 "ORDER BY entered"));
    asked.bind_text(1, id);
    TRY(found, records(asked));
    for (auto& record : found) {
      if (record.id == id) return std::move(record);
    }
    if (found.size() == 1) return std::move(found.front());
    if (found.empty()) {
      return fail(ErrorCode::not_found, "there is no drill " + id + " in the store",
                  "gameday list shows them");
    }
    std::vector<std::string> ids;
    for (const auto& record : found) ids.push_back(record.id);
    return fail(ErrorCode::invalid,
                std::to_string(ids.size()) + " drills begin with " + id + ": " + join(ids, ", "));
  }

  Result<std::vector<std::string>> lines(const std::string& drill) override {
    std::vector<std::string> found;
    TRY_OK(each_line(drill, [&](std::string_view line) {
      found.emplace_back(line);
      return true;
    }));
    return found;
  }

  Status each_line(const std::string& drill, const LineVisitor& each) override {
    TRY(record, this->drill(drill));
    TRY(asked, database_.prepare("SELECT line FROM events WHERE drill = ? ORDER BY number"));
    asked.bind_text(1, record.id);
    while (true) {
      TRY(row, asked.step());
      if (!row || !each(asked.text(0))) return {};
    }
  }

  Result<std::unique_ptr<Journal>> journal(const std::string& drill) override {
    TRY(terms, terms_of(drill, "AND epoch = added_epoch"));
    return journal_under(terms);
  }

  Result<std::unique_ptr<Journal>> take_over(const std::string& drill) override {
    auto terms = raised(drill);
    if (lacks_space(terms) && reserve_.free()) terms = raised(drill);
    if (!terms) return std::unexpected(std::move(terms).error());
    return journal_under(*terms);
  }

  Status set_verdict(const std::string& drill, const std::string& verdict) override {
    auto set = judged(drill, verdict);
    if (lacks_space(set) && reserve_.free()) set = judged(drill, verdict);
    return set;
  }

 private:
  template <class T>
  static bool lacks_space(const Result<T>& result) {
    return !result && result.error().code == ErrorCode::no_space;
  }

  Result<DrillRecord> latest() {
    TRY(asked,
        database_.prepare(std::string(kDrillColumns) + "ORDER BY entered DESC, id DESC LIMIT 1"));
    TRY(found, records(asked));
    if (!found.empty()) return std::move(found.front());
    return fail(ErrorCode::not_found, "there is no drill in the store", "gameday run makes one");
  }

  Result<SqliteJournalTerms> raised(const std::string& drill) {
    TRY(transaction, Transaction::begin(database_));
    TRY(update, database_.prepare("UPDATE drills SET epoch = epoch + 1 WHERE id = ?"));
    update.bind_text(1, drill);
    TRY_OK(update.run());
    TRY(terms, terms_of(drill, ""));
    TRY_OK(committed(transaction));
    return terms;
  }

  Status judged(const std::string& drill, const std::string& verdict) {
    TRY(transaction, Transaction::begin(database_));
    TRY(update, database_.prepare("UPDATE drills SET verdict = ? WHERE id = ?"));
    update.bind_text(1, verdict).bind_text(2, drill);
    TRY_OK(update.run());
    if (database_.changes() == 0) {
      return fail(ErrorCode::not_found, "there is no drill " + drill + " in the store");
    }
    return committed(transaction);
  }

  Status committed(Transaction& transaction) {
    if (observer_) observer_("journal", Side::before);
    TRY_OK(transaction.commit());
    if (observer_) observer_("journal", Side::after);
    return {};
  }

  Result<std::int64_t> counted(std::string_view sql, const std::string& id) {
    TRY(asked, database_.prepare(sql));
    asked.bind_text(1, id);
    TRY(row, asked.step());
    return row ? asked.integer(0) : 0;
  }

  // A drill without an event stands in no chain, so the one before it counts.
  Result<std::string> newest_head() {
    TRY(asked, database_.prepare("SELECT id FROM drills ORDER BY entered DESC"));
    while (true) {
      TRY(row, asked.step());
      if (!row) return std::string(kChainStart);
      TRY(last, last_event(database_, asked.text(0)));
      if (last) return last->hash;
    }
  }

  Status insert(const DrillRecord& drill, const std::string& previous) {
    TRY(made, database_.prepare("INSERT INTO drills(id, name, playbook, boot, pid, start, "
                                "added_epoch, epoch, verdict, created, previous) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?7, ?7, ?8, ?9, ?10)"));
    made.bind_text(1, drill.id).bind_text(2, drill.name).bind_text(3, drill.playbook);
    made.bind_text(4, drill.runner.boot).bind(5, drill.runner.pid);
    made.bind(6, static_cast<std::int64_t>(drill.runner.start)).bind(7, drill.epoch);
    made.bind_text(8, drill.verdict).bind_text(9, drill.created).bind_text(10, previous);
    return made.run();
  }

  Result<std::vector<DrillRecord>> records(Statement& asked) {
    std::vector<DrillRecord> found;
    while (true) {
      TRY(row, asked.step());
      if (!row) return found;
      DrillRecord record;
      record.id = asked.text(0);
      record.name = asked.text(1);
      record.playbook = asked.text(2);
      record.runner = {asked.text(3), static_cast<pid_t>(asked.integer(4)),
                       static_cast<std::uint64_t>(asked.integer(5))};
      record.epoch = asked.integer(6);
      record.verdict = asked.text(7);
      record.created = asked.text(8);
      record.events = static_cast<std::uint64_t>(asked.integer(9));
      record.closed = closes(asked.text(10));
      found.push_back(std::move(record));
    }
  }

  Result<SqliteJournalTerms> terms_of(const std::string& drill, const std::string& condition) {
    TRY(known, counted("SELECT count(*) FROM drills WHERE id = ?", drill));
    if (known == 0) {
      return fail(ErrorCode::not_found, "there is no drill " + drill + " in the store");
    }
    TRY(asked, database_.prepare("SELECT previous, epoch FROM drills WHERE id = ? " + condition));
    asked.bind_text(1, drill);
    TRY(row, asked.step());
    if (!row) return fail(ErrorCode::fenced, "another replayer has taken the drill over");
    if (!is_digest(asked.text(0))) {
      return fail(ErrorCode::corrupt, "drill " + drill + " follows what is no digest");
    }
    return SqliteJournalTerms{drill, asked.text(0), asked.integer(1)};
  }

  Result<std::unique_ptr<Journal>> journal_under(const SqliteJournalTerms& terms) {
    TRY(own, open_store_file(database_.path(), clock_));
    return make_sqlite_journal(std::move(own), terms, reserve_, observer_);
  }

  Database database_;
  const Clock& clock_;
  Reserve reserve_;
  WriteObserver observer_;
};

bool is_on_read_only(const std::string& path) {
  std::error_code none;
  const auto real = std::filesystem::weakly_canonical(path, none);
  const auto filesystem = filesystem_of((none ? std::filesystem::path(path) : real).parent_path());
  return filesystem && filesystem->read_only;
}

}  // namespace

Result<std::unique_ptr<Store>> open_store_to_read(const std::string& path, const Clock& clock,
                                                  WriteObserver observer) {
  if (!is_on_read_only(path)) {
    return Store::open(path, clock, std::move(observer), ReserveRule::wanted);
  }
  auto database = open_unwritable_store_file(path);
  if (!database) return std::unexpected(database.error().in("cannot open the store"));
  return std::make_unique<SqliteStore>(std::move(*database), clock, Reserve(path),
                                       std::move(observer));
}

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const Clock& clock,
                                           WriteObserver observer, ReserveRule rule) {
  Reserve reserve(path);
  auto database = open_store_file(path, clock);
  if (!database && database.error().code == ErrorCode::no_space && rule == ReserveRule::wanted &&
      reserve.free()) {
    database = open_store_file(path, clock);
  }
  if (!database) return std::unexpected(database.error().in("cannot open the store"));
  const auto reserved = reserve.make();
  if (!reserved && rule == ReserveRule::required) {
    return std::unexpected(reserved.error().in("cannot open the store"));
  }
  return std::make_unique<SqliteStore>(std::move(*database), clock, std::move(reserve),
                                       std::move(observer));
}

}  // namespace gameday
