// What we ourselves may do on this machine, as it stands: found out without doing any of it. Root
// may lack rights, as in a container, and others than root may have some of root's.
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace gameday {

// One of capabilities(7).
struct Capability {
  int number = 0;
  std::string_view name;
};
namespace cap {
inline constexpr Capability kChown{CAP_CHOWN, "CAP_CHOWN"};
inline constexpr Capability kDacOverride{CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"};
inline constexpr Capability kDacReadSearch{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"};
inline constexpr Capability kKill{CAP_KILL, "CAP_KILL"};
inline constexpr Capability kNetAdmin{CAP_NET_ADMIN, "CAP_NET_ADMIN"};
inline constexpr Capability kSysAdmin{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"};
inline constexpr Capability kSysChroot{CAP_SYS_CHROOT, "CAP_SYS_CHROOT"};
inline constexpr Capability kSysPtrace{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"};
inline constexpr Capability kSysResource{CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"};
inline constexpr Capability kSysTime{CAP_SYS_TIME, "CAP_SYS_TIME"};
}  // namespace cap

[[nodiscard]] bool have(const Capability& capability);

// "we lack CAP_NET_ADMIN and CAP_SYS_ADMIN"; empty: we have all of them.
[[nodiscard]] std::string lacking(std::initializer_list<Capability> needed);

// The same behind what a system call said: "...: Operation not permitted (we lack CAP_KILL)".
[[nodiscard]] std::string in_brackets(const std::string& lacking);

// "docker", or its number where it has no name.
[[nodiscard]] std::string group_name(gid_t gid);

// Whether files can be made and removed in that folder, and the folder be synced.
[[nodiscard]] bool may_change_folder(const std::string& folder);

// Whether a file that we make can be given that owner and that group.
[[nodiscard]] bool may_give_to(uid_t uid, gid_t gid);

}  // namespace gameday
