// Chance that is a function of its place: the same for a request whenever it is asked, in any
// order, so that who sends and who sums up need not keep it.
#pragma once

#include <cstdint>
#include <string>

namespace gameday {

// splitmix64's: numbers that are near each other become numbers that are not, and each another one.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// 64 bits of a text's digest, of which it has four times as many: `word` is 0 to 3.
[[nodiscard]] std::uint64_t bits_of(const std::string& text, std::size_t word = 0);

}  // namespace gameday
