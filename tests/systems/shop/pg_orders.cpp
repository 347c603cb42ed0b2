#include "pg_orders.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Storing holds it shared, deleting alone: no order slips in between a drill's being marked as
// deleted and the deleting of what it has stored.
constexpr const char* kShared = "SELECT pg_advisory_xact_lock_shared(41)";
constexpr const char* kAlone = "SELECT pg_advisory_xact_lock(41)";

constexpr const char* kStore =
    "INSERT INTO orders(key, item, sum)"
    " SELECT key, item, sum FROM json_to_recordset($1) AS o(key text, item text, sum text)"
    " WHERE NOT EXISTS (SELECT FROM deleted_drills WHERE drill = split_part(o.key, '-', 1))"
    " ON CONFLICT (key) DO NOTHING";

constexpr const char* kSettled =
    "SELECT k FROM json_array_elements_text($1) AS k"
    " WHERE EXISTS (SELECT FROM orders WHERE key = k)"
    " OR EXISTS (SELECT FROM deleted_drills WHERE drill = split_part(k, '-', 1))";

constexpr const char* kList =
    "SELECT key, sum, item,"
    " to_char(stored_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    " FROM orders WHERE key >= $1 AND key < $2 ORDER BY key";

std::vector<std::string> first_column(const PgRows& rows) {
  std::vector<std::string> texts;
  for (int i = 0; i < rows.size(); ++i) texts.push_back(rows.text(i, 0));
  return texts;
}

Response list_from(PgPool& pool, const std::string& drill) {
  return pool.with([&](PgConnection& db) {
    const auto rows = db.run(kList, {first_key(drill), end_key(drill)}, 3s);
    auto orders = json::array();
    for (int i = 0; i < rows.size(); ++i) {
      orders.push_back({{"key", rows.text(i, 0)},
                        {"sum", rows.text(i, 1)},
                        {"item", rows.text(i, 2)},
                        {"stored_at", rows.text(i, 3)}});
    }
    return json_response(200, {{"orders", std::move(orders)}});
  });
}

}  // namespace

Response PgOrders::read(const std::string& key) {
  return near_.with([&](PgConnection& db) {
    const auto rows = db.run("SELECT item, sum FROM orders WHERE key = $1", {key}, 200ms);
    if (rows.size() == 0) return error_response(404, "no such order");
    return json_response(200, to_json({key, rows.text(0, 0), rows.text(0, 1), ""}));
  });
}

Response PgOrders::list(const std::string& drill) {
  try {
    return list_from(primary_, drill);
  } catch (const PgError&) {
    return list_from(near_, drill);
  }
}

int PgOrders::remove(const std::string& drill) {
  return primary_.with([&](PgConnection& db) {
    db.run("BEGIN", {}, 1s);
    db.run(kAlone, {}, 2s);
    db.run("INSERT INTO deleted_drills(drill) VALUES ($1) ON CONFLICT DO NOTHING", {drill}, 1s);
    const auto gone = db.run("DELETE FROM orders WHERE key >= $1 AND key < $2",
                             {first_key(drill), end_key(drill)}, 5s);
    db.run("COMMIT", {}, 1s);
    return gone.affected();
  });
}

int PgOrders::store(const std::vector<Order>& orders) {
  json batch = json::array();
  for (const auto& order : orders) batch.push_back(to_json(order));
  return primary_.with([&](PgConnection& db) {
    db.run("BEGIN", {}, 1s);
    db.run(kShared, {}, 2s);
    const auto stored = db.run(kStore, {batch.dump()}, 2s);
    db.run("COMMIT", {}, 2s);
    return stored.affected();
  });
}

std::vector<std::string> PgOrders::settled(const std::vector<std::string>& keys) {
  return primary_.with(
      [&](PgConnection& db) { return first_column(db.run(kSettled, {json(keys).dump()}, 2s)); });
}

std::vector<std::string> PgOrders::deleted_drills() {
  return near_.with([](PgConnection& db) {
    return first_column(db.run("SELECT drill FROM deleted_drills", {}, 1s));
  });
}

bool PgOrders::answers() {
  try {
    return probe_.with([](PgConnection& db) {
      db.run("SELECT FROM orders LIMIT 1", {}, 200ms);
      return true;
    });
  } catch (const PgError&) {
    return false;
  }
}

}  // namespace shop
