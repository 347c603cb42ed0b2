#include "engine/proxy/client.h"

#include <sys/socket.h>

#include <cerrno>

#include "engine/base/text.h"
#include "engine/proxy/address.h"
#include "engine/proxy/ask.h"

namespace gameday {
namespace {

// Whether another process listens there, without becoming visible to anybody.
Status check_free(const std::string& listen) {
  TRY(address, resolve_address(listen));
  const Descriptor probe(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(probe.get(), address.get(), address.size) == 0) return {};
  if (errno == EADDRINUSE) {
    return fail(ErrorCode::conflict, "something that is no proxy of ours listens on " + listen,
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
  TRY(folder, control_folder());
  return folder + "/" + name;
}

Result<Json> ask_proxy(const std::string& path, const Json& request, const Clock& clock,
                       const Until& until) {
  return ask_control(path, request, "the proxy", clock, until);
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

Status may_use_proxy(const ProxyLink& link, const Clock& clock, const Until& until) {
  const auto found = find_proxy(link, clock, until);
  if (found) return {};
  if (found.error().code != ErrorCode::not_found) return std::unexpected(found.error());
  const auto free = check_free(link.listen);
  if (free || free.error().code != ErrorCode::conflict) return free;
  return fail(ErrorCode::refused, free.error().text, free.error().hint);
}

Result<Json> start_proxy(const ProxyLink& link, const std::string& executable, const Doors& doors,
                         const Until& until) {
  auto found = find_proxy(link, doors.clock, until);
  if (found || found.error().code != ErrorCode::not_found) return found;
  TRY(path, proxy_control_path(link.listen));
  TRY_OK(check_free(link.listen));
  TRY_OK(make_control_folder(path, doors.files));
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
