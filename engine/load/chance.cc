#include "engine/load/chance.h"

#include <charconv>

#include "engine/base/digest.h"

namespace gameday {

std::uint64_t bits_of(const std::string& text, std::size_t word) {
  constexpr std::size_t kPrefix = 7, kDigits = 16;  // behind "sha256:"
  const std::string digits = sha256(text).substr(kPrefix + word * kDigits, kDigits);
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace gameday
