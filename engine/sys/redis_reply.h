// What Redis says, as RESP2 writes it: read piece by piece as it comes, with bounds, since who
// speaks may be anybody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace gameday {

struct RedisReply {
  enum class Kind { nothing, status, error, integer, text, list };
  Kind kind = Kind::nothing;
  std::string text = {};  // of a status, an error or a text, whose bytes may be any
  std::int64_t number = 0;
  std::vector<RedisReply> items = {};

  [[nodiscard]] bool is_error() const { return kind == Kind::error; }
  [[nodiscard]] bool is_nothing() const { return kind == Kind::nothing; }
  // Which error it is: the first word, "NOPERM". Empty where it is none.
  [[nodiscard]] std::string error_word() const;
};

// The error that a reply tells of, with the server's own words. `refused`: who we are, or what we
// may. `unsupported`: it has no such command.
[[nodiscard]] Error error_of(const RedisReply& reply);

class RedisReader {
 public:
  static constexpr std::size_t kLargest = 64 << 20;  // bytes of one reply
  static constexpr std::size_t kDeepest = 8;         // lists in lists
  static constexpr std::int64_t kMostItems = 1 << 20;

  void add(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole reply; nothing: more must come first. `failed`: this is no RESP, or is beyond
  // the bounds, and the reader is of no more use.
  [[nodiscard]] Result<std::optional<RedisReply>> take();

 private:
  struct Open {
    RedisReply list;
    std::int64_t left;
  };
  struct Step {
    bool more = false;  // must come first
    std::optional<RedisReply> value;
  };
  [[nodiscard]] Result<Step> step();
  [[nodiscard]] Result<Step> open_list(std::int64_t count);
  [[nodiscard]] std::optional<RedisReply> placed(RedisReply value);
  void forget_what_was_read();

  std::string bytes_;
  std::size_t at_ = 0;
  std::size_t read_ = 0;  // bytes of the reply that is under way
  std::int64_t items_ = 0;
  std::vector<Open> open_;
};

// As a client says it: a list of texts.
[[nodiscard]] std::string redis_words(const std::vector<std::string>& command);

}  // namespace gameday
