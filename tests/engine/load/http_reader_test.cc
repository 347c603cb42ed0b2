#include "engine/load/http_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace gameday {
namespace {

using State = HttpReader::State;

// In pieces of that many bytes.
State taken(HttpReader& answer, const std::string& text, std::size_t piece) {
  State state = State::more;
  for (std::size_t at = 0; at < text.size() && state == State::more; at += piece) {
    state = answer.take(std::string_view(text).substr(at, piece));
  }
  return state;
}

struct Seen {
  State state = State::more;
  int status = 0;
  bool keeps = false;
  bool operator==(const Seen&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  return out << static_cast<int>(seen.state) << " " << seen.status << " " << seen.keeps;
}

// The same, whatever the pieces.
Seen seen(const std::string& text, bool to_head = false, bool ends = false) {
  Seen first;
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    HttpReader answer;
    answer.expect(to_head);
    State state = taken(answer, text, piece);
    if (ends && state == State::more) state = answer.end();
    const Seen now{state, answer.status(), answer.keeps()};
    if (piece == 1) first = now;
    // What comes with the last byte of an answer is seen only in one piece with it.
    if (now.keeps == first.keeps) {
      EXPECT_EQ(now, first) << "in pieces of " << piece;
    }
  }
  return first;
}

TEST(HttpReader, EndsWhereItsLengthOrItsChunksSay) {
  EXPECT_EQ(seen("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            (Seen{State::whole, 200, true}));
  EXPECT_EQ(seen("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
            (Seen{State::whole, 201, true}));
  EXPECT_EQ(seen("HTTP/1.1 204 No Content\r\n\r\n"), (Seen{State::whole, 204, true}));
  EXPECT_EQ(seen("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nX-Sum: 8\r\n\r\n"),
            (Seen{State::whole, 200, true}));
  EXPECT_EQ(seen("HTTP/1.1 404 Not Found\r\ncontent-length:3\r\n\r\nnot"),
            (Seen{State::whole, 404, true}));
}

TEST(HttpReader, WhatFollowsTheLastChunkMayComeInPieces) {
  const std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n";
  EXPECT_EQ(seen(chunks + "\r\n"), (Seen{State::whole, 200, true}));
  EXPECT_EQ(seen(chunks + "A: 1\r\nB: 2\r\n\r\n"), (Seen{State::whole, 200, true}));
  EXPECT_EQ(seen(chunks + "no field\r\n\r\n").state, State::broken);
}

TEST(HttpReader, ToHeadHasNoBody) {
  EXPECT_EQ(seen("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", true),
            (Seen{State::whole, 200, true}));
}

TEST(HttpReader, WithoutALengthItEndsWithTheConnection) {
  const std::string text = "HTTP/1.1 200 OK\r\n\r\nhello";
  EXPECT_EQ(seen(text).state, State::more);
  EXPECT_EQ(seen(text, false, true), (Seen{State::whole, 200, false}));
}

TEST(HttpReader, SaysWhetherTheConnectionIsKept) {
  EXPECT_EQ(seen("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"),
            (Seen{State::whole, 200, false}));
  EXPECT_EQ(seen("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            (Seen{State::whole, 200, false}));
  EXPECT_EQ(seen("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"),
            (Seen{State::whole, 200, true}));
}

TEST(HttpReader, MoreThanWasAskedForEndsTheConnection) {
  HttpReader answer;
  answer.expect(false);
  const std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  EXPECT_EQ(answer.take(one + one), State::whole);
  EXPECT_FALSE(answer.keeps());
  EXPECT_EQ(answer.take(one), State::broken);
  answer.expect(false);
  EXPECT_EQ(answer.take(one), State::whole);
  EXPECT_TRUE(answer.keeps());
}

TEST(HttpReader, InterimAnswersArePassedOverUpToANumber) {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(seen(interim + "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            (Seen{State::whole, 200, true}));
  std::string many;
  for (int i = 0; i < 100; ++i) many += interim;
  HttpReader answer;
  answer.expect(false);
  EXPECT_EQ(answer.take(many), State::broken);
  EXPECT_EQ(seen("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").state, State::broken);
}

TEST(HttpReader, WhatIsNoHttpIsBroken) {
  for (const std::string text :
       {"nonsense\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n"}) {
    EXPECT_EQ(seen(text).state, State::broken) << text;
  }
}

TEST(HttpReader, OneThatIsCutOffIsBroken) {
  for (const std::string text :
       {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    EXPECT_EQ(seen(text).state, State::more) << text;
    EXPECT_EQ(seen(text, false, true).state, State::broken) << text;
  }
}

TEST(HttpReader, AHeaderWithoutEndIsBroken) {
  HttpReader answer;
  answer.expect(false);
  State state = answer.take("HTTP/1.1 200 OK\r\n");
  const std::string line = "X-More: " + std::string(1000, 'x') + "\r\n";
  int lines = 0;
  for (; state == State::more && lines < 1000; ++lines) state = answer.take(line);
  EXPECT_EQ(state, State::broken);
  EXPECT_LT(lines, 70);
}

TEST(HttpReader, ABodyOfAnyLengthTakesNoMemoryAndEnds) {
  HttpReader answer;
  answer.expect(false);
  constexpr std::size_t kPiece = 1 << 16, kPieces = 4096;
  State state = answer.take(
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kPiece * kPieces) + "\r\n\r\n");
  const std::string piece(kPiece, 'x');
  for (std::size_t i = 0; i < kPieces; ++i) {
    ASSERT_EQ(state, State::more);
    state = answer.take(piece);
  }
  EXPECT_EQ(state, State::whole);
  EXPECT_TRUE(answer.keeps());
}

}  // namespace
}  // namespace gameday
