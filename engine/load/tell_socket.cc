#include "engine/load/tell_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

namespace gameday {
namespace {

constexpr std::size_t kMostTellers = 300;
constexpr std::size_t kLongestLine = 4096;

bool is_ours(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

}  // namespace

Result<TellSocket> TellSocket::listen(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // It begins with a NUL: no file, so that none is left.
  if (name.size() + 1 >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid, "a socket's name is too long: " + name);
  }
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  TellSocket socket;
  socket.listener_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int listener = socket.listener_.get();
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (listener < 0 || bind(listener, to, size) != 0 || ::listen(listener, SOMAXCONN) != 0) {
    return std::unexpected(system_error(errno, "cannot listen for what the load tells"));
  }
  return socket;
}

void TellSocket::work(Instant until, int wake, const Clock& clock, const Ears& ears) {
  std::vector<pollfd> waits{{listener_.get(), POLLIN, 0}, {wake, POLLIN, 0}};
  std::vector<int> numbers{-1, -1};
  for (const auto& [number, teller] : heard_) {
    waits.push_back({teller.socket.get(), POLLIN, 0});
    numbers.push_back(number);
  }
  if (poll(waits.data(), waits.size(), poll_milliseconds(clock.now().boot, until)) <= 0) return;
  if (waits[0].revents != 0) greet();
  for (std::size_t i = 2; i < waits.size(); ++i) {
    if (waits[i].revents == 0 || read_from(numbers[i], ears)) continue;
    heard_.erase(numbers[i]);
    ears.left(numbers[i]);
  }
}

void TellSocket::greet() {
  Descriptor teller(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!teller || !is_ours(teller.get()) || heard_.size() >= kMostTellers) return;
  heard_[next_++] = {std::move(teller), ""};
}

// False: nothing more will come of it.
bool TellSocket::read_from(int number, const Ears& ears) {
  Teller& teller = heard_.at(number);
  std::array<char, 65536> block{};
  const ssize_t got = recv(teller.socket.get(), block.data(), block.size(), 0);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  teller.pending.append(block.data(), static_cast<std::size_t>(got));
  std::size_t from = 0;
  for (auto end = teller.pending.find('\n'); end != std::string::npos;
       end = teller.pending.find('\n', from)) {
    ears.line(number, std::string_view(teller.pending).substr(from, end - from));
    from = end + 1;
  }
  teller.pending.erase(0, from);
  return teller.pending.size() <= kLongestLine;
}

void TellSocket::say_to_all(std::string_view words) {
  for (const auto& [number, teller] : heard_) {
    static_cast<void>(
        !send(teller.socket.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }
}

void TellSocket::hang_up(const Ears& ears) {
  while (!heard_.empty()) {
    const int number = heard_.begin()->first;
    heard_.erase(heard_.begin());
    ears.left(number);
  }
}

}  // namespace gameday
