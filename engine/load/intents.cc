#include "engine/load/intents.h"

#include <algorithm>
#include <cmath>

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(50);
constexpr Duration kSync = std::chrono::seconds(1);

// Arrivals of one second, so that a disk may take that long to answer.
std::uint64_t block_for(double rate) {
  constexpr double kLeast = 100;
  return static_cast<std::uint64_t>(std::max(kLeast, std::ceil(rate)));
}

}  // namespace

Intents::Intents(const IntentTerms& terms, LedgerFile& ledger, const Clock& clock)
    : block_(block_for(terms.rate)),
      most_(terms.most > 0 ? terms.most : UINT64_MAX),
      ledger_(ledger),
      clock_(clock) {}

Intents::~Intents() { stop(); }

Status Intents::start() {
  TRY_OK(go_ahead());
  thread_ = std::thread([this] { run(); });
  return {};
}

void Intents::stop() {
  stop_.request();
  if (thread_.joinable()) thread_.join();
}

std::string Intents::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

Status Intents::go_ahead() {
  while (durable_ < most_ && durable_ < next_ + 2 * block_) {
    const std::uint64_t from = durable_;
    const std::uint64_t to = std::min(from + block_, most_);
    TRY_OK(ledger_.intend(from, to - 1));
    durable_ = to;
  }
  return {};
}

void Intents::run() {
  Instant synced = clock_.now().boot;
  while (clock_.pause(kLook, {stop_.stop(), Instant::max()})) {
    Status status = go_ahead();
    if (status && clock_.now().boot - synced >= kSync) {
      synced = clock_.now().boot;
      status = ledger_.sync();
    }
    if (!status) {
      const std::lock_guard lock(mutex_);
      problem_ = status.error().text;
      return;
    }
  }
}

}  // namespace gameday
