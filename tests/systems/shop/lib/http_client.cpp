#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "http.h"

namespace shop {

nlohmann::json Answer::json() const {
  auto parsed = nlohmann::json::parse(body, nullptr, false);
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

HttpClient::~HttpClient() { close_idle(); }

int HttpClient::take_idle() {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return -1;
  const int fd = idle_.back();
  idle_.pop_back();
  return fd;
}

void HttpClient::keep(int fd) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(fd);
}

void HttpClient::close_idle() {
  const std::scoped_lock lock(mutex_);
  for (const int fd : idle_) ::close(fd);
  idle_.clear();
}

int HttpClient::connect_new(Clock::time_point deadline, Outcome& outcome) const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  outcome = Outcome::kBroken;
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == EINPROGRESS) {
    if (wait_for(fd, POLLOUT, deadline)) {
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error == 0) return fd;
    } else {
      outcome = Outcome::kTimedOut;
    }
  }
  ::close(fd);
  return -1;
}

HttpClient::Outcome HttpClient::exchange(int fd, const std::string& request,
                                         Clock::time_point deadline, Answer& answer,
                                         bool& keep_alive) const {
  if (!send_all(fd, request, deadline)) {
    return Clock::now() >= deadline ? Outcome::kTimedOut : Outcome::kBroken;
  }
  std::string buffer;
  char chunk[64 * 1024];
  while (true) {
    const auto got = ::recv(fd, chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!wait_for(fd, POLLIN, deadline)) return Outcome::kTimedOut;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Outcome::kBroken;
    buffer.append(chunk, static_cast<std::size_t>(got));
    Message message;
    std::size_t consumed = 0;
    const Parse parsed = parse_message(buffer, message, consumed);
    if (parsed == Parse::kIncomplete) continue;
    if (parsed == Parse::kMalformed || message.start.size() < 12) return Outcome::kBroken;
    answer.status = std::atoi(message.start.c_str() + 9);
    answer.body = std::move(message.body);
    keep_alive = !message.has("connection", "close") && consumed == buffer.size();
    return Outcome::kAnswered;
  }
}

Answer HttpClient::call(const std::string& method, const std::string& target,
                        const std::string& body, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  const std::string request = method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" +
                              std::to_string(port_) + "\r\nContent-Type: application/json" +
                              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                              body;
  Answer answer;
  while (true) {
    int fd = take_idle();
    const bool reused = fd >= 0;
    Outcome outcome = Outcome::kAnswered;
    if (!reused) fd = connect_new(deadline, outcome);
    if (fd >= 0) {
      bool keep_alive = false;
      outcome = exchange(fd, request, deadline, answer, keep_alive);
      if (outcome == Outcome::kAnswered && keep_alive) {
        keep(fd);
      } else {
        ::close(fd);
      }
    }
    if (outcome == Outcome::kBroken && reused) {
      // The peer was replaced since; its other kept connections are as dead as this one.
      close_idle();
      continue;
    }
    answer.timed_out = outcome == Outcome::kTimedOut;
    // What has hung once hangs on the other kept connections too; let the next call connect anew.
    if (answer.timed_out) close_idle();
    return answer;
  }
}

}  // namespace shop
