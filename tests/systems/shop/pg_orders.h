// The orders, and the drills whose orders were deleted, in PostgreSQL.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/http.h"
#include "lib/order.h"
#include "pg.h"

namespace shop {

// PostgreSQL's text takes every character but one.
inline bool can_be_stored(const Order& order) {
  return order.item.find('\0') == std::string::npos && order.sum.find('\0') == std::string::npos;
}

class PgOrders {
 public:
  // `near` are the servers that are asked for one order, `primary` those for everything else.
  PgOrders(const std::string& near, const std::string& primary)
      : near_(near), primary_(primary), probe_(near) {}

  // 200 or 404; these throw PgError when no server answers.
  Response read(const std::string& key);
  // From the primary when it answers, as the others may be behind.
  Response list(const std::string& drill);
  // How many orders there were. Those that arrive later are refused.
  int remove(const std::string& drill);
  // All of a batch or nothing; a key that is there already keeps its first content.
  int store(const std::vector<Order>& orders);
  // Which of these need no more sending: stored, or of a deleted drill.
  std::vector<std::string> settled(const std::vector<std::string>& keys);
  std::vector<std::string> deleted_drills();
  // False when the nearest server does not answer or has lost its table.
  bool answers();

 private:
  PgPool near_;
  PgPool primary_;
  PgPool probe_;
};

}  // namespace shop
