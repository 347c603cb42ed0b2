// What a process that carries a load tells of it, a line at a time: what it is, each request that
// has ended, how many users it has, and what it could not tell. Whatever made the process, its
// lines are these; where they are read from stands in tell_socket.h.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/load/sample.h"
#include "engine/load/summary.h"

namespace gameday {

struct ToldHello {  // the first line: "hello worker 4711 2.47.0"
  bool sends = true;
  std::string version;
};
struct ToldBegins {};  // "begins": it has all that it needs, and sends from now on
struct ToldRequest {   // "r START TOOK o|r|u|n STATUS\tNAME\tERROR", in ns since boot
  Instant start;
  Duration took{};
  SampleOutcome outcome = SampleOutcome::unknown;
  int status = 0;
  std::string name, error;
};
struct ToldUsers {  // "users 50 1200000": and its processor time so far, in ns
  std::uint64_t users = 0;
  Duration cpu{};
};
struct ToldDropped {  // "dropped 12": requests in all that it could not tell of
  std::uint64_t requests = 0;
};
struct ToldBusy {};  // "busy": its processor is full, so that what it measures is itself
struct ToldBye {};   // "bye": all has been told
using Telling =
    std::variant<ToldHello, ToldBegins, ToldRequest, ToldUsers, ToldDropped, ToldBusy, ToldBye>;

[[nodiscard]] Result<Telling> parse_telling(std::string_view line);

struct ToldTerms {
  std::size_t senders = 1;  // processes that send
  std::size_t others = 0;   // and those that only tell these what to do
  std::uint64_t users = 0;
  Duration timeout{};  // a request that took as long is one without an answer
};

// All that was told by all of them. Of one thread.
class Told {
 public:
  explicit Told(const ToldTerms& terms) : terms_(terms) {}

  // From the teller of that number, at that time. What is no telling is counted against it.
  void hear(int teller, std::string_view line, Instant now);
  // Its lines have come to their end. `asked`: it was asked to end.
  void left(int teller, bool asked);
  // They have been asked to end: from now on it says nothing that they go.
  void ends() { ending_ = true; }
  // Requests told since the last call.
  [[nodiscard]] std::vector<Sample> take();

  [[nodiscard]] bool all_are_here() const;        // and those that send have begun
  [[nodiscard]] std::string who_is_here() const;  // "1 of 2 sending processes"
  // Why what was told is not all that happened; empty: it is.
  [[nodiscard]] std::string why_not_valid() const;
  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] Duration cpu() const;
  [[nodiscard]] TellersSummary summary() const;
  [[nodiscard]] ClosedTerms closed() const;

 private:
  struct Teller {
    bool sends = true, began = false, bye = false, here = true;
    std::uint64_t users = 0, dropped = 0;
    Duration cpu{};
  };
  void heard(Teller& teller, const ToldHello& hello);
  void heard(const ToldRequest& request);
  void heard(Teller& teller, const ToldUsers& users, Instant now);
  void count(const ToldRequest& request, bool good);

  const ToldTerms terms_;
  std::map<int, Teller> tellers_;
  std::string version_;
  std::vector<Sample> fresh_;
  std::map<std::string, RequestsTold> by_name_;
  std::uint64_t lost_ = 0;  // senders that ended before they were asked to, or without their bye
  std::uint64_t odd_ = 0;   // lines that were none
  bool busy_ = false, ending_ = false;
  std::optional<Instant> full_;          // when all users were there first
  std::optional<std::uint64_t> fewest_;  // since then
};

}  // namespace gameday
