#include "engine/sys/descriptor_room.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gameday {
namespace {

// In a process of its own, as nothing raises a hard limit again.
bool allowed(rlim_t soft, rlim_t hard, std::size_t expected) {
  const pid_t child = fork();
  if (child == 0) {
    rlimit limit{soft, hard};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(2);
    const bool told = allow_many_descriptors() == expected;
    getrlimit(RLIMIT_NOFILE, &limit);
    _exit(told && limit.rlim_cur == expected && limit.rlim_max == hard ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(DescriptorRoom, IsAllThatTheHardLimitHas) {
  EXPECT_TRUE(allowed(64, 512, 512));
  EXPECT_TRUE(allowed(100, 100, 100));
}

}  // namespace
}  // namespace gameday
