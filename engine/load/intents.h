// Keeps intents durable ahead of the requests that they announce, and the ledger synced, on a
// thread of its own, so that no disk ever delays a send.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "engine/load/ledger.h"
#include "engine/sys/clock.h"

namespace gameday {

struct IntentTerms {
  double rate = 0;
  std::uint64_t most = 0;  // never intends more than these; 0: no bound
};

class Intents {
 public:
  // Both outlive this.
  Intents(const IntentTerms& terms, LedgerFile& ledger, const Clock& clock);
  ~Intents();
  Intents(const Intents&) = delete;
  Intents& operator=(const Intents&) = delete;

  // Makes the first blocks durable, then starts the thread.
  [[nodiscard]] Status start();
  void stop();  // waits for the thread

  // Requests below this may be sent.
  [[nodiscard]] std::uint64_t durable() const { return durable_.load(); }
  void next(std::uint64_t index) { next_.store(index); }  // the one that is due next
  [[nodiscard]] std::string problem() const;              // what the disk said; empty: nothing

 private:
  void run();
  [[nodiscard]] Status go_ahead();

  const std::uint64_t block_;
  const std::uint64_t most_;
  LedgerFile& ledger_;
  const Clock& clock_;
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::uint64_t> next_{0};
  mutable std::mutex mutex_;
  std::string problem_;
  StopSource stop_;
  std::thread thread_;
};

}  // namespace gameday
