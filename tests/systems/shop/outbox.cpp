#include "outbox.h"

namespace shop {

Outbox::Outbox(const std::string& path)
    : committer_(path,
                 "CREATE TABLE IF NOT EXISTS outbox(id INTEGER PRIMARY KEY, key TEXT NOT NULL"
                 " UNIQUE, item TEXT NOT NULL, sum TEXT NOT NULL, mark TEXT NOT NULL);") {
  committer_.run([this](Db& db) {
    auto row = db.prepare("SELECT key, item, sum, mark FROM outbox ORDER BY id");
    while (row.step()) {
      const Order order{row.text(0), row.text(1), row.text(2), row.text(3)};
      entries_[order.key] = {order, false};
      unsent_.push_back(order.key);
    }
  });
}

Outbox::Added Outbox::add(const Order& order) {
  Added added = Added::kNew;
  committer_.run([&](Db& db) {
    auto row = db.prepare(
        "INSERT INTO outbox(key, item, sum, mark) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING");
    row.bind(1, order.key).bind(2, order.item).bind(3, order.sum).bind(4, order.mark).run();
    if (db.changes() == 1) return;
    auto held = db.prepare("SELECT item, sum FROM outbox WHERE key = ?");
    held.bind(1, order.key).step();
    const bool same = order.same_content({order.key, held.text(0), held.text(1), ""});
    added = same ? Added::kSame : Added::kDifferent;
  });
  if (added == Added::kNew) {
    const std::scoped_lock lock(mutex_);
    entries_[order.key] = {order, false};
    unsent_.push_back(order.key);
  }
  return added;
}

std::vector<Order> Outbox::unsent(std::size_t most) const {
  const std::scoped_lock lock(mutex_);
  std::vector<Order> result;
  for (const auto& key : unsent_) {
    if (result.size() == most) break;
    const auto found = entries_.find(key);
    if (found != entries_.end() && !found->second.sent) result.push_back(found->second.order);
  }
  return result;
}

void Outbox::mark_sent(const std::vector<std::string>& keys) {
  const std::scoped_lock lock(mutex_);
  for (const auto& key : keys) {
    if (const auto found = entries_.find(key); found != entries_.end()) found->second.sent = true;
  }
  const auto done = [this](const std::string& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() || found->second.sent;
  };
  while (!unsent_.empty() && done(unsent_.front())) unsent_.pop_front();
}

void Outbox::mark_unsent(const std::vector<std::string>& keys) {
  const std::scoped_lock lock(mutex_);
  for (const auto& key : keys) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || !found->second.sent) continue;
    found->second.sent = false;
    unsent_.push_back(key);
  }
}

std::vector<std::string> Outbox::sent(std::string& cursor, std::size_t most) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> result;
  auto at = entries_.upper_bound(cursor);
  for (; at != entries_.end() && result.size() < most; ++at) {
    if (at->second.sent) result.push_back(at->first);
  }
  cursor = at == entries_.end() || result.empty() ? "" : result.back();
  return result;
}

void Outbox::remove(const std::vector<std::string>& keys) {
  committer_.run([&](Db& db) {
    auto row = db.prepare("DELETE FROM outbox WHERE key = ?");
    for (const auto& key : keys) row.bind(1, key).run();
  });
  const std::scoped_lock lock(mutex_);
  for (const auto& key : keys) entries_.erase(key);
}

int Outbox::remove_drill(const std::string& drill) {
  int removed = 0;
  committer_.run([&](Db& db) {
    auto rows = db.prepare("DELETE FROM outbox WHERE key >= ? AND key < ?");
    rows.bind(1, first_key(drill)).bind(2, end_key(drill)).run();
    removed = db.changes();
  });
  const std::scoped_lock lock(mutex_);
  entries_.erase(entries_.lower_bound(first_key(drill)), entries_.lower_bound(end_key(drill)));
  return removed;
}

std::size_t Outbox::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

}  // namespace shop
