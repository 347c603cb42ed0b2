#include "engine/proxy/control.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/proxy/unix_socket.h"

namespace gameday {
namespace {

constexpr std::size_t kLongestLine = 64 << 10;
constexpr std::size_t kMostAskers = 64;

Json answer_to(const std::string& line, const Asking& who, const Control::Handler& handler) {
  auto request = Json::parse(line);
  auto answer = request ? handler(*request, who) : std::unexpected(request.error());
  if (answer) {
    Json result = Json::object({{"ok", true}});
    for (auto& [name, value] : answer->members()) result.set(name, value);
    return result;
  }
  Json refused = Json::object(
      {{"ok", false}, {"code", name_of(answer.error().code)}, {"text", answer.error().text}});
  if (!answer.error().hint.empty()) refused.set("hint", answer.error().hint);
  return refused;
}

std::optional<Asking> asking(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return Asking{peer.uid};
}

// The bits of the socket's file are what the kernel goes by. Where it cannot be given to the group,
// it stays its owner's.
bool open_to(const std::string& path, std::optional<gid_t> group) {
  if (chmod(path.c_str(), 0600) != 0) return false;
  if (!group || chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) return true;
  return chmod(path.c_str(), 0660) == 0;
}

}  // namespace

// With a group it is the kernel that has looked, when it let them connect.
bool Control::may_ask(const Asking& who) const {
  return for_a_group_ || who.uid == 0 || who.uid == geteuid();
}

Result<Control> Control::listen(const std::string& path, Poller& poller,
                                std::optional<gid_t> group) {
  TRY(address, unix_address(path));
  Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return std::unexpected(system_error(errno, "cannot make a socket"));
  unlink(path.c_str());
  if (bind(listener.get(), address.get(), address.size()) != 0 || !open_to(path, group) ||
      ::listen(listener.get(), 64) != 0) {
    return std::unexpected(system_error(errno, "cannot listen on " + path));
  }
  Control control(path, std::move(listener), group.has_value());
  poller.watch(control.listener_.get(), control.watched_, EPOLLIN, Role::control, 0);
  return control;
}

Control::~Control() {
  if (listener_) unlink(path_.c_str());
}

void Control::accept_askers(Poller& poller) {
  while (true) {
    Descriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) return;
    const auto who = asking(socket.get());
    if (!who || !may_ask(*who)) continue;
    if (askers_.size() >= kMostAskers) askers_.erase(askers_.begin());
    const std::uint64_t number = next_++;
    Asker& asker = askers_[number];
    asker.socket = std::move(socket);
    asker.who = *who;
    poller.watch(asker.socket.get(), asker.watched, EPOLLIN, Role::asker, number);
  }
}

void Control::serve(std::uint64_t number, const Handler& handler, Poller& poller) {
  const auto found = askers_.find(number);
  if (found == askers_.end()) return;
  Asker& asker = found->second;
  if (!read_and_answer(asker, handler)) {
    askers_.erase(found);
    return;
  }
  // Nothing more is read until the answers are taken, so they cannot pile up.
  const std::uint32_t events = asker.out.empty() ? EPOLLIN : EPOLLOUT;
  poller.watch(asker.socket.get(), asker.watched, events, Role::asker, number);
}

bool Control::read_and_answer(Asker& asker, const Handler& handler) {
  bool ended = false;
  if (asker.out.empty()) {
    char block[4096];
    const ssize_t got = recv(asker.socket.get(), block, sizeof block, 0);
    ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    if (got > 0) asker.in.append(block, static_cast<std::size_t>(got));
    std::size_t end = 0;
    while ((end = asker.in.find('\n')) != std::string::npos) {
      asker.out += answer_to(asker.in.substr(0, end), asker.who, handler).dump() + "\n";
      asker.in.erase(0, end + 1);
    }
    if (asker.in.size() > kLongestLine) return false;
  }
  if (!asker.out.empty()) {
    const ssize_t sent = send(asker.socket.get(), asker.out.data(), asker.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) asker.out.erase(0, static_cast<std::size_t>(sent));
  }
  return !ended;
}

}  // namespace gameday
