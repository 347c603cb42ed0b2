// Users in a closed loop: each asks, waits for the answer, thinks, and asks again. Who of them is
// next, and when; pure, by the seed and by what was answered. Those who wait for an answer are no
// part of it: memory grows with the users, a few dozen bytes each.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "engine/base/random.h"
#include "engine/playbook/playbook.h"

namespace gameday {

class Users {
 public:
  Users(const UsersSpec& spec, std::uint64_t seed, Instant start);

  // When the next one is due to ask: his thinking is over, or he is spawned. None: all wait.
  [[nodiscard]] std::optional<Instant> next_due() const;
  // That one, who waits from now on.
  [[nodiscard]] std::size_t take();
  // He has his answer, or none and gave up, and thinks from then on.
  void answered(std::size_t user, Instant at);

  // Those who have asked for the first time, in the order of their numbers from 0.
  [[nodiscard]] std::uint64_t spawned() const { return thoughts_.size(); }

 private:
  struct Thinker {
    Instant until;
    std::size_t user = 0;
    // The first of a heap is the greatest; of several at one moment, the one with the lowest
    // number.
    [[nodiscard]] bool operator<(const Thinker& other) const {
      return until != other.until ? until > other.until : user > other.user;
    }
  };
  [[nodiscard]] std::optional<Instant> next_spawn() const;

  const UsersSpec spec_;
  const Instant start_;
  Random seeds_;
  std::vector<Random> thoughts_;  // how long each thinks depends on no other one
  std::priority_queue<Thinker> thinking_;
};

}  // namespace gameday
