// The queue's durable state. Its functions run inside one transaction on one thread (Committer).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "disturbances.h"
#include "lib/db.h"
#include "lib/order.h"
#include "lib/tombstones.h"

namespace shop {

class QueueState {
 public:
  struct Delivery {
    std::int64_t seq;
    std::int64_t lease;
    Order order;
  };
  struct Counts {
    std::int64_t messages = 0;
    std::int64_t retained = 0;
  };
  struct Published {
    int accepted = 0;
    int skipped = 0;
    std::vector<std::string> gone;
  };

  struct Retained {
    double confirmed_at;  // seconds since the epoch
    Order order;
  };

  static std::string schema();

  QueueState(Tombstones& tombstones, bool dedupe, double retain_s)
      : tombstones_(tombstones), dedupe_(dedupe), retain_s_(retain_s) {}

  std::optional<std::string> incarnation(Db& db) const;  // nothing: there is no queue
  void create(Db& db);
  nlohmann::json drop(Db& db, bool save);
  std::optional<std::string> last_drop(Db& db) const;
  // Takes out what waits; what is out for delivery stays. With a mark it is kept under that.
  nlohmann::json purge(Db& db, const std::string& mark);
  nlohmann::json purged(Db& db, const std::string& mark) const;
  void forget_purged(Db& db, const std::string& mark);

  Published publish(Db& db, const std::vector<Order>& orders);
  Published put_back(Db& db, const std::vector<Order>& orders,
                     const std::vector<Retained>& retained);
  std::vector<Delivery> lease(Db& db, std::size_t most, std::chrono::milliseconds visibility);
  // A lease that was taken back confirms nothing: the message is delivered again.
  int confirm(Db& db, const std::vector<std::pair<std::int64_t, std::int64_t>>& leases);
  int release(const std::vector<std::pair<std::int64_t, std::int64_t>>& leases);
  // Messages that are no orders, all under one mark; nothing: what carried it was removed, and
  // these are late.
  std::optional<nlohmann::json> add_raw(Db& db, const std::vector<std::string>& bodies,
                                        const std::string& mark);
  // Who leased them cannot work on them: delivered again, and after that many times put aside.
  nlohmann::json reject(Db& db, const std::vector<std::pair<std::int64_t, std::int64_t>>& leases,
                        int most);
  nlohmann::json dead(Db& db) const;
  int remove_marked(Db& db, const std::string& mark);
  bool disturb(Db& db, const Disturbances::Asked& asked);  // false: it was ended before
  void end_disturbance(Db& db, const std::string& mark);
  nlohmann::json settled(Db& db, const std::vector<std::string>& keys) const;
  int replay(Db& db, double since);
  int remove_drill(Db& db, const std::string& drill);
  void expire(Db& db);

  Counts counts(Db& db) const;
  nlohmann::json messages(Db& db) const;
  nlohmann::json retained(Db& db) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Lease {
    std::int64_t number;
    Clock::time_point until;
  };

  Published add(Db& db, const std::vector<Order>& orders, bool skip_waiting, bool skip_retained);
  double oldest_retained() const;
  bool is_out(std::int64_t seq) const;

  Tombstones& tombstones_;
  bool dedupe_;
  double retain_s_;
  std::map<std::int64_t, Lease> leases_;  // by seq; a restart delivers everything again
  // Never a number of a former life, whose confirmations may still be under way.
  std::int64_t next_lease_ = std::chrono::system_clock::now().time_since_epoch().count() / 1000;
};

}  // namespace shop
