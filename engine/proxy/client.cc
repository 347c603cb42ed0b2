#include "engine/proxy/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "engine/base/text.h"
#include "engine/proxy/address.h"
#include "engine/proxy/unix_socket.h"

namespace gameday {
namespace {

constexpr std::size_t kLongestAnswer = 1 << 20;

std::optional<ErrorCode> code_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::failed); ++i) {
    if (name_of(static_cast<ErrorCode>(i)) == name) return static_cast<ErrorCode>(i);
  }
  return std::nullopt;
}

// The kernel says "try again" when so many others wait to be accepted that there is no room.
Result<Descriptor> connected(const std::string& path, const Clock& clock, const Until& until) {
  constexpr Duration kPause = std::chrono::milliseconds(5);
  TRY(address, unix_address(path));
  Descriptor made(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return std::unexpected(system_error(errno, "cannot make a socket"));
  while (connect(made.get(), address.get(), address.size()) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return fail(ErrorCode::not_found, "no proxy answers on " + path);
    }
    if (errno != EAGAIN && errno != EINTR) {
      return std::unexpected(system_error(errno, "cannot reach the proxy on " + path));
    }
    TRY_OK(clock.pause(kPause, until));
  }
  return made;
}

Status send_all(int descriptor, std::string_view bytes, const Clock& clock, const Until& until) {
  while (!bytes.empty()) {
    const ssize_t sent = send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 && errno == EAGAIN) {
      TRY(ready, wait_for(descriptor, POLLOUT, clock, until));
      (void)ready;
    } else if (sent < 0 && errno != EINTR) {
      return fail(ErrorCode::not_found, "the proxy has gone away");
    }
  }
  return {};
}

Result<std::string> receive_line(int descriptor, const Clock& clock, const Until& until) {
  std::string line;
  while (line.size() < kLongestAnswer) {
    TRY(ready, wait_for(descriptor, POLLIN, clock, until));
    (void)ready;
    char block[4096];
    const ssize_t got = recv(descriptor, block, sizeof block, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return fail(ErrorCode::not_found, "the proxy has gone away");
    line.append(block, static_cast<std::size_t>(got));
    if (line.back() == '\n') return line;
  }
  return fail(ErrorCode::failed, "the proxy's answer is too long");
}

// Whether another process listens there, without becoming visible to anybody.
Status check_free(const std::string& listen) {
  TRY(address, resolve_address(listen));
  const Descriptor probe(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(probe.get(), address.get(), address.size) == 0) return {};
  if (errno == EADDRINUSE) {
    return fail(ErrorCode::conflict, "something that is no proxy of gameday's listens on " + listen,
                "end it, or give the link another address");
  }
  return std::unexpected(system_error(errno, "cannot listen on " + listen));
}

Result<Json> wait_until_it_answers(const ProxyLink& link, const ProcessId& process,
                                   const std::string& log, const Doors& doors, const Until& until) {
  constexpr Duration kPause = std::chrono::milliseconds(10);
  while (true) {
    auto found = find_proxy(link, doors.clock, until);
    if (found || found.error().code != ErrorCode::not_found) return found;
    if (!doors.processes.alive(process)) {
      const auto said = doors.files.read(log, 1 << 20);
      return fail(ErrorCode::failed, "the proxy of link " + link.name +
                                         " has ended: " + std::string(trimmed(said ? *said : "")));
    }
    TRY_OK(doors.clock.pause(kPause, until));
  }
}

}  // namespace

Result<std::string> proxy_control_path(const std::string& listen) {
  TRY(address, parse_host_port(listen));
  const std::string name = "proxy-" + address.host + "-" + std::to_string(address.port) + ".sock";
  if (name.find('/') != std::string::npos) {
    return fail(ErrorCode::invalid, "\"" + listen + "\" is no address");
  }
  if (geteuid() == 0 || access("/run/gameday", W_OK) == 0) return "/run/gameday/" + name;
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder == nullptr || *folder != '/') {
    return fail(ErrorCode::refused, "there is no folder for the proxies' control sockets",
                "set XDG_RUNTIME_DIR, or make /run/gameday writable");
  }
  return std::string(folder) + "/gameday/" + name;
}

Status make_proxy_folder(const std::string& control_path, const Files& files) {
  const auto folder = std::filesystem::path(control_path).parent_path().string();
  return files.make_folder(folder, folder == "/run/gameday" ? 0755 : 0700);
}

Result<Json> ask_proxy(const std::string& path, const Json& request, const Clock& clock,
                       const Until& until) {
  TRY(socket, connected(path, clock, until));
  TRY_OK(send_all(socket.get(), request.dump() + "\n", clock, until));
  TRY(line, receive_line(socket.get(), clock, until));
  TRY(answer, Json::parse(line));
  if (answer.boolean("ok", false)) return answer;
  return fail(code_named(answer.text("code")).value_or(ErrorCode::failed),
              "the proxy refuses: " + answer.text("text"));
}

Result<Json> find_proxy(const ProxyLink& link, const Clock& clock, const Until& until) {
  TRY(path, proxy_control_path(link.listen));
  TRY(status, ask_proxy(path, Json::object({{"op", "status"}}), clock, until));
  if (status.text("listen") == link.listen && status.text("to") == link.to) return status;
  return fail(
      ErrorCode::conflict,
      "the proxy on " + link.listen + " leads to " + status.text("to") + ", not to " + link.to,
      "end it: its process is " + std::to_string(status.integer("pid", 0)));
}

Result<Json> start_proxy(const ProxyLink& link, const std::string& executable, const Doors& doors,
                         const Until& until) {
  auto found = find_proxy(link, doors.clock, until);
  if (found || found.error().code != ErrorCode::not_found) return found;
  TRY(path, proxy_control_path(link.listen));
  TRY_OK(check_free(link.listen));
  TRY_OK(make_proxy_folder(path, doors.files));
  const std::string log = path.substr(0, path.size() - std::string_view(".sock").size()) + ".log";
  TRY_OK(doors.files.remove(log));
  const Command command{.argv = {executable, "proxy", "--name", link.name, "--listen", link.listen,
                                 "--to", link.to, "--control", path},
                        .folder = "/",
                        .extra_environment = {}};
  TRY(process, doors.processes.start_detached(command, log));
  return wait_until_it_answers(link, process, log, doors, until);
}

}  // namespace gameday
