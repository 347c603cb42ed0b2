// A journal that counts the durable events that its writer appends, and lets the writer die at one
// of them: before it is kept, or after.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "engine/journal/journal.h"
#include "engine/sim/failures.h"

namespace gameday {

struct Died {};  // thrown through whoever died; caught by the rehearsal alone

class WatchedJournal : public Journal {
 public:
  using Each = std::function<void(std::uint64_t appended)>;

  WatchedJournal(std::unique_ptr<Journal> inner, Failures::Death death, Each each = {})
      : inner_(std::move(inner)), death_(death), each_(std::move(each)) {}

  Result<std::uint64_t> append(Now now, std::string_view type, const Json& data,
                               Durability durability) override {
    if (durability != Durability::durable) return inner_->append(now, type, data, durability);
    const bool dies = ++appended_ == death_.at;
    if (dies && death_.before) throw Died{};
    auto kept = inner_->append(now, type, data, durability);
    if (dies) throw Died{};
    if (each_) each_(appended_);
    return kept;
  }
  Status flush() override { return inner_->flush(); }
  [[nodiscard]] std::string head() const override { return inner_->head(); }

 private:
  std::unique_ptr<Journal> inner_;
  const Failures::Death death_;
  const Each each_;
  std::uint64_t appended_ = 0;
};

}  // namespace gameday
