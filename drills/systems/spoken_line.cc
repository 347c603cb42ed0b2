#include "drills/systems/spoken_line.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace gameday {

constexpr std::size_t kLargestAnswer = 64 << 10;

Status say(const Descriptor& line, std::string_view text, const DeedContext& context) {
  while (!text.empty()) {
    TRY(ready, wait_for(line.get(), POLLOUT, context.doors.clock, context.until));
    static_cast<void>(ready);
    const ssize_t sent = send(line.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return std::unexpected(system_error(errno, "cannot send"));
    }
    if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Heard hear(const Descriptor& line, std::string_view wanted, const DeedContext& context) {
  Heard heard;
  while (heard.text.size() < kLargestAnswer) {
    const auto ready = wait_for(line.get(), POLLIN, context.doors.clock, context.until);
    if (!ready) {
      heard.end = ready.error().text;
      return heard;
    }
    char bytes[16 << 10];
    const std::size_t most = std::min(sizeof bytes, kLargestAnswer - heard.text.size());
    const ssize_t came = recv(line.get(), bytes, most, 0);
    if (came < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (came <= 0) {
      heard.end = came == 0 ? "the peer closed" : system_error(errno, "cannot read").text;
      return heard;
    }
    // What was searched before is not searched again, but for an end that may begin the text.
    const std::size_t old = heard.text.size();
    heard.text.append(bytes, static_cast<std::size_t>(came));
    if (heard.text.find(wanted, old - std::min(old, wanted.size())) != std::string::npos) {
      return heard;
    }
  }
  heard.end = "the peer sent more";
  return heard;
}

}  // namespace gameday
