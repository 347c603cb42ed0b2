// Where the events of one running drill go. The conductor's rule holds on it: what is not in the
// journal has not happened, so an append that fails means that nothing is done.
#pragma once

#include <string_view>

#include "engine/journal/chain.h"

namespace gameday {

enum class Durability {
  durable,  // on disk when append returns, with all before it
  batched   // samples: on disk with the next durable event, or after at most a second
};

class Journal {
 public:
  virtual ~Journal() = default;  // flushes nothing, as a killed runner flushes nothing
  // Returns the event's number. no_space: the disk is full (the reserve is then freed, and undo
  // events go on); fenced: another replayer has taken the drill, for good; refused: the drill has
  // its closing event. An append that fails leaves no event. One thread at a time.
  [[nodiscard]] virtual Result<std::uint64_t> append(Now now, std::string_view type,
                                                     const Json& data, Durability durability) = 0;
  // Puts what is batched on disk. What cannot be kept now is tried again with the next append.
  [[nodiscard]] virtual Status flush() = 0;
  [[nodiscard]] virtual std::string head() const = 0;  // of all appended, batched ones too
};

}  // namespace gameday
