// What a Redis server sends to one that asks for all that it has (PSYNC ? -1): empty lines while it
// makes ready, a reply, how the dump will end, and its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace gameday {

// Is given the dump's bytes in pieces; what it answers ends the reading.
using RdbSink = std::function<Status(std::string_view bytes)>;

// Fed with what has come; nothing of the dump is kept here but what may be its end.
class RdbStream {
 public:
  // Whether that was the last of it. An error of the server's is one, as error_of() has it.
  [[nodiscard]] Result<bool> add(std::string_view bytes, const RdbSink& take);
  // Bytes of the dump that have come.
  [[nodiscard]] std::int64_t taken() const { return taken_; }
  // Whether the server streams it from its memory, without a file of its own. Known with the dump's
  // first byte.
  [[nodiscard]] bool without_a_file() const { return !mark_.empty(); }

 private:
  enum class Stage { reply, head, counted, marked };
  [[nodiscard]] Status read_line(std::string_view line);
  [[nodiscard]] Result<bool> read_counted(const RdbSink& take);
  [[nodiscard]] Result<bool> read_marked(const RdbSink& take);

  Stage stage_ = Stage::reply;
  std::string waiting_;  // what has come and is not handed on
  std::string mark_;     // forty bytes that stand at its end, of a dump whose length nobody knew
  std::int64_t left_ = 0;
  std::int64_t taken_ = 0;
};

}  // namespace gameday
