// SHA-256, the digest of the evidence, and the ids that drills carry.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace gameday {

// "sha256:" and 64 hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view bytes);

// The same of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(std::string_view bytes);
  [[nodiscard]] std::string digest() const;  // of what was added so far; adding may go on

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 16 bytes, for protocols that ask for it: it proves nothing. Empty where this machine allows none.
[[nodiscard]] std::string md5(std::string_view bytes);

// A ULID: 48 bits of milliseconds and 80 random bits, 26 letters that sort by time.
[[nodiscard]] std::string ulid(Utc now, Random& random);

// Standard base64 (RFC 4648, section 4), with padding.
[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

}  // namespace gameday
