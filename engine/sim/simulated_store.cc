#include "engine/sim/simulated_store.h"

#include <algorithm>

namespace gameday {
namespace {

std::vector<Row>& grown(std::vector<Row>& rows, std::uint64_t seq) {
  if (rows.size() <= seq) rows.resize(seq + 1, Row::none);
  return rows;
}

}  // namespace

void SimulatedStore::accept(const Write& write, Instant delivered) {
  if (cleaned_.contains(write.load)) {
    ++late_writes_;
    return;
  }
  accepted_.push_back(write);
  if (!write.swallowed) queue_.emplace(delivered, write);
}

void SimulatedStore::advance(Now to) {
  if (sticks_ || content_.lost) return;
  while (!queue_.empty() && queue_.begin()->first <= to.boot) {
    // What was waiting for the store to come back is not confirmed before it has.
    const Instant at = std::max(queue_.begin()->first, advanced_to_);
    put(queue_.begin()->second);
    confirmed_.push_back({to.utc - (to.boot - at), queue_.begin()->second});
    queue_.erase(queue_.begin());
  }
  advanced_to_ = to.boot;
}

void SimulatedStore::put(const Write& write) {
  if (cleaned_.contains(write.load)) return;
  Row& row = grown(content_.rows[write.load], write.seq)[write.seq];
  if (row != Row::none) return;  // delivered again: it is there already
  row = write.corrupt ? Row::corrupt : Row::whole;
  content_.version = ++last_version_;
}

void SimulatedStore::lose(const std::string& mark) {
  const Content kept = content_;
  content_ = {++last_version_, mark, true, {}};
  exchanges_[mark] = {kept, content_.version, false};
}

void SimulatedStore::restore(const std::string& mark, const std::string& backup, Restoring how) {
  const Content kept = content_;
  content_ = backups_.at(backup);
  content_.version = ++last_version_;
  content_.harmed_by = mark;  // until its own step has verified it
  content_.lost = false;
  if (how == Restoring::vacuous) content_.rows.clear();
  if (how == Restoring::corrupt) {
    for (auto& [load, rows] : content_.rows) rows.resize(rows.size() / 2);
  }
  exchanges_[mark] = {kept, content_.version, false};
}

Status SimulatedStore::put_back(const std::string& mark) {
  const auto found = exchanges_.find(mark);
  if (found == exchanges_.end() || found->second.put_back) return {};
  if (erased_.contains(mark)) return fail(ErrorCode::not_found, "the kept copy is not there");
  if (content_.version != found->second.left) {
    return fail(ErrorCode::conflict, "the store has been written to since");
  }
  content_ = found->second.kept;
  found->second.put_back = true;
  return {};
}

void SimulatedStore::drop_queue(const std::string& mark) {
  saved_messages_[mark].merge(queue_);
  queue_.clear();
  queue_dropped_by_ = mark;
}

Status SimulatedStore::put_queue_back(const std::string& mark) {
  if (queue_dropped_by_ != mark) return {};
  if (erased_.contains(mark)) return fail(ErrorCode::not_found, "the saved messages are not there");
  queue_dropped_by_.clear();
  queue_.merge(saved_messages_[mark]);
  saved_messages_.erase(mark);
  return {};
}

std::int64_t SimulatedStore::replay(Utc since, Utc kept_since, Instant now) {
  std::int64_t count = 0;
  for (const auto& confirmed : confirmed_) {
    if (confirmed.at < since || confirmed.at < kept_since) continue;
    queue_.emplace(now, confirmed.write);
    ++count;
  }
  return count;
}

bool SimulatedStore::has_copy(const std::string& mark) const {
  const bool saved = exchanges_.contains(mark) || saved_messages_.contains(mark);
  return saved && !erased_.contains(mark);
}

void SimulatedStore::clean_up(const std::string& load) {
  cleaned_.insert(load);
  content_.rows.erase(load);
  content_.version = ++last_version_;
  std::erase_if(queue_, [&](const auto& entry) { return entry.second.load == load; });
}

bool SimulatedStore::has_rows_of(const std::string& load) const {
  return content_.rows.contains(load);
}

std::uint64_t SimulatedStore::missing() const {
  std::uint64_t count = 0;
  std::set<std::pair<std::string, std::uint64_t>> under_way;
  for (const auto& [at, write] : queue_) under_way.emplace(write.load, write.seq);
  for (const auto& write : accepted_) {
    if (!write.acknowledged || cleaned_.contains(write.load)) continue;
    const auto rows = content_.rows.find(write.load);
    const bool there = rows != content_.rows.end() && write.seq < rows->second.size() &&
                       rows->second[write.seq] == Row::whole;
    const bool coming = !sticks_ && !write.corrupt && under_way.contains({write.load, write.seq});
    count += !there && !coming;
  }
  return count;
}

}  // namespace gameday
