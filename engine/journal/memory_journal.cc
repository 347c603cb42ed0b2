#include "engine/journal/memory_journal.h"

#include "engine/base/assert.h"
#include "engine/journal/chained_journal.h"

namespace gameday {
namespace {

class MemoryKeeper : public LineKeeper {
 public:
  explicit MemoryKeeper(std::shared_ptr<MemoryLog> log)
      : log_(std::move(log)), epoch_(log_->epoch) {}

  Status keep(std::uint64_t first, const std::vector<std::string>& lines, Durability) override {
    if (log_->epoch != epoch_) {
      return fail(ErrorCode::fenced, "another replayer has taken the drill over");
    }
    GD_ASSERT(first == log_->lines.size() + 1);
    const std::uint64_t last = first + lines.size() - 1;
    if (last >= room()) return fail(ErrorCode::no_space, "the simulated disk is full");
    log_->lines.insert(log_->lines.end(), lines.begin(), lines.end());
    return {};
  }

  void free_reserve() override { log_->reserve_freed = true; }

 private:
  [[nodiscard]] std::uint64_t room() const {
    if (log_->full_from == MemoryLog::kNever) return MemoryLog::kNever;
    return log_->full_from + (log_->reserve_freed ? log_->reserve_events : 0);
  }

  std::shared_ptr<MemoryLog> log_;
  std::int64_t epoch_;
};

}  // namespace

std::unique_ptr<Journal> memory_journal(std::shared_ptr<MemoryLog> log, const std::string& boot) {
  GD_ASSERT(log != nullptr);
  std::string head = log->previous_head;
  auto phase = ChainedJournal::Phase::open;
  if (!log->lines.empty()) {
    const auto last = parse_event(log->lines.back());
    GD_ASSERT(last.has_value());
    head = last->hash;
    if (last->type == kClosing) phase = ChainedJournal::Phase::closed;
  }
  Chain chain(log->drill, boot, std::move(head), log->lines.size());
  return std::make_unique<ChainedJournal>(std::move(chain), phase,
                                          std::make_unique<MemoryKeeper>(std::move(log)));
}

std::unique_ptr<Journal> take_over_memory_journal(std::shared_ptr<MemoryLog> log,
                                                  const std::string& boot) {
  GD_ASSERT(log != nullptr);
  ++log->epoch;
  return memory_journal(std::move(log), boot);
}

}  // namespace gameday
