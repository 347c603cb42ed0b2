#include "engine/sys/time_offsets.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(TimeOffsets, AreWrittenAsTheKernelTakesThem) {
  EXPECT_EQ(text_of({3600s, 1500ms}), "monotonic 3600 0\nboottime 1 500000000\n");
  EXPECT_EQ(text_of({-1500ms, -1s}), "monotonic -2 500000000\nboottime -1 0\n");
}

TEST(TimeOffsets, OfAProcessThatHasNoneAndOfOneThatIsNot) {
  const auto ours = time_offsets_of(getpid());
  ASSERT_TRUE(ours) << ours.error().text;
  EXPECT_EQ(time_offsets_of(1 << 30).error().code, ErrorCode::not_found);
}

TEST(TimeOffsets, AreReadBackAsTheyWereSet) {
  if (geteuid() != 0) GTEST_SKIP() << "only root makes time namespaces";
  const TimeOffsets wanted{-1500ms, 7200s + 250ms};
  const pid_t maker = fork();
  if (maker == 0) {
    if (unshare(CLONE_NEWTIME) != 0) _exit(2);
    std::ofstream("/proc/self/timens_offsets") << text_of(wanted);
    const auto found = time_offsets_of(getpid());
    _exit(found && *found == wanted ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(maker, &status, 0), maker);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace gameday
