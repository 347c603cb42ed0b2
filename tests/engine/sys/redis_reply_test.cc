#include "engine/sys/redis_reply.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using Kind = RedisReply::Kind;

RedisReply only(std::string_view bytes) {
  RedisReader reader;
  reader.add(bytes);
  auto taken = reader.take();
  EXPECT_TRUE(taken && *taken) << bytes;
  return taken && *taken ? **taken : RedisReply{};
}

TEST(RedisReaderTest, ReadsEachKind) {
  EXPECT_EQ(only("+OK\r\n").text, "OK");
  EXPECT_EQ(only("-NOPERM no\r\n").error_word(), "NOPERM");
  EXPECT_EQ(only(":-7\r\n").number, -7);
  EXPECT_EQ(only("$4\r\na\r\nb\r\n").text, "a\r\nb");
  EXPECT_EQ(only("$0\r\n\r\n").kind, Kind::text);
  EXPECT_TRUE(only("$-1\r\n").is_nothing());
  EXPECT_TRUE(only("*-1\r\n").is_nothing());
  EXPECT_EQ(only("*0\r\n").kind, Kind::list);
  const RedisReply list = only("*3\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n+y\r\n");
  ASSERT_EQ(list.items.size(), 3u);
  ASSERT_EQ(list.items[1].items.size(), 2u);
  EXPECT_EQ(list.items[1].items[0].text, "x");
  EXPECT_EQ(list.items[2].text, "y");
}

TEST(RedisReaderTest, BytesMayComeOneByOneAndRepliesTogether) {
  const std::string all = "*2\r\n$3\r\nabc\r\n:5\r\n+OK\r\n";
  RedisReader reader;
  std::vector<RedisReply> replies;
  for (const char byte : all) {
    reader.add({&byte, 1});
    auto taken = reader.take();
    ASSERT_TRUE(taken);
    if (*taken) replies.push_back(**taken);
  }
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].items[1].number, 5);
  reader.add(all);
  EXPECT_EQ((*reader.take())->items.size(), 2u);
  EXPECT_EQ((*reader.take())->text, "OK");
  EXPECT_FALSE(*reader.take());
}

void expect_refused(const std::string& bytes) {
  RedisReader reader;
  reader.add(bytes);
  const auto taken = reader.take();
  ASSERT_FALSE(taken) << bytes.substr(0, 60);
  EXPECT_EQ(taken.error().code, ErrorCode::failed);
}

TEST(RedisReaderTest, RefusesWhatIsNoResp) {
  for (const char* wrong : {"\r\n", "HTTP/1.1 200 OK\r\n", ":1x\r\n", ":\r\n", "$x\r\n",
                            "$1\r\nab\r\n", "*z\r\n", "%1\r\n", "#1\r\n"}) {
    expect_refused(wrong);
  }
}

TEST(RedisReaderTest, ALineThatNeverEndsIsBounded) { expect_refused(std::string(65 << 10, 'x')); }

TEST(RedisReaderTest, ATextIsBounded) {
  expect_refused("$" + std::to_string(RedisReader::kLargest + 1) + "\r\n");
}

TEST(RedisReaderTest, NestingIsBounded) {
  std::string nested;
  for (std::size_t at = 0; at < RedisReader::kDeepest; ++at) nested += "*1\r\n";
  EXPECT_EQ(only(nested + ":1\r\n").items.size(), 1u);
  expect_refused(nested + "*1\r\n");
}

TEST(RedisReaderTest, TheItemsOfAReplyAreBoundedInAll) {
  const std::string most = "*" + std::to_string(RedisReader::kMostItems) + "\r\n";
  expect_refused("*" + std::to_string(RedisReader::kMostItems + 1) + "\r\n");
  expect_refused(most + "*1\r\n");
}

// However small each part of it is.
TEST(RedisReaderTest, AReplyIsBoundedInAll) {
  RedisReader reader;
  reader.add("*9\r\n");
  const std::string part = "$16777216\r\n" + std::string(16 << 20, 'x') + "\r\n";
  bool refused = false;
  for (int at = 0; at < 5 && !refused; ++at) {
    reader.add(part);
    refused = !reader.take();
  }
  EXPECT_TRUE(refused);
}

TEST(RedisReplyTest, AnErrorSaysWhatACallerCanReactTo) {
  const auto code = [](const char* text) {
    return error_of(RedisReply{.kind = Kind::error, .text = text}).code;
  };
  EXPECT_EQ(code("NOAUTH Authentication required."), ErrorCode::refused);
  EXPECT_EQ(code("WRONGPASS invalid"), ErrorCode::refused);
  EXPECT_EQ(code("NOPERM this user"), ErrorCode::refused);
  EXPECT_EQ(code("ERR unknown command 'x'"), ErrorCode::unsupported);
  EXPECT_EQ(code("LOADING"), ErrorCode::failed);
}

TEST(RedisReplyTest, ACommandIsAListOfTexts) {
  EXPECT_EQ(redis_words({"SET", "a\r\n", ""}), "*3\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$0\r\n\r\n");
}

}  // namespace
}  // namespace gameday
