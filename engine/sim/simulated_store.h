// The data of the simulated system: what the loads wrote, the queue it came through, backups and
// saved copies. Knows the truth about every acknowledged write, which the ledger has to find out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace gameday {

enum class Row : std::uint8_t { none, whole, corrupt };

struct Write {
  std::string load;
  std::uint64_t seq = 0;
  bool acknowledged = false;
  bool corrupt = false;
  bool swallowed = false;  // taken, and forgotten before it was stored
};

class SimulatedStore {
 public:
  // As a real store's digest does, `version` stands for the content: equal only if equal.
  struct Content {
    std::uint64_t version = 0;
    std::string harmed_by;  // the mark of the deed that left it so; empty: as it ought to be
    bool lost = false;
    std::map<std::string, std::vector<Row>> rows;  // by load and seq
  };

  // Messages get to the store at `delivered`, or when the store takes them again.
  void accept(const Write& write, Instant delivered);
  void advance(Now to);
  void stick() { sticks_ = true; }
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  [[nodiscard]] bool lost() const { return content_.lost; }
  [[nodiscard]] const std::string& queue_dropped_by() const { return queue_dropped_by_; }
  [[nodiscard]] const Content& content() const { return content_; }

  // Deeds on data, by mark. Undoing what was never done, or is undone, is fine.
  void lose(const std::string& mark);
  void back_up(const std::string& id) { backups_[id] = content_; }
  enum class Restoring { whole, corrupt, vacuous };
  void restore(const std::string& mark, const std::string& backup, Restoring how);
  [[nodiscard]] Status put_back(const std::string& mark);
  void drop_queue(const std::string& mark);
  [[nodiscard]] Status put_queue_back(const std::string& mark);
  // Deliver again what the store confirmed since then, as far as it is kept; how many.
  std::int64_t replay(Utc since, Utc kept_since, Instant now);

  void erase_copy(const std::string& mark) { erased_.insert(mark); }
  [[nodiscard]] bool has_copy(const std::string& mark) const;

  // Everything that the load wrote goes.
  void clean_up(const std::string& load);
  [[nodiscard]] bool has_rows_of(const std::string& load) const;
  [[nodiscard]] std::uint64_t late_writes() const { return late_writes_; }  // after their cleanup
  // Acknowledged writes that are not there as they were written, neither stored nor on their way.
  [[nodiscard]] std::uint64_t missing() const;

 private:
  struct Confirmed {
    Utc at;  // by the system's own clock
    Write write;
  };
  struct Exchange {
    Content kept;
    std::uint64_t left = 0;
    bool put_back = false;
  };
  void put(const Write& write);

  Content content_;
  std::uint64_t last_version_ = 0;
  std::multimap<Instant, Write> queue_;
  std::string queue_dropped_by_;
  std::map<std::string, std::multimap<Instant, Write>> saved_messages_;
  bool sticks_ = false;
  Instant advanced_to_{};
  std::vector<Write> accepted_;       // all
  std::vector<Confirmed> confirmed_;  // in the store once, by time of delivery: for replay
  std::map<std::string, Content> backups_;
  std::map<std::string, Exchange> exchanges_;
  std::set<std::string> erased_;
  std::set<std::string> cleaned_;
  std::uint64_t late_writes_ = 0;
};

}  // namespace gameday
