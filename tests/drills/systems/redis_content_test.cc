#include "drills/systems/redis_content.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using namespace std::chrono_literals;

const Utc kNow = Utc(1000s);
constexpr std::int64_t kLater = 5'000'000, kGone = 900'000;  // ms

RedisContent content(std::vector<RedisKey> keys) { return {std::move(keys)}; }
RedisDifference differ(const RedisContent& wanted, const RedisContent& found) {
  return compare_redis(wanted, found, {}, kNow);
}

TEST(RedisContentTest, EachWayToDifferIsSeen) {
  const RedisContent one = content({{0, "k", "string", "d", kLater}});
  EXPECT_EQ(differ(one, one).wrong, 0);
  EXPECT_EQ(differ(one, one).compared, 1);
  const auto shown = [&](const RedisKey& other) { return differ(one, content({other})).shown; };
  EXPECT_EQ(differ(one, content({})).shown, "1 missing");
  EXPECT_EQ(differ(content({}), one).shown, "1 not of the backup");
  EXPECT_EQ(shown({0, "k", "hash", "d", kLater}), "1 of another kind");
  EXPECT_EQ(shown({0, "k", "string", "e", kLater}), "1 of another value");
  EXPECT_EQ(shown({0, "k", "string", "d", kLater + 1}), "1 to expire at another time");
  EXPECT_EQ(shown({0, "k", "string", "d", 0}), "1 to expire at another time");
  EXPECT_EQ(shown({0, "K", "string", "d", kLater}), "1 missing, 1 not of the backup");
  EXPECT_EQ(shown({1, "k", "string", "d", kLater}), "1 missing, 1 not of the backup");
}

TEST(RedisContentTest, OnlyWhatWasDueToGoMayBeGone) {
  const auto missing = [](std::int64_t expires) {
    return differ(content({{0, "k", "string", "d", expires}}), content({}));
  };
  EXPECT_EQ(missing(kGone).wrong, 0);
  EXPECT_EQ(missing(kGone).expired, 1);
  EXPECT_EQ(missing(kGone).compared, 0);
  EXPECT_EQ(missing(1'001'000).wrong, 0) << "two clocks differ";
  EXPECT_EQ(missing(1'003'000).wrong, 1);
  EXPECT_EQ(missing(0).wrong, 1) << "it never expires";
  const RedisContent due = content({{0, "k", "string", "d", kGone}});
  EXPECT_EQ(differ(due, content({{0, "k", "string", "e", kGone}})).wrong, 1)
      << "what is there all the same is compared";
}

TEST(RedisContentTest, OneDatabaseIsComparedWithAnother) {
  const RedisContent wanted = content({{0, "a", "string", "d", 0}, {2, "b", "string", "d", 0}});
  const RedisContent found = content({{7, "b", "string", "d", 0}, {8, "x", "string", "d", 0}});
  EXPECT_EQ(compare_redis(wanted, found, RedisDatabases{2, 7}, kNow).wrong, 0);
  EXPECT_EQ(compare_redis(wanted, found, RedisDatabases{2, 7}, kNow).compared, 1);
  EXPECT_EQ(compare_redis(wanted, found, RedisDatabases{0, 7}, kNow).wrong, 2);
  EXPECT_EQ(compare_redis(wanted, found, RedisDatabases{2, 3}, kNow).shown, "1 missing");
}

TEST(RedisContentTest, IsReadAsItWasWritten) {
  const RedisContent written =
      content({{0, std::string("\0 \n\xff", 4), "zset", "ab", kLater}, {12, "", "string", "c", 0}});
  const auto read = redis_content_from(to_text(written));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(to_text(*read), to_text(written));
  EXPECT_EQ(differ(written, *read).wrong, 0);
  EXPECT_EQ(read->count(12), 1);
  EXPECT_EQ(counted(*read).dump(), R"({"0":1,"12":1})");
  for (const char* wrong : {"x", "0 string 0 d", "0 string x d eA==", "x string 0 d eA==",
                            "0 string 0 d !!", "0 string 0 d eA== more"}) {
    EXPECT_FALSE(redis_content_from(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace gameday
