// What every journal does alike, wherever its lines are kept: numbers and chains the events, holds
// back batched ones, and stays fenced once it was. It knows no file; a LineKeeper does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/journal/journal.h"

namespace gameday {

class LineKeeper {
 public:
  virtual ~LineKeeper() = default;
  // Keeps all lines or none; the first one is event `first`. no_space, fenced, or another error.
  [[nodiscard]] virtual Status keep(std::uint64_t first, const std::vector<std::string>& lines,
                                    Durability durability) = 0;
  // The disk is full: gives the reserve up, if it is still there, for what is kept from now on.
  virtual void free_reserve() = 0;
};

class ChainedJournal : public Journal {
 public:
  static constexpr Duration kLongestBatch = std::chrono::seconds(1);
  static constexpr std::size_t kMostBatched = 1000;

  enum class Phase { open, closed };
  ChainedJournal(Chain chain, Phase phase, std::unique_ptr<LineKeeper> keeper);

  [[nodiscard]] Result<std::uint64_t> append(Now now, std::string_view type, const Json& data,
                                             Durability durability) override;
  [[nodiscard]] Status flush() override;
  [[nodiscard]] std::string head() const override { return chain_.head(); }

 private:
  [[nodiscard]] Status keep(Durability durability);

  Chain chain_;
  std::unique_ptr<LineKeeper> keeper_;
  std::vector<std::string> batch_;
  Instant batch_since_;
  std::uint64_t kept_ = 0;  // events that the keeper has
  bool closed_ = false;
  bool fenced_ = false;
};

}  // namespace gameday
