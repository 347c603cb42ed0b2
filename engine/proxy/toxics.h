// What stands in the way of a link's traffic right now. Each toxic carries the mark of the deed
// that put it there and a lease: when nobody renews it, it falls away and traffic passes again.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"

namespace gameday {

inline constexpr Duration kLongestLease = std::chrono::seconds(2);

// How the bytes of one direction pass.
struct Shape {
  Duration latency{};     // so much later than they came
  Duration jitter{};      // and up to so much more, drawn for each chunk
  double rate = 0;        // bytes per second, of all streams together; 0: as fast as they come
  std::size_t piece = 0;  // at most so many at once; 0: any number
  Duration pause{};       // after each piece
  double loss = 0;        // the chance of each chunk to be lost, and to come again (flow.h)

  [[nodiscard]] bool plain() const { return *this == Shape{}; }
  [[nodiscard]] bool delays() const { return latency + jitter > Duration{} || loss > 0; }
  bool operator==(const Shape&) const = default;
};

// What a stream may do at this moment. Of several toxics the latencies add up, as those of lines
// one behind the other do; so do chances of loss; of all else the narrowest holds.
struct Passage {
  bool open = true;              // bytes pass, and new connections are joined to upstream
  std::optional<Duration> life;  // when a connection has lived so long, it is reset
  Shape up, down;                // from client to upstream, and back

  [[nodiscard]] bool plain() const { return *this == Passage{}; }
  bool operator==(const Passage&) const = default;
};

struct ToxicRow {
  std::string_view kind;
  Result<Passage> (*passage)(const Json& arguments);
};
[[nodiscard]] std::span<const ToxicRow> toxic_rows();

class Toxics {
 public:
  // {"kind", "mark", "lease_s"} and the kind's own: the same kind with the same mark again only
  // begins a new lease.
  [[nodiscard]] Status add(const Json& request, Instant now);
  // not_found: nothing with that mark is there (any more); it is never put back.
  [[nodiscard]] Status renew(const std::string& mark, Instant now);
  void remove(const std::string& mark);
  // Drops what was not renewed; whether anything was.
  bool expire(Instant now);

  [[nodiscard]] Passage passage() const;
  [[nodiscard]] std::optional<Instant> next_end() const;
  [[nodiscard]] Json to_json(Instant now) const;

 private:
  struct Toxic {
    const ToxicRow* row;
    std::string mark;
    Passage passage;
    Duration lease;
    Instant end;
  };
  std::vector<Toxic> toxics_;
};

}  // namespace gameday
