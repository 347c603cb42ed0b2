// Time that only goes on when it is told to, and what is going to happen in the simulated system.
// Entries due at the same time happen in the order in which they were entered.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "engine/base/time.h"

namespace gameday {

class Agenda {
 public:
  using Entry = std::function<void()>;

  void add(Instant at, Entry entry) { entries_.emplace(std::pair(at, ++count_), std::move(entry)); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] Instant next() const { return entries_.begin()->first.first; }
  [[nodiscard]] Entry take() {
    Entry entry = std::move(entries_.begin()->second);
    entries_.erase(entries_.begin());
    return entry;
  }
  void clear() { entries_.clear(); }

 private:
  std::map<std::pair<Instant, std::uint64_t>, Entry> entries_;
  std::uint64_t count_ = 0;
};

class VirtualTime {
 public:
  explicit VirtualTime(Now start) : now_(start) {}

  [[nodiscard]] Now now() const { return now_; }
  // Goes on to that time, never back.
  void go_to(Instant at) {
    if (at <= now_.boot) return;
    now_.utc += at - now_.boot;
    now_.boot = at;
  }
  void jump(Duration by) { now_.utc += by; }

 private:
  Now now_;
};

}  // namespace gameday
