#include "engine/sys/rdb_stream.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

const std::string kMark(40, 'm');
const std::string kHead = "+FULLRESYNC 0123456789 0\r\n";

struct Fed {
  Result<bool> whole = false;
  std::string dump = {};
  bool without_a_file = false;
};
// In pieces of that many bytes, until it is whole, wrong, or over.
Fed fed(const std::string& bytes, std::size_t piece) {
  RdbStream stream;
  Fed fed;
  const auto take = [&](std::string_view part) -> Status {
    fed.dump += part;
    return {};
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    fed.whole = stream.add(std::string_view(bytes).substr(at, piece), take);
    if (!fed.whole || *fed.whole) break;
  }
  fed.without_a_file = stream.without_a_file();
  EXPECT_EQ(stream.taken(), static_cast<std::int64_t>(fed.dump.size()));
  return fed;
}

TEST(RdbStreamTest, EndsAfterSoManyBytesOrAtItsMark) {
  // What could be taken for a mark's beginning is none.
  const std::string dump = "REDIS0010\r\n$3\r\n" + kMark.substr(0, 39) + "x\n\n-ERR";
  for (const std::size_t piece : {1U, 7U, 39U, 40U, 41U, 4096U}) {
    const auto counted =
        fed("\n\n" + kHead + "\n\n$" + std::to_string(dump.size()) + "\r\n" + dump, piece);
    ASSERT_TRUE(counted.whole) << counted.whole.error().text;
    EXPECT_TRUE(*counted.whole) << piece;
    EXPECT_EQ(counted.dump, dump);
    EXPECT_FALSE(counted.without_a_file);
    const auto marked = fed(kHead + "\n$EOF:" + kMark + "\r\n" + dump + kMark, piece);
    ASSERT_TRUE(marked.whole) << marked.whole.error().text;
    EXPECT_TRUE(*marked.whole) << piece;
    EXPECT_EQ(marked.dump, dump);
    EXPECT_TRUE(marked.without_a_file);
  }
}

TEST(RdbStreamTest, IsNotWholeBeforeItsEnd) {
  for (const std::size_t piece : {1U, 4096U}) {
    EXPECT_FALSE(*fed("\n", piece).whole);
    EXPECT_FALSE(*fed(kHead, piece).whole);
    EXPECT_FALSE(*fed(kHead + "$10\r\n123456789", piece).whole);
    EXPECT_FALSE(*fed(kHead + "$EOF:" + kMark + "\r\nREDIS" + kMark.substr(1), piece).whole);
  }
}

TEST(RdbStreamTest, WhatTheServerRefusesIsItsError) {
  const auto refused = fed("-NOPERM this user has no permissions\r\n", 4096);
  ASSERT_FALSE(refused.whole);
  EXPECT_EQ(refused.whole.error().code, ErrorCode::refused);
  const auto broken = fed(kHead + "-ERR the save has failed\r\n", 4096);
  ASSERT_FALSE(broken.whole);
  EXPECT_EQ(broken.whole.error().code, ErrorCode::failed);
}

TEST(RdbStreamTest, WhatIsNoDumpIsAnError) {
  for (const std::string& wrong :
       {std::string("+CONTINUE\r\n"), std::string("HTTP/1.1 400\r\n"), kHead + "$\r\n",
        kHead + "$-1\r\n", kHead + "$12x\r\n", kHead + "12\r\n",
        kHead + "$99999999999999999999\r\n", kHead + "$EOF:short\r\n", std::string(5000, 'x')}) {
    for (const std::size_t piece : {1U, 4096U}) {
      const auto read = fed(wrong, piece);
      ASSERT_FALSE(read.whole) << wrong;
      EXPECT_EQ(read.whole.error().code, ErrorCode::failed);
      EXPECT_EQ(read.dump, "");
    }
  }
}

TEST(RdbStreamTest, WhatCannotBeWrittenEndsIt) {
  RdbStream stream;
  const auto full = [](std::string_view) { return Status(fail(ErrorCode::no_space, "full")); };
  const auto read = stream.add(kHead + "$3\r\nabc", full);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::no_space);
}

}  // namespace
}  // namespace gameday
