#include "drills/systems/container_network.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <set>

#include "drills/systems/own_rights.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

std::unexpected<Error> cannot_be_seen(const std::string& whose) {
  return fail(ErrorCode::refused,
              "the network namespace of " + whose + " cannot be seen from here" +
                  in_brackets(lacking({cap::kSysPtrace})),
              "run gameday as root, on the machine of its engine");
}

}  // namespace

std::string network_mode(const Container& container) {
  return container.all.get("HostConfig").text("NetworkMode");
}

// By its first process, or by where the engine keeps it, of which one that is elsewhere says
// nothing that would stand here.
Result<Netns> netns_of(const HeldContainer& held, const Container& now) {
  const std::string path = held.process ? "/proc/" + std::to_string(held.process->pid) + "/ns/net"
                                        : now.all.get("NetworkSettings").text("SandboxKey");
  auto found = path.starts_with('/') ? netns_named(path)
                                     : fail(ErrorCode::not_found, shown(held) + " has none");
  if (!found) return cannot_be_seen(shown(held));
  TRY(ours, netns_named(std::string(kOwnNetns)));
  if (network_mode(now) == "host" || found->number == ours.number) {
    return fail(ErrorCode::refused,
                shown(held) + " has the network of its machine, all of which would be hit",
                "block a target with `host`, by addresses or a port");
  }
  found->shown = "the network namespace of " + shown(held);
  return found;
}

// By whoever listens on its socket. One that is reached otherwise, or whose process cannot be seen
// from here, is taken to be in ours: then what is looked for there is found or not.
Result<Netns> netns_of_engine(const DockerEndpoint& endpoint) {
  constexpr std::string_view kUnix = "unix://";
  if (!endpoint.host.starts_with(kUnix)) return netns_named(std::string(kOwnNetns));
  const std::string path = endpoint.host.substr(kUnix.size());
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid, "the path of the engine's socket is too long: " + path);
  }
  std::ranges::copy(path, std::begin(address.sun_path));
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return std::unexpected(system_error(errno, "cannot connect to " + path));
  }
  if (peer.pid == 0) return netns_named(std::string(kOwnNetns));
  auto found = netns_named("/proc/" + std::to_string(peer.pid) + "/ns/net");
  if (!found) return cannot_be_seen("the engine at " + path);
  found->shown = "the network namespace of the engine";
  return found;
}

Result<std::string> others_in_network_of(const std::vector<Container>& named,
                                         const DockerEngine& engine, const DeedContext& context) {
  const auto together = [](const std::string& one, const std::string& other) {
    return one + " lives in the network of " + other;
  };
  std::set<std::string> ids, modes;
  for (const auto& one : named) {
    ids.insert(one.id);
    modes.insert(std::string(kJoins) + one.id);
  }
  for (const auto& one : named) {
    const auto mode = network_mode(one);
    if (mode.starts_with(kJoins) && !modes.contains(mode)) {
      return together(shown(one), mode.substr(kJoins.size()));
    }
  }
  TRY(listed, engine.get("/containers/json", context));
  for (const Json& one : listed.items()) {
    const auto mode = one.get("HostConfig").text("NetworkMode");
    if (!modes.contains(mode) || ids.contains(one.text("Id"))) continue;
    return together("container " + one.text("Id"), mode.substr(kJoins.size()));
  }
  return std::string();
}

}  // namespace gameday
