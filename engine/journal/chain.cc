#include "engine/journal/chain.h"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/base/assert.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr std::size_t kDigestSize = 71;
constexpr std::string_view kHashMember = R"(,"hash":")";
constexpr std::string_view kLineEnd = R"("})";
constexpr std::size_t kTailSize = kHashMember.size() + kDigestSize + kLineEnd.size();

constexpr std::array<std::string_view, 9> kMembers{"n",    "drill", "boot", "t",   "utc",
                                                   "type", "data",  "prev", "hash"};

std::string shape_problem(const Json& value) {
  if (!value.is_object()) return "it is no object";
  const auto& members = value.members();
  if (members.size() != kMembers.size()) return "it has other members than an event";
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    const auto& [name, member] = members[i];
    if (name != kMembers[i]) return "it has other members than an event";
    const bool fits = name == "n" || name == "t" ? member.is_integer()
                      : name == "data"           ? member.is_object()
                                                 : member.is_text();
    if (!fits) return "its member " + name + " is of another type";
  }
  if (value.integer("n", 0) < 1) return "its number is below 1";
  if (!is_digest(value.text("prev")) || !is_digest(value.text("hash"))) {
    return "prev or hash is no digest";
  }
  return "";
}

// As Chain writes it, and in the years that a count of nanoseconds can hold.
bool is_utc(std::string_view text) {
  constexpr std::string_view kFirstYear = "1678", kLastYear = "2261";
  const std::string_view year = text.substr(0, 4);
  const bool digits = std::ranges::all_of(year, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || year < kFirstYear || year > kLastYear) return false;
  const auto time = parse_rfc3339(text);
  return time && rfc3339(*time) == text;
}

std::string shown(std::uint64_t number) { return std::to_string(number); }

// The lines of one chain while they are walked through.
class Walk {
 public:
  Walk(const std::vector<std::string>& lines, const std::function<void(Event)>& each)
      : lines_(lines), each_(each) {
    state_.head = kChainStart;
  }

  ChainState walked() {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      auto problem = step(i);
      if (!problem) continue;
      state_.line = i + 1;
      state_.problem = "line " + shown(state_.line) + ": " + *problem;
      return std::move(state_);
    }
    state_.intact = !lines_.empty();
    state_.interrupted = !closed_;
    if (lines_.empty()) state_.problem = "no events";
    return std::move(state_);
  }

 private:
  std::optional<std::string> step(std::size_t i) {
    auto event = parse_event(lines_[i]);
    if (!event) return "edited (" + event.error().text + ")";
    if (event->hash != hash_of(lines_[i])) return "edited (its hash does not match)";
    if (i > 0 && event->drill != state_.drill) return "of another drill (" + event->drill + ")";
    if (i > 0 && lines_[i] == lines_[i - 1]) {
      return "doubled (the same as line " + shown(i) + ")";
    }
    if (closed_) return "appended after the closing event";
    if (auto problem = misplaced(*event, i)) return problem;
    if (event->type == kClosing &&
        event->data.integer("events", -1) != static_cast<std::int64_t>(event->number)) {
      return "the closing event counts other events than the " + shown(event->number) +
             " that are there";
    }
    closed_ = event->type == kClosing;
    state_.drill = event->drill;
    state_.head = event->hash;
    ++state_.events;
    if (each_) each_(std::move(*event));
    return std::nullopt;
  }

  std::optional<std::string> misplaced(const Event& event, std::size_t i) const {
    const std::uint64_t due = state_.events + 1;
    if (event.number < due) {
      return "out of order (event " + shown(event.number) + " stands after event " +
             shown(state_.events) + ")";
    }
    if (event.number > due) {
      const auto found = stands_later(due, i);
      if (found) {
        return "swapped (event " + shown(due) + " stands at line " + shown(*found + 1) + ")";
      }
      return "dropped before it: event " + shown(due) +
             (event.number > due + 1 ? " to " + shown(event.number - 1) : "");
    }
    if (i > 0 && event.prev != state_.head) {
      return "does not follow line " + shown(i) + " (its prev is another hash)";
    }
    return std::nullopt;
  }

  std::optional<std::size_t> stands_later(std::uint64_t number, std::size_t after) const {
    const std::string start = R"({"n":)" + shown(number) + ",";
    for (std::size_t i = after + 1; i < lines_.size(); ++i) {
      if (lines_[i].starts_with(start)) return i;
    }
    return std::nullopt;
  }

  const std::vector<std::string>& lines_;
  const std::function<void(Event)>& each_;
  ChainState state_;
  bool closed_ = false;
};

}  // namespace

bool is_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  return text.size() == kDigestSize && text.starts_with(kPrefix) &&
         std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Chain::Chain(std::string drill, std::string boot, std::string previous_head)
    : Chain(std::move(drill), std::move(boot), std::move(previous_head), 0) {}

Chain::Chain(std::string drill, std::string boot, std::string head, std::uint64_t count)
    : fixed_(R"(,"drill":)" + json_text(drill) + R"(,"boot":)" + json_text(boot) + R"(,"t":)"),
      head_(std::move(head)),
      count_(count) {
  GD_ASSERT(is_digest(head_));
}

ChainLine Chain::line(Now now, std::string_view type, const Json& data) const {
  GD_ASSERT(data.is_object());
  std::string line = R"({"n":)" + std::to_string(count_ + 1);
  line += fixed_;
  line += std::to_string(now.boot.time_since_epoch().count());
  line += R"(,"utc":")";
  line += rfc3339(now.utc);
  line += R"(","type":)";
  line += json_text(type);
  line += R"(,"data":)";
  line += data.dump();
  line += R"(,"prev":")";
  line += head_;
  line += kLineEnd;
  std::string hash = sha256(line);
  line.pop_back();
  line += kHashMember;
  line += hash;
  line += kLineEnd;
  return {std::move(line), std::move(hash)};
}

void Chain::advance(const ChainLine& kept) {
  GD_ASSERT(is_digest(kept.hash));
  head_ = kept.hash;
  ++count_;
}

std::string hash_of(std::string_view line) {
  if (line.size() <= kTailSize) return "";
  Sha256 sum;
  sum.add(line.substr(0, line.size() - kTailSize));
  sum.add("}");
  return sum.digest();
}

Result<Event> parse_event(std::string_view line) {
  const auto refused = [](const std::string& why) {
    return fail(ErrorCode::corrupt, "not an event: " + why);
  };
  auto value = Json::parse(line);
  if (!value) return refused(value.error().text);
  const std::string problem = shape_problem(*value);
  if (!problem.empty()) return refused(problem);
  if (!is_utc(value->text("utc"))) return refused("its utc is no time");
  if (value->dump() != line) return refused("it is not written as an event is");
  Event event;
  event.number = static_cast<std::uint64_t>(value->integer("n", 0));
  event.drill = value->text("drill");
  event.boot = value->text("boot");
  event.at = Instant(Duration(value->integer("t", 0)));
  event.utc = value->text("utc");
  event.type = value->text("type");
  event.data = value->get("data");
  event.prev = value->text("prev");
  event.hash = value->text("hash");
  return event;
}

ChainState verify_chain(const std::vector<std::string>& lines,
                        const std::function<void(Event)>& each) {
  return Walk(lines, each).walked();
}

}  // namespace gameday
