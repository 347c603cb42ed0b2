#include "engine/sys/redis_reply.h"

#include <algorithm>
#include <charconv>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kEnd = "\r\n";
constexpr std::size_t kLongestLine = 64 << 10;

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::unexpected<Error> no_resp(const std::string& why) {
  return fail(ErrorCode::failed, "the peer does not speak as Redis does: " + why);
}

}  // namespace

std::string RedisReply::error_word() const {
  return is_error() ? text.substr(0, text.find(' ')) : "";
}

Error error_of(const RedisReply& reply) {
  constexpr std::string_view kRefusals[] = {"NOAUTH", "WRONGPASS", "NOPERM", "DENIED"};
  const std::string said = valid_utf8(reply.text);
  if (std::ranges::find(kRefusals, reply.error_word()) != std::end(kRefusals) ||
      said.starts_with("ERR invalid password") || said.starts_with("ERR AUTH ") ||
      said.starts_with("EXECABORT Transaction discarded because of: NOPERM")) {
    return {ErrorCode::refused, said, ""};
  }
  if (said.starts_with("ERR unknown ")) return {ErrorCode::unsupported, said, ""};
  return {ErrorCode::failed, said, ""};
}

std::string redis_words(const std::vector<std::string>& command) {
  std::string said = "*" + std::to_string(command.size()) + "\r\n";
  for (const auto& word : command) {
    said += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return said;
}

Result<std::optional<RedisReply>> RedisReader::take() {
  while (true) {
    const std::size_t before = at_;
    TRY(done, step());
    read_ += at_ - before;
    if (done.more) {
      if (read_ + bytes_.size() - at_ > kLargest) {
        return no_resp("a reply is larger than " + std::to_string(kLargest) + " bytes");
      }
      forget_what_was_read();
      return std::nullopt;
    }
    if (!done.value) continue;
    auto whole = placed(std::move(*done.value));
    if (!whole) continue;
    forget_what_was_read();
    read_ = 0;
    items_ = 0;
    return whole;
  }
}

void RedisReader::forget_what_was_read() {
  bytes_.erase(0, at_);
  at_ = 0;
}

// Into the list that it is an item of; whole lists into theirs. A value: that is the reply.
std::optional<RedisReply> RedisReader::placed(RedisReply value) {
  while (!open_.empty()) {
    Open& last = open_.back();
    last.list.items.push_back(std::move(value));
    if (--last.left > 0) return std::nullopt;
    value = std::move(last.list);
    open_.pop_back();
  }
  return value;
}

Result<RedisReader::Step> RedisReader::open_list(std::int64_t count) {
  if (count < 0) return Step{false, RedisReply{}};
  items_ += count;
  if (items_ > kMostItems) return no_resp("a reply has too many items");
  if (open_.size() >= kDeepest) return no_resp("lists are nested too deeply");
  RedisReply list{.kind = RedisReply::Kind::list};
  if (count == 0) return Step{false, list};
  open_.push_back({std::move(list), count});
  return Step{};
}

// Reads one line, and the bytes that belong to it; nothing where not all of them are there.
Result<RedisReader::Step> RedisReader::step() {
  const std::size_t end = bytes_.find(kEnd, at_);
  if (end == std::string::npos) {
    if (bytes_.size() - at_ > kLongestLine) return no_resp("a line does not end");
    return Step{true, {}};
  }
  const std::string_view line(bytes_.data() + at_, end - at_);
  if (line.empty()) return no_resp("a line is empty");
  const std::string_view rest = line.substr(1);
  const std::size_t after = end + kEnd.size();
  if (line.front() == '+' || line.front() == '-') {
    at_ = after;
    const auto kind = line.front() == '+' ? RedisReply::Kind::status : RedisReply::Kind::error;
    return Step{false, RedisReply{.kind = kind, .text = std::string(rest)}};
  }
  const auto number = whole_number(rest);
  if (!number)
    return no_resp("'" + valid_utf8(line.substr(0, 40)) + "' is no beginning of a reply");
  if (line.front() == ':') {
    at_ = after;
    return Step{false, RedisReply{.kind = RedisReply::Kind::integer, .number = *number}};
  }
  if (line.front() == '*') {
    at_ = after;
    return open_list(*number);
  }
  if (line.front() != '$') return no_resp("it begins with what RESP2 does not know");
  if (*number < 0) {
    at_ = after;
    return Step{false, RedisReply{}};
  }
  if (static_cast<std::uint64_t>(*number) > kLargest) return no_resp("a text is too long");
  const auto length = static_cast<std::size_t>(*number);
  if (bytes_.size() - after < length + kEnd.size()) return Step{true, {}};
  if (bytes_.compare(after + length, kEnd.size(), kEnd) != 0) {
    return no_resp("a text is longer than it says");
  }
  at_ = after + length + kEnd.size();
  return Step{false,
              RedisReply{.kind = RedisReply::Kind::text, .text = bytes_.substr(after, length)}};
}

}  // namespace gameday
