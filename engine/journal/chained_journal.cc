#include "engine/journal/chained_journal.h"

namespace gameday {

ChainedJournal::ChainedJournal(Chain chain, Phase phase, std::unique_ptr<LineKeeper> keeper)
    : chain_(std::move(chain)),
      keeper_(std::move(keeper)),
      kept_(chain_.count()),
      closed_(phase == Phase::closed) {}

Result<std::uint64_t> ChainedJournal::append(Now now, std::string_view type, const Json& data,
                                             Durability durability) {
  if (closed_) return fail(ErrorCode::refused, "the drill is closed: no event can follow");
  ChainLine made = chain_.line(now, type, data);
  if (batch_.empty()) batch_since_ = now.boot;
  batch_.push_back(made.line);
  const bool due = now.boot - batch_since_ >= kLongestBatch || batch_.size() >= kMostBatched;
  if (durability == Durability::durable || due) {
    if (auto kept = keep(durability); !kept) {
      if (!batch_.empty()) batch_.pop_back();
      return std::unexpected(std::move(kept).error());
    }
  } else if (fenced_) {
    batch_.clear();
    return fail(ErrorCode::fenced, "another replayer has taken the drill over");
  }
  chain_.advance(made);
  closed_ = type == kClosing;
  return chain_.count();
}

Status ChainedJournal::flush() { return batch_.empty() ? Status{} : keep(Durability::batched); }

// Once fenced, the batch is dropped: its numbers belong to whoever has the drill now.
Status ChainedJournal::keep(Durability durability) {
  if (fenced_) {
    batch_.clear();
    return fail(ErrorCode::fenced, "another replayer has taken the drill over");
  }
  auto kept = keeper_->keep(kept_ + 1, batch_, durability);
  if (kept) {
    kept_ += batch_.size();
    batch_.clear();
    return kept;
  }
  if (kept.error().code == ErrorCode::fenced) {
    fenced_ = true;
    batch_.clear();
  }
  if (kept.error().code == ErrorCode::no_space) keeper_->free_reserve();
  return kept;
}

}  // namespace gameday
