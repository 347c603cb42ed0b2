// Trying a link from outside: a connection of our own through it that leads back to ourselves, so
// that both ends are seen and the system's own server is told nothing.
#pragma once

#include "drills/systems/link.h"

namespace gameday {

// Our client's end, connected through the link, and where the other end will come to.
struct Trial {
  Descriptor near;
  Descriptor listener;
  Instant begun;
};
[[nodiscard]] Result<Trial> try_link(const LinkInForce& link, const DeedContext& context);

// Both ends of one that was joined. timed_out: none was, until `context.until`.
struct Joined {
  Descriptor near, far;
  Duration took{};
};
[[nodiscard]] Result<Joined> join_through(const LinkInForce& link, const DeedContext& context);

// One byte, which must go at once; and one that is waited for.
[[nodiscard]] bool send_byte(int end);
[[nodiscard]] Status receive_byte(int end, const DeedContext& context);

// What became of bytes that were sent through in one direction, all at once.
struct Passing {
  Duration first{};  // until the first arrived, or time was up
  Duration last{};   // until the last did
  std::size_t first_read = 0;
  std::size_t largest_read = 0;
  std::size_t bytes = 0;  // that arrived

  // Bytes per second from the first read to the last; 0: there was only one, which says nothing.
  [[nodiscard]] double rate() const;
};

struct Crossing {
  Duration joined{};  // until the other end had the connection
  Passing up, down;
};
[[nodiscard]] Json to_json(const Crossing& crossing);
[[nodiscard]] Crossing crossing_from(const Json& value);  // zeroes for what it lacks

// Sends so many bytes through, both ways at once, until `context.until`. timed_out: no connection
// was joined by then.
[[nodiscard]] Result<Crossing> cross(const LinkInForce& link, std::size_t bytes,
                                     const DeedContext& context);

}  // namespace gameday
