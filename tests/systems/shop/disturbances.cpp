#include "disturbances.h"

#include <cmath>

#include "lib/program.h"

namespace shop {
namespace {

double now_s() { return epoch_seconds(std::chrono::system_clock::now()); }

struct InForce {
  Disturbances::Asked asked;
  std::int64_t seen = 0;
  std::int64_t hit = 0;
  std::int64_t group = 0;
};

std::vector<InForce> in_force(Db& db) {
  std::vector<InForce> found;
  auto row = db.prepare(
      "SELECT mark, how, most, share, delay_s, size, seen, hit, latest FROM disturbances"
      " WHERE ended = 0");
  while (row.step()) {
    found.push_back(
        {{row.text(0), row.text(1), row.integer(2), row.real(3), row.real(4), row.integer(5)},
         row.integer(6),
         row.integer(7),
         row.integer(8)});
  }
  return found;
}

void note(Db& db, const std::string& mark, std::int64_t seq, double until, std::int64_t group) {
  db.prepare("INSERT OR REPLACE INTO disturbed VALUES(?, ?, ?, ?, ?, 0)")
      .bind(1, seq)
      .bind(2, mark)
      .bind(3, until)
      .bind(4, seq)
      .bind(5, group)
      .run();
}

void duplicate(Db& db, const InForce& one, std::int64_t seq) {
  db.prepare(
        "INSERT INTO messages(key, item, sum, mark)"
        " SELECT key, item, sum, mark FROM messages WHERE seq = ?")
      .bind(1, seq)
      .run();
  auto copy = db.prepare("SELECT last_insert_rowid()");
  copy.step();
  note(db, one.asked.mark, copy.integer(0), 0, 0);
}

// A group that is full, or has waited long enough, takes nobody in any more.
bool is_open(Db& db, const InForce& one) {
  auto row = db.prepare("SELECT count(*), max(until) FROM disturbed WHERE mark = ? AND team = ?");
  row.bind(1, one.asked.mark).bind(2, one.group).step();
  return row.integer(0) > 0 && row.integer(0) < one.asked.window && row.real(1) > now_s();
}

// The last to come takes the place of the first, and so on.
void turn_round(Db& db, const InForce& one) {
  std::vector<std::int64_t> seqs;
  auto row = db.prepare("SELECT seq FROM disturbed WHERE mark = ? AND team = ? ORDER BY seq");
  row.bind(1, one.asked.mark).bind(2, one.group);
  while (row.step()) seqs.push_back(row.integer(0));
  auto place = db.prepare("UPDATE disturbed SET place = ? WHERE seq = ? AND mark = ?");
  for (std::size_t i = 0; i < seqs.size(); ++i) {
    place.bind(1, seqs[seqs.size() - 1 - i]).bind(2, seqs[i]).bind(3, one.asked.mark).run();
  }
  if (static_cast<std::int64_t>(seqs.size()) < one.asked.window) return;
  db.prepare("UPDATE disturbed SET until = 0 WHERE mark = ? AND team = ?")
      .bind(1, one.asked.mark)
      .bind(2, one.group)
      .run();
}

void reorder(Db& db, InForce& one, std::int64_t seq) {
  double until = now_s() + one.asked.delay_s;
  if (is_open(db, one)) {
    auto row = db.prepare("SELECT max(until) FROM disturbed WHERE mark = ? AND team = ?");
    row.bind(1, one.asked.mark).bind(2, one.group).step();
    until = row.real(0);
  } else {
    ++one.group;
  }
  note(db, one.asked.mark, seq, until, one.group);
  turn_round(db, one);
}

void take_one(Db& db, InForce& one, std::int64_t seq) {
  const auto wanted = [&](std::int64_t seen) {
    return std::floor(static_cast<double>(seen) * one.asked.share);
  };
  const bool chosen = wanted(one.seen + 1) > wanted(one.seen);
  ++one.seen;
  if (!chosen || one.hit >= one.asked.count) return;
  ++one.hit;
  if (one.asked.how == "duplicate") duplicate(db, one, seq);
  if (one.asked.how == "delay") note(db, one.asked.mark, seq, now_s() + one.asked.delay_s, 0);
  if (one.asked.how == "reorder") reorder(db, one, seq);
}

void keep(Db& db, const InForce& one) {
  db.prepare("UPDATE disturbances SET seen = ?, hit = ?, latest = ? WHERE mark = ?")
      .bind(1, one.seen)
      .bind(2, one.hit)
      .bind(3, one.group)
      .bind(4, one.asked.mark)
      .run();
}

}  // namespace

// Of `disturbed`: until when the message is held, whose place in the order it has, and in which
// group it is turned round.
const char* Disturbances::schema() {
  return "CREATE TABLE IF NOT EXISTS disturbances(mark TEXT PRIMARY KEY, how TEXT NOT NULL,"
         " most INTEGER NOT NULL, share REAL NOT NULL, delay_s REAL NOT NULL, size INTEGER NOT "
         "NULL,"
         " seen INTEGER NOT NULL, hit INTEGER NOT NULL, latest INTEGER NOT NULL,"
         " ended INTEGER NOT NULL, last TEXT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS disturbed(seq INTEGER NOT NULL, mark TEXT NOT NULL,"
         " until REAL NOT NULL, place INTEGER NOT NULL, team INTEGER NOT NULL,"
         " delivered INTEGER NOT NULL, PRIMARY KEY(seq, mark));";
}

Disturbances::Asked Disturbances::asked_in(const nlohmann::json& body) {
  Asked asked{body.at("mark"),
              body.at("how"),
              body.at("count"),
              body.value("share", 1.0),
              body.value("delay_s", 0.0),
              body.value("window", 0)};
  if (asked.mark.empty()) throw std::invalid_argument("a mark is needed to end it by");
  const bool known = asked.how == "duplicate" || asked.how == "delay" || asked.how == "reorder";
  if (!known) throw std::invalid_argument("how: duplicate, delay or reorder");
  const bool timed = asked.how == "duplicate" || asked.delay_s > 0;
  const bool grouped = asked.how != "reorder" || asked.window > 1;
  if (asked.count < 1 || !(asked.share > 0) || asked.share > 1 || !timed || !grouped) {
    throw std::invalid_argument("count, share, delay_s or window is out of range");
  }
  return asked;
}

Disturbances::Begun Disturbances::begin(Db& db, const Asked& asked,
                                        const std::vector<std::int64_t>& waiting) {
  auto row = db.prepare("SELECT ended FROM disturbances WHERE mark = ?");
  if (row.bind(1, asked.mark).step()) return row.integer(0) != 0 ? Begun::late : Begun::already;
  db.prepare("INSERT INTO disturbances VALUES(?, ?, ?, ?, ?, ?, 0, 0, 0, 0, '')")
      .bind(1, asked.mark)
      .bind(2, asked.how)
      .bind(3, asked.count)
      .bind(4, asked.share)
      .bind(5, asked.delay_s)
      .bind(6, asked.window)
      .run();
  InForce one{.asked = asked};
  for (const auto seq : waiting) take_one(db, one, seq);
  keep(db, one);
  return Begun::yes;
}

void Disturbances::take(Db& db, const std::vector<std::int64_t>& seqs) {
  for (auto& one : in_force(db)) {
    for (const auto seq : seqs) take_one(db, one, seq);
    keep(db, one);
  }
}

bool Disturbances::any(Db& db) {
  return db.prepare("SELECT 1 FROM disturbances WHERE ended = 0").step();
}

void Disturbances::delivered(Db& db, std::int64_t seq) {
  db.prepare("UPDATE disturbed SET delivered = 1 WHERE seq = ?").bind(1, seq).run();
}

// A group of one is not turned round, and so not hit.
std::optional<nlohmann::json> Disturbances::told(Db& db, const std::string& mark) {
  auto row = db.prepare("SELECT how, seen, ended, last FROM disturbances WHERE mark = ?");
  if (!row.bind(1, mark).step()) return std::nullopt;
  if (row.integer(2) != 0) return nlohmann::json::parse(row.text(3));
  auto counts = db.prepare(
      "SELECT count(*), coalesce(sum(delivered), 0),"
      " coalesce(sum(until > ? AND seq IN (SELECT seq FROM messages)), 0) FROM disturbed"
      " WHERE mark = ? AND (place <> seq OR ? <> 'reorder')");
  counts.bind(1, now_s()).bind(2, mark).bind(3, row.text(0)).step();
  return nlohmann::json{{"how", row.text(0)},
                        {"active", true},
                        {"seen", row.integer(1)},
                        {"hit", counts.integer(0)},
                        {"delivered", counts.integer(1)},
                        {"held", counts.integer(2)}};
}

std::vector<std::int64_t> Disturbances::end(Db& db, const std::string& mark) {
  std::vector<std::int64_t> copies;
  nlohmann::json last = told(db, mark).value_or(
      nlohmann::json{{"how", ""}, {"seen", 0}, {"hit", 0}, {"delivered", 0}});
  if (last.at("how") == "duplicate") {
    auto row = db.prepare("SELECT seq FROM disturbed WHERE mark = ?");
    row.bind(1, mark);
    while (row.step()) copies.push_back(row.integer(0));
    auto remove = db.prepare("DELETE FROM messages WHERE seq = ?");
    for (const auto copy : copies) remove.bind(1, copy).run();
  }
  db.prepare("DELETE FROM disturbed WHERE mark = ?").bind(1, mark).run();
  last["active"] = false;
  last["held"] = 0;
  db.prepare(
        "INSERT INTO disturbances VALUES(?, '', 0, 0, 0, 0, 0, 0, 0, 1, ?)"
        " ON CONFLICT DO UPDATE SET ended = 1, last = excluded.last")
      .bind(1, mark)
      .bind(2, last.dump())
      .run();
  return copies;
}

void Disturbances::end_all(Db& db) {
  for (const auto& one : in_force(db)) end(db, one.asked.mark);
}

}  // namespace shop
