// A network namespace of this machine. It is told apart by its number, because a name may be given
// to another one; and it is entered by children, and by threads that do nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/rows.h"
#include "engine/sys/descriptor.h"

namespace gameday {

struct Netns {
  std::string shown;  // "this machine", "network namespace east"
  std::string path;   // where it stands; of our own: /proc/self/ns/net
  std::int64_t number = 0;
  std::string boot;  // numbers are given out anew with each boot
};
[[nodiscard]] Json to_json(const Netns& netns);
[[nodiscard]] Result<Netns> netns_from(const Json& value);

// `own` is the one that we are in; a name is one of `ip netns`; anything else is an absolute path.
inline constexpr std::string_view kOwnNetns = "own";
[[nodiscard]] Result<Netns> netns_named(const std::string& name);
// As the target's `host` says.
[[nodiscard]] Result<Netns> netns_of(const Target& target);

// Where it can be entered now: by its path, or by way of a process that is in it although its name
// is gone. Nothing: it is gone, and all that was in it. `refused`: that cannot be seen from here.
[[nodiscard]] Result<std::optional<std::string>> entrance_to(const Netns& netns,
                                                             const Doors& doors);

// Which of the capabilities we lack by which rules and queues in it are set: "we lack
// CAP_NET_ADMIN"; empty: none that we know of.
[[nodiscard]] std::string lacking_inside(const std::string& entrance);

// Runs a program inside of it, to its end.
[[nodiscard]] Result<Ended> run_inside(const std::string& entrance, std::vector<std::string> argv,
                                       const DeedContext& context);

// A socket in it; whoever holds it need not be.
[[nodiscard]] Result<Descriptor> socket_inside(const std::string& entrance, int family, int type);

}  // namespace gameday
