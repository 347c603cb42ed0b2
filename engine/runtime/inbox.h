// What other threads tell the runner's loop. Thread-safe, bounded only by memory: its senders are
// the drill's own tasks and probes, which are few, and its door, which waits for each answer.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <variant>

#include "engine/conductor/events.h"
#include "engine/load/load.h"

namespace gameday {

// Goes into the journal as it is; the conductor need not know.
struct Noted {
  std::string type;
  Json data;
};
// Somebody at another terminal asks; the loop answers each one once.
struct Asked {
  Json request;
  Person who;
  std::shared_ptr<std::promise<Result<Json>>> answer;
};
using Message = std::variant<Happening, Noted, Asked>;

class Inbox {
 public:
  void put(Message message) {
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    filled_.notify_one();
  }

  // Waits for a message, at most that long.
  [[nodiscard]] std::optional<Message> take(Duration longest) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, longest, [&] { return !messages_.empty(); });
    if (messages_.empty()) return {};
    Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Message> messages_;
};

}  // namespace gameday
