#include "engine/load/users.h"

#include "engine/base/assert.h"

namespace gameday {

Users::Users(const UsersSpec& spec, std::uint64_t seed, Instant start)
    : spec_(spec), start_(start), seeds_(seed) {
  GD_ASSERT(spec.users > 0 && spec.think_most >= spec.think_least);
}

std::optional<Instant> Users::next_spawn() const {
  if (spawned() >= spec_.users) return std::nullopt;
  if (spec_.spawn_rate == 0) return start_;
  return start_ + RateCurve(spec_.spawn_rate).when(static_cast<long double>(spawned()));
}

std::optional<Instant> Users::next_due() const {
  const auto spawn = next_spawn();
  if (thinking_.empty()) return spawn;
  const Instant thought = thinking_.top().until;
  return spawn ? std::min(*spawn, thought) : thought;
}

std::size_t Users::take() {
  const auto spawn = next_spawn();
  if (spawn && (thinking_.empty() || *spawn <= thinking_.top().until)) {
    thoughts_.push_back(seeds_.fork());
    return thoughts_.size() - 1;
  }
  GD_ASSERT(!thinking_.empty());
  const std::size_t user = thinking_.top().user;
  thinking_.pop();
  return user;
}

void Users::answered(std::size_t user, Instant at) {
  const Duration range = spec_.think_most - spec_.think_least;
  const Duration more = from_seconds(thoughts_[user].unit() * seconds(range));
  thinking_.push({at + spec_.think_least + more, user});
}

}  // namespace gameday
