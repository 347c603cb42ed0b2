// The hash chain: each event is one line of JSON that carries its own hash and the hash of the line
// before. Pure; who keeps the lines (SQLite, memory, a file) is not its business.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace gameday {

// {"n":1,"drill":"01J...","boot":"...","t":<ns since boot>,"utc":"...","type":"...","data":{...},
//  "prev":"sha256:...","hash":"sha256:..."}; `hash` is of the line without its `hash` member.
struct Event {
  std::uint64_t number = 0;  // from 1
  std::string drill;
  std::string boot;
  Instant at;
  std::string utc;
  std::string type;
  Json data = Json::object();
  std::string prev;
  std::string hash;
};

inline constexpr std::string_view kChainStart =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

[[nodiscard]] bool is_digest(std::string_view text);  // "sha256:" and 64 lower-case digits

struct ChainLine {
  std::string line;  // without a line feed
  std::string hash;  // the one that the line carries
};

// What the first event's `prev` is: the head of the drill before it in the same store, or
// kChainStart.
class Chain {
 public:
  Chain(std::string drill, std::string boot, std::string previous_head);
  // Goes on after an event that is already there.
  Chain(std::string drill, std::string boot, std::string head, std::uint64_t count);

  // The next line. Does not advance: an append that fails changes nothing.
  [[nodiscard]] ChainLine line(Now now, std::string_view type, const Json& data) const;
  // The line was kept: it is the head now.
  void advance(const ChainLine& kept);

  [[nodiscard]] const std::string& head() const { return head_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::string fixed_;  // the members that never change, as they stand in each line
  std::string head_;
  std::uint64_t count_ = 0;
};

// Strict: the nine members, in their order, of their types, written as Chain writes them. Whether
// the hash is right is asked with hash_of.
[[nodiscard]] Result<Event> parse_event(std::string_view line);

// The type of the event that ends a chain; its data has "events", the count with itself.
inline constexpr std::string_view kClosing = "closed";

// The hash that a line ought to carry; empty for one that is too short to carry any.
[[nodiscard]] std::string hash_of(std::string_view line);

struct ChainState {
  bool intact = false;       // every line verifies and follows the one before
  bool interrupted = false;  // intact so far, but no closing event
  std::uint64_t events = 0;  // that verify, from the first one
  std::string head;          // of these; kChainStart where there are none
  std::string drill;         // of the first one
  std::uint64_t line = 0;    // where the first problem is, from 1; 0 without one
  std::string problem;       // "line 12: edited (its hash does not match)"
};
// A chain's lines from wherever they are kept, one at a time: a journal may be larger than what one
// wants to hold in memory. Can be gone through again; `each` answers whether it wants another.
using LineVisitor = std::function<bool(std::string_view line)>;
using LineSource = std::function<Status(const LineVisitor& each)>;
[[nodiscard]] LineSource source_of(const std::vector<std::string>& lines);  // which must stay

// Stops at the first problem. Each event that verifies is given to `each`, if there is one. An
// error only where the source cannot be read.
[[nodiscard]] Result<ChainState> verify_chain(const LineSource& source,
                                              const std::function<void(Event)>& each = {});
[[nodiscard]] ChainState verify_chain(const std::vector<std::string>& lines,
                                      const std::function<void(Event)>& each = {});

}  // namespace gameday
