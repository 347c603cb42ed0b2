// Does something as another user of this machine, in a child: what fails there fails the test.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <vector>

namespace gameday {

inline constexpr uid_t kNobody = 65534;
inline constexpr uid_t kSomebodyElse = 12345;

// A world that `work` uses is made in it: what starts programs has a thread, which does not come
// along.
template <class Work>
void in_child(const Work& work) {
  (void)std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    // What is thrown would have this process go on as if it were the other one.
    try {
      work();
    } catch (const std::exception& thrown) {
      ADD_FAILURE() << thrown.what();
    }
    (void)std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "in a child, see above";
}

// Of root's capabilities, whether there is one to be handed on: a container's root has not all.
inline bool can_be_given(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[2] = {};
  return syscall(SYS_capget, &header, held) == 0 &&
         (held[CAP_TO_INDEX(capability)].permitted & CAP_TO_MASK(capability)) != 0;
}

// This thread, and whatever it starts from now on, is that user, with no groups and no capabilities
// but these: as after a login, or as a service that was given them (systemd.exec(5)).
inline bool become(uid_t user, const std::vector<gid_t>& groups,
                   const std::vector<int>& capabilities = {}) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct given[2] = {};
  for (const int capability : capabilities) {
    given[CAP_TO_INDEX(capability)].permitted |= CAP_TO_MASK(capability);
  }
  for (auto& half : given) half.effective = half.inheritable = half.permitted;
  const passwd* known = getpwuid(user);
  const gid_t group = known != nullptr ? known->pw_gid : static_cast<gid_t>(user);
  bool whole = prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(groups.size(), groups.data()) == 0 &&
               setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0 &&
               prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
               syscall(SYS_capset, &header, given) == 0;
  for (const int capability : capabilities) {
    whole = whole && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0;
  }
  // A process that has changed its user shows nobody anything, itself among them.
  whole = whole && prctl(PR_SET_DUMPABLE, 1) == 0;
  EXPECT_TRUE(whole) << "cannot become user " << user;
  return whole;
}

template <class Work>
void as_user(uid_t user, const std::vector<gid_t>& groups, const std::vector<int>& capabilities,
             const Work& work) {
  in_child([&] {
    if (become(user, groups, capabilities)) work();
  });
}
// With no groups but these, and no capabilities.
template <class Work>
void as_user(uid_t user, const std::vector<gid_t>& groups, const Work& work) {
  as_user(user, groups, {}, work);
}

// All of them but one.
inline std::vector<int> without(std::vector<int> capabilities, int one) {
  std::erase(capabilities, one);
  return capabilities;
}

}  // namespace gameday
