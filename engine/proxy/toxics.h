// What stands in the way of a link's traffic right now. Each toxic carries the mark of the deed
// that put it there and a lease: when nobody renews it, it falls away and traffic passes again.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"

namespace gameday {

inline constexpr Duration kLongestLease = std::chrono::seconds(2);

// What a stream may do at this moment; of several toxics the narrowest holds.
struct Passage {
  bool joins = true;  // new connections are joined to upstream
  std::size_t bytes = std::numeric_limits<std::size_t>::max();  // that may pass now, each way

  [[nodiscard]] bool closed() const { return bytes == 0; }
  bool operator==(const Passage&) const = default;
};

struct ToxicRow {
  std::string_view kind;
  Passage (*passage)(const Json& arguments);
};
[[nodiscard]] std::span<const ToxicRow> toxic_rows();

class Toxics {
 public:
  // {"kind", "mark", "lease_s"}: the same kind with the same mark again only begins a new lease.
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
    Json arguments;
    Duration lease;
    Instant end;
  };
  std::vector<Toxic> toxics_;
};

}  // namespace gameday
