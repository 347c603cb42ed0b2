#include "queue_state.h"

#include <algorithm>
#include <set>

#include "disturbances.h"
#include "lib/program.h"

namespace shop {
namespace {

double now_s() { return epoch_seconds(std::chrono::system_clock::now()); }

Order order_at(const Statement& row, int column) {
  return {row.text(column), row.text(column + 1), row.text(column + 2), row.text(column + 3)};
}

// In the order of delivery; the last column: until when it is held back.
const char* const kOrder = "SELECT seq, key, item, sum, mark, 0 FROM messages ORDER BY seq";
const char* const kDisturbedOrder =
    "SELECT m.seq, key, item, sum, m.mark, coalesce(d.until, 0) FROM messages m LEFT JOIN"
    " (SELECT seq, max(until) AS until, max(place) AS place FROM disturbed GROUP BY seq) d"
    " ON d.seq = m.seq ORDER BY coalesce(d.place, m.seq)";

bool exists(Db& db, const std::string& table, const std::string& key) {
  return db.prepare("SELECT 1 FROM " + table + " WHERE key = ?").bind(1, key).step();
}

}  // namespace

std::string QueueState::schema() {
  return std::string(Disturbances::schema()) +
         "CREATE TABLE IF NOT EXISTS queue(incarnation TEXT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS messages(seq INTEGER PRIMARY KEY AUTOINCREMENT,"
         " key TEXT NOT NULL, item TEXT NOT NULL, sum TEXT NOT NULL, mark TEXT NOT NULL);"
         "CREATE INDEX IF NOT EXISTS messages_key ON messages(key);"
         "CREATE TABLE IF NOT EXISTS retained(id INTEGER PRIMARY KEY, confirmed_at REAL NOT NULL,"
         " key TEXT NOT NULL, item TEXT NOT NULL, sum TEXT NOT NULL, mark TEXT NOT NULL);"
         "CREATE INDEX IF NOT EXISTS retained_key ON retained(key);"
         "CREATE INDEX IF NOT EXISTS retained_at ON retained(confirmed_at);"
         "CREATE TABLE IF NOT EXISTS dropped(body TEXT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS purged(purge TEXT NOT NULL, seq INTEGER NOT NULL,"
         " key TEXT NOT NULL, item TEXT NOT NULL, sum TEXT NOT NULL, mark TEXT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS rejected(seq INTEGER PRIMARY KEY, times INTEGER NOT NULL);"
         "CREATE TABLE IF NOT EXISTS closed(mark TEXT PRIMARY KEY);"
         "CREATE TABLE IF NOT EXISTS dead(seq INTEGER PRIMARY KEY, key TEXT NOT NULL,"
         " item TEXT NOT NULL, sum TEXT NOT NULL, mark TEXT NOT NULL, times INTEGER NOT NULL);";
}

std::optional<std::string> QueueState::incarnation(Db& db) const {
  auto row = db.prepare("SELECT incarnation FROM queue");
  return row.step() ? std::optional(row.text(0)) : std::nullopt;
}

void QueueState::create(Db& db) {
  if (incarnation(db)) return;
  db.prepare("INSERT INTO queue VALUES(?)").bind(1, random_uuid()).run();
}

nlohmann::json QueueState::drop(Db& db, bool save) {
  const Counts held = counts(db);
  nlohmann::json result = {{"incarnation", incarnation(db).value_or("")},
                           {"dropped", held.messages + held.retained}};
  if (save) {
    result["messages"] = messages(db);
    result["retained"] = retained(db);
    // The answer may not arrive; whoever asked can still fetch what was in the queue.
    db.run("DELETE FROM dropped");
    db.prepare("INSERT INTO dropped VALUES(?)").bind(1, result.dump()).run();
  }
  Disturbances::end_all(db);
  db.run("DELETE FROM messages; DELETE FROM retained; DELETE FROM queue;");
  leases_.clear();
  return result;
}

std::optional<std::string> QueueState::last_drop(Db& db) const {
  auto row = db.prepare("SELECT body FROM dropped");
  return row.step() ? std::optional(row.text(0)) : std::nullopt;
}

// What was purged is kept in the database that it is taken out of, so that no death lies between.
nlohmann::json QueueState::purge(Db& db, const std::string& mark) {
  auto keep = db.prepare(
      "INSERT INTO purged(purge, seq, key, item, sum, mark)"
      " SELECT ?, seq, key, item, sum, mark FROM messages WHERE seq = ?");
  auto remove = db.prepare("DELETE FROM messages WHERE seq = ?");
  auto taken = nlohmann::json::array();
  for (auto& message : messages(db)) {
    if (message.at("state") != "ready") continue;
    const auto seq = message.at("id").get<std::int64_t>();
    if (!mark.empty()) keep.bind(1, mark).bind(2, seq).run();
    remove.bind(1, seq).run();
    message.erase("state");
    taken.push_back(std::move(message));
  }
  return {{"messages", std::move(taken)}};
}

nlohmann::json QueueState::purged(Db& db, const std::string& mark) const {
  auto out = nlohmann::json::array();
  auto row =
      db.prepare("SELECT key, item, sum, mark, seq FROM purged WHERE purge = ? ORDER BY seq");
  row.bind(1, mark);
  while (row.step()) {
    out.push_back(to_json(order_at(row, 0)));
    out.back()["id"] = row.integer(4);
  }
  return out;
}

void QueueState::forget_purged(Db& db, const std::string& mark) {
  db.prepare("DELETE FROM purged WHERE purge = ?").bind(1, mark).run();
}

QueueState::Published QueueState::add(Db& db, const std::vector<Order>& orders, bool skip_waiting,
                                      bool skip_retained) {
  Published result;
  auto row = db.prepare("INSERT INTO messages(key, item, sum, mark) VALUES(?, ?, ?, ?)");
  for (const auto& order : orders) {
    if (tombstones_.covers(order.key)) {
      result.gone.push_back(order.key);
    } else if ((skip_waiting && exists(db, "messages", order.key)) ||
               (skip_retained && exists(db, "retained", order.key))) {
      ++result.skipped;
    } else {
      row.bind(1, order.key).bind(2, order.item).bind(3, order.sum).bind(4, order.mark).run();
      ++result.accepted;
    }
  }
  return result;
}

// What is retained is delivered once more when it is published again: the store may have lost it.
QueueState::Published QueueState::publish(Db& db, const std::vector<Order>& orders) {
  if (!Disturbances::any(db)) return add(db, orders, dedupe_, false);
  auto last = db.prepare("SELECT coalesce(max(seq), 0) FROM messages");
  last.step();
  auto result = add(db, orders, dedupe_, false);
  std::vector<std::int64_t> come;
  auto row = db.prepare("SELECT seq FROM messages WHERE seq > ? ORDER BY seq");
  row.bind(1, last.integer(0));
  while (row.step()) come.push_back(row.integer(0));
  Disturbances::take(db, come);
  return result;
}

QueueState::Published QueueState::put_back(Db& db, const std::vector<Order>& orders,
                                           const std::vector<Retained>& retained) {
  auto result = add(db, orders, true, true);
  auto row =
      db.prepare("INSERT INTO retained(confirmed_at, key, item, sum, mark) VALUES(?, ?, ?, ?, ?)");
  for (const auto& [confirmed_at, order] : retained) {
    if (tombstones_.covers(order.key) || exists(db, "retained", order.key)) continue;
    row.bind(1, confirmed_at).bind(2, order.key).bind(3, order.item).bind(4, order.sum);
    row.bind(5, order.mark).run();
  }
  return result;
}

std::vector<QueueState::Delivery> QueueState::lease(Db& db, std::size_t most,
                                                    std::chrono::milliseconds visibility) {
  std::vector<Delivery> result;
  if (!incarnation(db)) return result;
  const auto now = Clock::now();
  std::erase_if(leases_, [&](const auto& entry) { return entry.second.until <= now; });
  const bool disturbed = Disturbances::any(db);
  const double at = now_s();
  auto row = db.prepare(disturbed ? kDisturbedOrder : kOrder);
  while (result.size() < most && row.step()) {
    const std::int64_t seq = row.integer(0);
    if (leases_.contains(seq) || row.real(5) > at) continue;
    if (disturbed) Disturbances::delivered(db, seq);
    result.push_back({seq, next_lease_, order_at(row, 1)});
    leases_[seq] = {next_lease_++, now + visibility};
  }
  return result;
}

int QueueState::confirm(Db& db, const std::vector<std::pair<std::int64_t, std::int64_t>>& leases) {
  // What a disturbance put in once more is not delivered again by a replay.
  auto keep = db.prepare(
      "INSERT INTO retained(confirmed_at, key, item, sum, mark)"
      " SELECT ?, key, item, sum, mark FROM messages WHERE seq = ? AND seq NOT IN (SELECT seq FROM"
      " disturbed d JOIN disturbances b ON b.mark = d.mark WHERE b.how = 'duplicate')");
  auto remove = db.prepare("DELETE FROM messages WHERE seq = ?");
  const double now = now_s();
  int confirmed = 0;
  for (const auto& [seq, number] : leases) {
    const auto found = leases_.find(seq);
    if (found == leases_.end() || found->second.number != number) continue;
    keep.bind(1, now).bind(2, seq).run();
    remove.bind(1, seq).run();
    leases_.erase(found);
    ++confirmed;
  }
  return confirmed;
}

int QueueState::release(const std::vector<std::pair<std::int64_t, std::int64_t>>& leases) {
  int released = 0;
  for (const auto& [seq, number] : leases) {
    const auto found = leases_.find(seq);
    if (found == leases_.end() || found->second.number != number) continue;
    leases_.erase(found);
    ++released;
  }
  return released;
}

std::optional<nlohmann::json> QueueState::add_raw(Db& db, const std::vector<std::string>& bodies,
                                                  const std::string& mark) {
  if (db.prepare("SELECT 1 FROM closed WHERE mark = ?").bind(1, mark).step()) return std::nullopt;
  std::vector<Order> messages;
  for (const auto& body : bodies) messages.push_back({"raw-" + random_uuid(), body, "", mark});
  return nlohmann::json{{"accepted", add(db, messages, false, false).accepted}};
}

nlohmann::json QueueState::reject(Db& db,
                                  const std::vector<std::pair<std::int64_t, std::int64_t>>& leases,
                                  int most) {
  auto count =
      db.prepare("INSERT INTO rejected VALUES(?, 1) ON CONFLICT DO UPDATE SET times = times + 1");
  auto times = db.prepare("SELECT times FROM rejected WHERE seq = ?");
  int put_aside = 0;
  for (const auto& [seq, number] : leases) {
    const auto found = leases_.find(seq);
    if (found == leases_.end() || found->second.number != number) continue;
    leases_.erase(found);
    count.bind(1, seq).run();
    const bool enough = times.bind(1, seq).step() && times.integer(0) >= most;
    times.run();
    if (!enough) continue;
    db.prepare("INSERT INTO dead SELECT seq, key, item, sum, mark, ? FROM messages WHERE seq = ?")
        .bind(1, std::int64_t{most})
        .bind(2, seq)
        .run();
    db.prepare("DELETE FROM messages WHERE seq = ?").bind(1, seq).run();
    db.prepare("DELETE FROM rejected WHERE seq = ?").bind(1, seq).run();
    ++put_aside;
  }
  return {{"dead", put_aside}};
}

nlohmann::json QueueState::dead(Db& db) const {
  auto out = nlohmann::json::array();
  auto row = db.prepare("SELECT key, item, sum, mark, seq, times FROM dead ORDER BY seq");
  while (row.step()) {
    out.push_back(to_json(order_at(row, 0)));
    out.back()["id"] = row.integer(4);
    out.back()["rejected"] = row.integer(5);
  }
  return {{"messages", std::move(out)}};
}

int QueueState::remove_marked(Db& db, const std::string& mark) {
  db.prepare("INSERT OR IGNORE INTO closed VALUES(?)").bind(1, mark).run();
  int removed = 0;
  for (const std::string table : {"messages", "retained", "dead"}) {
    db.prepare("DELETE FROM " + table + " WHERE mark = ?").bind(1, mark).run();
    removed += db.changes();
  }
  return removed;
}

bool QueueState::disturb(Db& db, const Disturbances::Asked& asked) {
  std::vector<std::int64_t> waiting;
  auto row = db.prepare(kOrder);
  while (row.step()) {
    if (!is_out(row.integer(0))) waiting.push_back(row.integer(0));
  }
  return Disturbances::begin(db, asked, waiting) != Disturbances::Begun::late;
}

// A copy that is out for delivery is not delivered again, and its confirmation counts for nothing.
void QueueState::end_disturbance(Db& db, const std::string& mark) {
  for (const auto seq : Disturbances::end(db, mark)) leases_.erase(seq);
}

nlohmann::json QueueState::settled(Db& db, const std::vector<std::string>& keys) const {
  auto confirmed = nlohmann::json::array();
  auto gone = nlohmann::json::array();
  auto unknown = nlohmann::json::array();
  for (const auto& key : keys) {
    if (tombstones_.covers(key)) {
      gone.push_back(key);
    } else if (exists(db, "messages", key)) {
      continue;
    } else if (exists(db, "retained", key)) {
      confirmed.push_back(key);
    } else {
      unknown.push_back(key);
    }
  }
  return {{"confirmed", confirmed}, {"gone", gone}, {"unknown", unknown}};
}

int QueueState::replay(Db& db, double since) {
  // What is out for delivery may have reached the store before what this replay makes good was
  // lost there, so its confirmation must not count any more.
  leases_.clear();
  const double from = std::max(since, oldest_retained());
  const std::string skip = dedupe_ ? " AND key NOT IN (SELECT key FROM messages) GROUP BY key" : "";
  db.prepare(
        "INSERT INTO messages(key, item, sum, mark) SELECT key, item, sum, mark FROM retained"
        " WHERE confirmed_at >= ?" +
        skip + " ORDER BY id")
      .bind(1, from)
      .run();
  const int replayed = db.changes();
  db.prepare("DELETE FROM retained WHERE confirmed_at >= ?").bind(1, from).run();
  return replayed;
}

int QueueState::remove_drill(Db& db, const std::string& drill) {
  tombstones_.add(drill);
  int removed = 0;
  for (const std::string table : {"messages", "retained"}) {
    auto rows = db.prepare("DELETE FROM " + table + " WHERE key >= ? AND key < ?");
    rows.bind(1, first_key(drill)).bind(2, end_key(drill)).run();
    removed += db.changes();
  }
  return removed;
}

// Confirmed orders stay a little longer than they can be replayed, so that a gateway still learns
// that they were confirmed, however short the retention is.
void QueueState::expire(Db& db) {
  constexpr double kLeastSeconds = 15;
  db.prepare("DELETE FROM retained WHERE confirmed_at < ?")
      .bind(1, now_s() - std::max(retain_s_, kLeastSeconds))
      .run();
}

double QueueState::oldest_retained() const { return now_s() - retain_s_; }

QueueState::Counts QueueState::counts(Db& db) const {
  auto messages = db.prepare("SELECT count(*) FROM messages");
  auto retained = db.prepare("SELECT count(*) FROM retained WHERE confirmed_at >= ?");
  messages.step();
  retained.bind(1, oldest_retained()).step();
  return {messages.integer(0), retained.integer(0)};
}

nlohmann::json QueueState::messages(Db& db) const {
  auto out = nlohmann::json::array();
  auto row = db.prepare(Disturbances::any(db) ? kDisturbedOrder : kOrder);
  const double at = now_s();
  while (row.step()) {
    out.push_back(to_json(order_at(row, 1)));
    out.back()["id"] = row.integer(0);
    const bool out_now = is_out(row.integer(0));
    out.back()["state"] = out_now ? "unacked" : row.real(5) > at ? "held" : "ready";
  }
  return out;
}

bool QueueState::is_out(std::int64_t seq) const {
  const auto found = leases_.find(seq);
  return found != leases_.end() && found->second.until > Clock::now();
}

nlohmann::json QueueState::retained(Db& db) const {
  auto out = nlohmann::json::array();
  auto row = db.prepare(
      "SELECT confirmed_at, key, item, sum, mark FROM retained"
      " WHERE confirmed_at >= ? ORDER BY id");
  row.bind(1, oldest_retained());
  while (row.step()) {
    out.push_back(to_json(order_at(row, 1)));
    const auto micros = std::chrono::microseconds(static_cast<std::int64_t>(row.real(0) * 1e6));
    out.back()["confirmed_at"] = rfc3339(std::chrono::system_clock::time_point(micros));
  }
  return out;
}

}  // namespace shop
