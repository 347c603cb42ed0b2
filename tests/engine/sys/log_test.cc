#include "engine/sys/log.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace gameday {
namespace {

std::string logged(void (*speak)()) {
  testing::internal::CaptureStderr();
  speak();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesTheTextAsItIsAndALineFeed) {
  EXPECT_EQ(logged([] { log_line("50% of {} done: %v"); }), "50% of {} done: %v\n");
  EXPECT_EQ(logged([] { log_line(""); }), "\n");
}

TEST(Log, HasNoColoursWhereStandardErrorIsNoTerminal) {
  EXPECT_EQ(logged([] { log_line("on fire", Tone::alarm); }), "on fire\n");
}

TEST(Log, KeepsLinesOfThreadsWhole) {
  const std::string all = logged([] {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 100; ++n) log_line("abcdefghij");
      });
    }
  });
  std::string expected;
  for (int i = 0; i < 400; ++i) expected += "abcdefghij\n";
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace gameday
