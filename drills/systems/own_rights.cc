#include "drills/systems/own_rights.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "engine/base/text.h"

namespace gameday {
namespace {

bool in_group(gid_t gid) {
  if (gid == getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  return std::find(groups.begin(), groups.begin() + std::max(count, 0), gid) !=
         groups.begin() + std::max(count, 0);
}

}  // namespace

bool have(const Capability& capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[2] = {};
  if (syscall(SYS_capget, &header, held) != 0) return false;
  return (held[CAP_TO_INDEX(capability.number)].effective & CAP_TO_MASK(capability.number)) != 0;
}

std::string lacking(std::initializer_list<Capability> needed) {
  std::vector<std::string> names;
  for (const auto& capability : needed) {
    if (!have(capability)) names.emplace_back(capability.name);
  }
  return names.empty() ? "" : "we lack " + join(names, " and ");
}

std::string in_brackets(const std::string& lacking) {
  return lacking.empty() ? "" : " (" + lacking + ")";
}

std::string group_name(gid_t gid) {
  group entry{};
  group* found = nullptr;
  std::array<char, 16384> buffer{};
  const int failed = getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);
  return failed == 0 && found != nullptr ? found->gr_name : std::to_string(gid);
}

bool may_change_folder(const std::string& folder) {
  return faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) == 0;
}

bool may_give_to(uid_t uid, gid_t gid) {
  return have(cap::kChown) || (uid == geteuid() && in_group(gid));
}

}  // namespace gameday
