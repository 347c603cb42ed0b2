// Random numbers from a seed, the same on every machine (xoshiro256**, Blackman and Vigna 2018,
// seeded by splitmix64). Whoever needs chance is handed one; there is no global.
#pragma once

#include <cstdint>

namespace gameday {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);  // 0 .. bound-1, bound > 0
  [[nodiscard]] double unit();                             // [0, 1)
  [[nodiscard]] bool chance(double probability);
  [[nodiscard]] double exponential(double mean);
  [[nodiscard]] Random
  fork();  // an independent stream, for a part whose draws must not shift others

 private:
  std::uint64_t state_[4];
};

}  // namespace gameday
