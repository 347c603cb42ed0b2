#include "http.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

namespace shop {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool parse_headers(std::string_view lines, Message& message) {
  while (!lines.empty()) {
    const auto end = lines.find("\r\n");
    const auto line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    message.headers[lower(line.substr(0, colon))] = std::string(trim(line.substr(colon + 1)));
  }
  return true;
}

}  // namespace

bool Message::has(const std::string& name, std::string_view value) const {
  const auto found = headers.find(name);
  return found != headers.end() && lower(found->second) == value;
}

Parse parse_message(std::string_view buffer, Message& message, std::size_t& consumed) {
  constexpr std::size_t kMaxHead = 32 * 1024;
  constexpr std::size_t kMaxBody = 64 * 1024 * 1024;
  const auto head_end = buffer.substr(0, kMaxHead).find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    return buffer.size() >= kMaxHead ? Parse::kMalformed : Parse::kIncomplete;
  }
  const auto head = buffer.substr(0, head_end);
  const auto line_end = std::min(head.find("\r\n"), head.size());
  message.start = std::string(head.substr(0, line_end));
  message.headers.clear();
  if (line_end < head.size() && !parse_headers(head.substr(line_end + 2), message)) {
    return Parse::kMalformed;
  }
  if (message.headers.contains("transfer-encoding")) return Parse::kMalformed;
  std::size_t length = 0;
  if (const auto found = message.headers.find("content-length"); found != message.headers.end()) {
    const auto& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc{} || end != text.data() + text.size() || length > kMaxBody) {
      return Parse::kMalformed;
    }
  }
  if (buffer.size() < head_end + 4 + length) return Parse::kIncomplete;
  message.body = std::string(buffer.substr(head_end + 4, length));
  consumed = head_end + 4 + length;
  return Parse::kComplete;
}

std::string Request::param(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

Response json_response(int status, const nlohmann::json& body) {
  return {.status = status, .body = body.dump() + "\n"};
}

Response error_response(int status, const std::string& message) {
  return json_response(status, {{"error", message}});
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd poll_fd{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&poll_fd, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool send_all(int fd, std::string_view data, std::chrono::steady_clock::time_point deadline) {
  while (!data.empty()) {
    const auto sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      data.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!wait_for(fd, POLLOUT, deadline)) return false;
    } else if (sent < 0 && errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace shop
