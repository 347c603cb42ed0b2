// Does something as another user of this machine, in a child: what fails there fails the test.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

namespace gameday {

inline constexpr uid_t kNobody = 65534;

// With no groups but these, and no capabilities. A world that `work` uses is made in it: what
// starts programs has a thread, which does not come along.
template <class Work>
void as_user(uid_t user, gid_t group, const std::vector<gid_t>& groups, const Work& work) {
  (void)std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const bool other = setgroups(groups.size(), groups.data()) == 0 &&
                       setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0 &&
                       // As a program that this user has started: its children may look at it.
                       prctl(PR_SET_DUMPABLE, 1) == 0;
    EXPECT_TRUE(other) << "cannot become user " << user;
    if (other) work();
    (void)std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "as user " << user << ", see above";
}

// One whose own group has its number.
template <class Work>
void as_user(uid_t user, const std::vector<gid_t>& groups, const Work& work) {
  as_user(user, static_cast<gid_t>(user), groups, work);
}

}  // namespace gameday
