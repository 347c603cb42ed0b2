#include "engine/journal/chain.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "engine/base/assert.h"
#include "engine/base/digest.h"
#include "engine/journal/read_ahead.h"

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

// Reads a line from left to right as Chain writes it.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  bool skip(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  bool integer(std::int64_t& value) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto length = static_cast<std::size_t>(end - rest_.data());
    if (error != std::errc() || std::to_string(value) != rest_.substr(0, length)) return false;
    rest_.remove_prefix(length);
    return true;
  }

  // Up to the next quote, of characters that JSON writes as they are.
  bool text(std::string& value) {
    const auto plain = [](char c) { return c >= ' ' && c != '"' && c != '\\' && c != 0x7f; };
    const auto end = std::ranges::find_if_not(rest_, plain);
    if (end == rest_.end() || *end != '"') return false;
    value.assign(rest_.begin(), end);
    rest_ = std::string_view(end + 1, rest_.end());
    return true;
  }

  // All but the last `size` bytes.
  std::string_view all_but(std::size_t size) {
    const auto taken = rest_.substr(0, rest_.size() - std::min(size, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

// The common case, in which only `data` has to be read as JSON: most of a line are members whose
// form is known. Nothing where the line is any other.
std::optional<Event> read_as_written(std::string_view line) {
  constexpr std::string_view kPrev = R"(,"prev":")";
  constexpr std::size_t kEndSize = kPrev.size() + kDigestSize + 1 + kTailSize;
  LineReader reader(line);
  Event event;
  std::int64_t number = 0, at = 0;
  const bool begun = reader.skip(R"({"n":)") && reader.integer(number) && number > 0 &&
                     reader.skip(R"(,"drill":")") && reader.text(event.drill) &&
                     reader.skip(R"(,"boot":")") && reader.text(event.boot) &&
                     reader.skip(R"(,"t":)") && reader.integer(at) && reader.skip(R"(,"utc":")") &&
                     reader.text(event.utc) && is_utc(event.utc) && reader.skip(R"(,"type":")") &&
                     reader.text(event.type) && reader.skip(R"(,"data":)");
  if (!begun) return std::nullopt;
  const std::string_view written = reader.all_but(kEndSize);
  const bool ended = reader.skip(kPrev) && reader.text(event.prev) && is_digest(event.prev) &&
                     reader.skip(kHashMember) && reader.text(event.hash) && is_digest(event.hash) &&
                     reader.skip("}");
  if (!ended) return std::nullopt;
  auto data = Json::parse(written);
  if (!data || !data->is_object() || data->dump() != written) return std::nullopt;
  event.number = static_cast<std::uint64_t>(number);
  event.at = Instant(Duration(at));
  event.data = std::move(*data);
  return event;
}

std::string shown(std::uint64_t number) { return std::to_string(number); }

// The lines of one chain while they are walked through.
class Walk {
 public:
  Walk(const LineSource& source, const std::function<void(Event)>& each)
      : source_(source), each_(each) {
    state_.head = kChainStart;
  }

  Result<ChainState> walked() {
    std::optional<std::string> problem;
    TRY_OK(read_ahead(source_, [&](ReadLine& read) {
      problem = step(read);
      if (problem) return false;
      before_ = std::move(read.line);
      return true;
    }));
    if (problem && missing_ > 0) TRY_OK(look_for_missing(*problem));
    if (problem) {
      state_.line = state_.events + 1;
      state_.problem = "line " + shown(state_.line) + ": " + *problem;
      return std::move(state_);
    }
    state_.intact = state_.events > 0;
    state_.interrupted = !closed_;
    if (state_.events == 0) state_.problem = "no events";
    return std::move(state_);
  }

 private:
  [[nodiscard]] bool is_first() const { return state_.events == 0; }

  std::optional<std::string> step(ReadLine& read) {
    auto& [line, event, hash] = read;
    if (!event) return "edited (" + event.error().text + ")";
    if (event->hash != hash) return "edited (its hash does not match)";
    if (!is_first() && event->drill != state_.drill) {
      return "of another drill (" + event->drill + ")";
    }
    if (!is_first() && line == before_) {
      return "doubled (the same as line " + shown(state_.events) + ")";
    }
    if (closed_) return "appended after the closing event";
    if (auto problem = misplaced(*event)) return problem;
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

  std::optional<std::string> misplaced(const Event& event) {
    const std::uint64_t due = state_.events + 1;
    if (event.number < due) {
      return "out of order (event " + shown(event.number) + " stands after event " +
             shown(state_.events) + ")";
    }
    if (event.number > due) {
      missing_ = due;
      return "dropped before it: event " + shown(due) +
             (event.number > due + 1 ? " to " + shown(event.number - 1) : "");
    }
    if (!is_first() && event.prev != state_.head) {
      return "does not follow line " + shown(state_.events) + " (its prev is another hash)";
    }
    return std::nullopt;
  }

  // An event that stands further down was not dropped.
  Status look_for_missing(std::string& problem) const {
    const std::string start = R"({"n":)" + shown(missing_) + ",";
    std::uint64_t number = 0;
    return source_([&](std::string_view line) {
      ++number;
      if (number <= state_.events + 1 || !line.starts_with(start)) return true;
      problem = "swapped (event " + shown(missing_) + " stands at line " + shown(number) + ")";
      return false;
    });
  }

  const LineSource& source_;
  const std::function<void(Event)>& each_;
  ChainState state_;
  std::string before_;         // the last line that verified
  std::uint64_t missing_ = 0;  // the event that a later one stands in the place of
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
  if (auto read = read_as_written(line)) return std::move(*read);
  // Whatever is odd about it is told by reading it as JSON.
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
  event.data = value->take("data");
  event.prev = value->text("prev");
  event.hash = value->text("hash");
  return event;
}

LineSource source_of(const std::vector<std::string>& lines) {
  return [&lines](const LineVisitor& each) -> Status {
    for (const auto& line : lines) {
      if (!each(line)) break;
    }
    return {};
  };
}

Result<ChainState> verify_chain(const LineSource& source, const std::function<void(Event)>& each) {
  return Walk(source, each).walked();
}

ChainState verify_chain(const std::vector<std::string>& lines,
                        const std::function<void(Event)>& each) {
  return *verify_chain(source_of(lines), each);
}

}  // namespace gameday
