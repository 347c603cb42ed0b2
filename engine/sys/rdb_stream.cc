#include "engine/sys/rdb_stream.h"

#include <algorithm>
#include <charconv>

#include "engine/base/text.h"
#include "engine/sys/redis_reply.h"

namespace gameday {
namespace {

constexpr std::size_t kLongestLine = 1 << 10;
constexpr std::size_t kMark = 40;
constexpr std::string_view kMarked = "$EOF:";

std::unexpected<Error> no_dump(std::string_view line) {
  return fail(ErrorCode::failed, "the peer does not send a dump as Redis does: '" +
                                     valid_utf8(line.substr(0, kMark)) + "'");
}

}  // namespace

Result<bool> RdbStream::add(std::string_view bytes, const RdbSink& take) {
  waiting_ += bytes;
  while (stage_ == Stage::reply || stage_ == Stage::head) {
    const auto end = waiting_.find('\n');
    if (end == std::string::npos && waiting_.size() <= kLongestLine) return false;
    if (end == std::string::npos || end > kLongestLine) return no_dump(waiting_);
    std::string line = waiting_.substr(0, end);
    waiting_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    // An empty one says that it is still there.
    if (!line.empty()) TRY_OK(read_line(line));
  }
  return stage_ == Stage::counted ? read_counted(take) : read_marked(take);
}

Status RdbStream::read_line(std::string_view line) {
  if (line.starts_with('-')) {
    return std::unexpected(
        error_of(RedisReply{.kind = RedisReply::Kind::error, .text = std::string(line.substr(1))}));
  }
  if (stage_ == Stage::reply) {
    if (!line.starts_with("+FULLRESYNC ")) return no_dump(line);
    stage_ = Stage::head;
    return {};
  }
  if (line.starts_with(kMarked) && line.size() == kMarked.size() + kMark) {
    mark_ = line.substr(kMarked.size());
    stage_ = Stage::marked;
    return {};
  }
  const char* const last = line.data() + line.size();
  const auto [end, wrong] = std::from_chars(line.data() + 1, last, left_);
  if (line.front() != '$' || wrong != std::errc() || end != last || left_ < 0) return no_dump(line);
  stage_ = Stage::counted;
  return {};
}

Result<bool> RdbStream::read_counted(const RdbSink& take) {
  const auto here = std::min(waiting_.size(), static_cast<std::size_t>(left_));
  TRY_OK(take(std::string_view(waiting_).substr(0, here)));
  taken_ += static_cast<std::int64_t>(here);
  left_ -= static_cast<std::int64_t>(here);
  waiting_.erase(0, here);
  return left_ == 0;
}

// The mark is the last that comes: what stands before the last forty bytes is the dump's.
Result<bool> RdbStream::read_marked(const RdbSink& take) {
  if (waiting_.size() < kMark) return false;
  const std::size_t here = waiting_.size() - kMark;
  TRY_OK(take(std::string_view(waiting_).substr(0, here)));
  taken_ += static_cast<std::int64_t>(here);
  waiting_.erase(0, here);
  return waiting_ == mark_;
}

}  // namespace gameday
