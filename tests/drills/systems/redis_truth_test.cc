#include "drills/systems/redis_truth.h"

#include "tests/drills/recorded/recorded.h"

namespace gameday {
namespace {

TEST(RedisTruthTest, EachEndingIsReadAsItWasRecorded) {
  expect_read_as_recorded(redis_7_0, "redis-7.0");
}

// Nothing of it says that the backup is bad, or that it is good.
TEST(RedisTruthTest, AnythingElseIsUnknown) {
  const auto truth = [](std::string_view command, int code, const std::string& output) {
    return read_ending(redis_7_0, command, {Ended::How::exited, code, output}).truth;
  };
  EXPECT_EQ(truth("rdb", 0, ""), Truth::unknown);
  EXPECT_EQ(truth("rdb", 1, "[offset 0] Checking RDB file nowhere.rdb\n"), Truth::unknown);
  EXPECT_EQ(truth("rdb", 1, "RDB looks OK!"), Truth::unknown);
  EXPECT_EQ(truth("aof", 0, "AOF analyzed: filename=one.aof"), Truth::unknown);
  EXPECT_EQ(truth("aof", 0, "RDB looks OK!"), Truth::unknown);
  EXPECT_EQ(truth("load", 0, "Ready to accept connections"), Truth::unknown);
  EXPECT_EQ(truth("load", 1, "Out of memory"), Truth::unknown);
  const Ended killed{Ended::How::signalled, 9, "RDB looks OK!"};
  EXPECT_EQ(read_ending(redis_7_0, "rdb", killed).truth, Truth::unknown);
}

}  // namespace
}  // namespace gameday
