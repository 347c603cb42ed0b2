// One direction of a stream: what was read and may not pass yet, or could not, in its order. What
// is full is not read any further, so that the sender sees it.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "engine/base/random.h"
#include "engine/proxy/toxics.h"

namespace gameday {

// The turns at a rate that all streams of a direction share. Whoever wants to pass bytes books
// them and is told when; who books first passes first.
class Pace {
 public:
  [[nodiscard]] Instant book(std::size_t bytes, double rate, Instant now);
  // So many bytes at most a turn, for the rate to be even.
  [[nodiscard]] static std::size_t most_at_once(double rate);

 private:
  Instant free_{};  // when everything that was booked has passed
};

// What one direction may do at this moment.
struct Terms {
  const Shape& shape;
  std::size_t room;  // bytes that it may hold
  Instant now;       // read only where the shape asks for it
  Pace& pace;
};

// What is lost on a line comes again after a while, and what was sent behind it waits: the shortest
// of RFC 6298's timeouts as Linux has it, doubled each time that it is lost again, thrice at most.
inline constexpr Duration kComesAgain = std::chrono::milliseconds(200);
inline constexpr int kMostLosses = 3;

class Flow {
 public:
  // The draws of a jitter and of losses come from the seed.
  explicit Flow(std::uint64_t seed) : random_(seed) {}

  // Goes as far as the terms and the sockets let it; `passed` counts what was passed on.
  void advance(int from, int to, const Terms& terms, std::uint64_t& passed);
  // Turns that were booked no longer hold.
  void rebook() { booked_ = 0; }
  // Whoever sends has broken off: an end that is still to come is none in order.
  void sender_broke() { sender_broke_ = true; }

  // When to come back: for more of the sender's, for room at the receiver's, and at what time.
  [[nodiscard]] bool wants_to_read() const { return reads_; }
  [[nodiscard]] bool wants_to_write() const { return !held_.empty() && !wake_ && !lost_; }
  [[nodiscard]] std::optional<Instant> wake() const { return wake_; }

  // Everything has passed, and the receiver was told that it is all.
  [[nodiscard]] bool ended() const { return told_ || lost_; }
  // Everything has passed, and then the sender has broken off.
  [[nodiscard]] bool broken() const { return broken_; }
  // The receiver has broken off; nothing passes any more.
  [[nodiscard]] bool lost() const { return lost_; }
  [[nodiscard]] std::size_t holds() const { return holds_; }

 private:
  enum class End { none, in_order, broken };
  struct Coming {
    Instant when{};
    double draw = 0;   // its share of the jitter
    Duration again{};  // later by so much, because it was lost
  };
  struct Chunk {
    Coming coming;
    std::string bytes;
  };

  [[nodiscard]] bool read(int from, int to, const Terms& terms, std::uint64_t& passed);
  [[nodiscard]] bool pass(int to, const Terms& terms, std::uint64_t& passed);
  [[nodiscard]] std::size_t send(int to, std::string_view bytes, std::uint64_t& passed);
  [[nodiscard]] std::size_t may_pass(std::size_t size, const Terms& terms);
  [[nodiscard]] bool is_due(const Coming& coming, const Terms& terms);
  [[nodiscard]] bool has_room(const Terms& terms) const;
  [[nodiscard]] Coming comes(const Terms& terms);
  void hold(std::string_view bytes, const Terms& terms);
  void drop_first(std::size_t bytes);
  void drop_all();
  void tell_the_end(int to, const Terms& terms);

  Random random_;
  std::list<Chunk> held_;  // takes no memory while it is empty
  std::size_t first_ = 0;  // of the first chunk so many bytes have passed
  std::size_t holds_ = 0;  // what the chunks cost
  End end_ = End::none;
  Coming end_coming_;
  Instant next_piece_{};
  std::size_t booked_ = 0;
  Instant booked_for_{};
  std::optional<Instant> wake_;
  bool reads_ = true;
  bool sender_broke_ = false;
  bool told_ = false;
  bool broken_ = false;
  bool lost_ = false;
};

}  // namespace gameday
