// shop-store: the orders, in SQLite. It makes no tables: `--init` does, once, and while they are
// missing everything is answered with 503.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "lib/db.h"
#include "lib/order.h"
#include "lib/program.h"
#include "lib/tombstones.h"

namespace shop {
namespace {

constexpr int kBusyMs = 500;

// No unique key: without the dedupe switch the same order stands there as often as it was applied.
constexpr const char* kSchema =
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, key TEXT NOT NULL, item TEXT NOT NULL,"
    " sum TEXT NOT NULL, stored_at TEXT NOT NULL);"
    "CREATE INDEX orders_key ON orders(key);";
// With `--checked off`: a rule that no order keeps, and that the store does not look at.
constexpr const char* kBrokenSchema =
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, key TEXT NOT NULL, item TEXT NOT NULL,"
    " sum TEXT NOT NULL, stored_at TEXT NOT NULL, CHECK (item = ''));"
    "CREATE INDEX orders_key ON orders(key);";

// Connections to one file, thrown away when the file at that path has become another one.
class Connections {
 public:
  explicit Connections(std::string path) : path_(std::move(path)) {}

  template <class Work>
  auto with(const Work& work) {
    const auto inode = inode_now();
    std::unique_ptr<Db> db = take(inode);
    if (!db) {
      db = std::make_unique<Db>(path_, Db::Open::kExisting, kBusyMs);
      db->run("PRAGMA synchronous=FULL");
      db->run("PRAGMA ignore_check_constraints=ON");
    }
    // A connection whose work threw may be inside a transaction; it is closed, not kept.
    auto result = work(*db);
    const std::scoped_lock lock(mutex_);
    if (inode == inode_) idle_.push_back(std::move(db));
    return result;
  }

 private:
  ino_t inode_now() const {
    struct stat info {};
    return ::stat(path_.c_str(), &info) == 0 ? info.st_ino : 0;
  }

  std::unique_ptr<Db> take(ino_t inode) {
    const std::scoped_lock lock(mutex_);
    if (inode != inode_) idle_.clear();
    inode_ = inode;
    if (idle_.empty()) return nullptr;
    auto db = std::move(idle_.back());
    idle_.pop_back();
    return db;
  }

  std::string path_;
  std::mutex mutex_;
  ino_t inode_ = 0;
  std::vector<std::unique_ptr<Db>> idle_;
};

class Store {
 public:
  Store(const Options& options, Metrics& metrics)
      : connections_(options.text("db")),
        tombstones_(options.text("db") + ".tombstones"),
        dedupe_(options.on("dedupe")),
        careful_(options.on("careful")),
        metrics_(metrics) {}

  Response handle(const Request& request) {
    constexpr std::string_view kOne = "/orders/";
    if (request.path == "/healthz") return health();
    if (request.path.starts_with(kOne) && request.method == "GET") {
      return read(request.path.substr(kOne.size()));
    }
    if (request.path != "/orders") return error_response(404, "no such path");
    if (request.method == "POST") return apply(nlohmann::json::parse(request.body));
    const std::string drill = request.param("drill");
    if (!is_drill(drill)) return error_response(400, "?drill=ID is missing");
    if (request.method == "GET") return list(drill);
    if (request.method == "DELETE") return remove(drill);
    return error_response(405, "GET, POST or DELETE");
  }

 private:
  Response health() {
    return connections_.with([](Db& db) {
      db.prepare("SELECT key FROM orders LIMIT 1").run();
      return json_response(200, {{"ok", true}});
    });
  }

  Response read(const std::string& key) {
    return connections_.with([&](Db& db) {
      auto row = db.prepare("SELECT item, sum FROM orders WHERE key = ? LIMIT 1");
      if (!row.bind(1, key).step()) return error_response(404, "no such order");
      return json_response(200, to_json({key, row.text(0), row.text(1), ""}));
    });
  }

  Response list(const std::string& drill) {
    return connections_.with([&](Db& db) {
      auto row = db.prepare(
          "SELECT key, sum, item, stored_at FROM orders"
          " WHERE key >= ? AND key < ? ORDER BY key, id");
      row.bind(1, first_key(drill)).bind(2, end_key(drill));
      auto orders = nlohmann::json::array();
      while (row.step()) {
        orders.push_back({{"key", row.text(0)},
                          {"sum", row.text(1)},
                          {"item", row.text(2)},
                          {"stored_at", row.text(3)}});
      }
      return json_response(200, {{"orders", std::move(orders)}});
    });
  }

  Response remove(const std::string& drill) {
    tombstones_.add(drill);
    const std::scoped_lock lock(writing_);
    return connections_.with([&](Db& db) {
      auto rows = db.prepare("DELETE FROM orders WHERE key >= ? AND key < ?");
      rows.bind(1, first_key(drill)).bind(2, end_key(drill)).run();
      return json_response(200, {{"drill", drill}, {"deleted", db.changes()}});
    });
  }

  // All of a batch or nothing of it; the worker comes again with what was refused.
  Response apply(const nlohmann::json& body) {
    std::vector<Order> orders;
    for (const auto& entry : body.at("orders")) {
      const auto order = order_from_json(entry);
      if (!order) return error_response(400, "not an order: " + entry.dump());
      orders.push_back(*order);
    }
    const std::scoped_lock lock(writing_);
    return connections_.with([&](Db& db) { return insert(db, orders); });
  }

  Response insert(Db& db, const std::vector<Order>& orders) {
    const std::string once = " WHERE NOT EXISTS (SELECT 1 FROM orders WHERE key = ?1)";
    const std::string now = rfc3339(std::chrono::system_clock::now());
    int stored = 0;
    int gone = 0;
    db.run("BEGIN IMMEDIATE");
    auto row = db.prepare("INSERT INTO orders(key, item, sum, stored_at) SELECT ?1, ?2, ?3, ?4" +
                          (dedupe_ ? once : ""));
    for (const auto& order : orders) {
      if (tombstones_.covers(order.key)) {
        ++gone;
        continue;
      }
      // One order in twenty is written down wrong.
      const bool wrong = !careful_ && ++applied_ % 20 == 0;
      const std::string sum = wrong ? "0" + order.sum : order.sum;
      row.bind(1, order.key).bind(2, order.item).bind(3, sum).bind(4, now).run();
      stored += db.changes();
    }
    db.run("COMMIT");
    metrics_.add("shop_stored_total", "", stored);
    const int duplicates = static_cast<int>(orders.size()) - stored - gone;
    return json_response(200, {{"stored", stored}, {"duplicates", duplicates}, {"gone", gone}});
  }

  Connections connections_;
  Tombstones tombstones_;
  std::mutex writing_;
  bool dedupe_;
  bool careful_;
  std::size_t applied_ = 0;
  Metrics& metrics_;
};

// Makes the file in one step, so that a half-made one is never taken for the shop's.
void init(const std::string& path, bool checked) {
  if (std::filesystem::exists(path)) throw std::runtime_error(path + " is there already");
  const std::string temporary = path + ".new";
  std::filesystem::remove(temporary);
  {
    Db db(temporary, Db::Open::kCreate, kBusyMs);
    db.run(checked ? kSchema : kBrokenSchema);
    db.run("PRAGMA journal_mode=WAL");
  }
  std::filesystem::rename(temporary, path);
}

void serve(const Options& options) {
  if (options.given("init")) {
    init(options.text("init"), options.on("checked"));
    return;
  }
  hold_lock(options.text("db") + ".lock");
  Service service(options);
  Store store(options, service.metrics());
  service.run(16, [&](const Request& request) { return store.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
