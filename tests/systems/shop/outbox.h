// The gateway's outbox: orders accepted and not yet known to be stored, in a file of its own.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "lib/db.h"
#include "lib/order.h"

namespace shop {

class Outbox {
 public:
  enum class Added { kNew, kSame, kDifferent };

  // Everything that a former life left in the file counts as unsent.
  explicit Outbox(const std::string& path);

  Added add(const Order& order);  // on disk when it returns
  std::vector<Order> unsent(std::size_t most) const;
  void mark_sent(const std::vector<std::string>& keys);
  void mark_unsent(const std::vector<std::string>& keys);
  // Sent entries after `cursor` in the order of their keys; starts over at the end.
  std::vector<std::string> sent(std::string& cursor, std::size_t most) const;
  void remove(const std::vector<std::string>& keys);
  int remove_drill(const std::string& drill);
  std::size_t size() const;

 private:
  struct Entry {
    Order order;
    bool sent = false;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::deque<std::string> unsent_;  // may name entries that are gone by now
  Committer committer_;
};

}  // namespace shop
