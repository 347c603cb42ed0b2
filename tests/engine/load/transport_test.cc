// The transports of HTTP: what a server says and does, and what it must be taken for.
#include <atomic>
#include <thread>

#include "tests/engine/load/transport_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_P(TransportTest, SaysWhatIsAskedAndTakesTheAnswer) {
  const auto seq = send(asking("PUT", R"({"a":1})", {{"X-One", "1"}, {"X-None", ""}}));
  const FarEnd far = accepted();
  work(milliseconds(20));
  const std::string heard = far.hear("}");
  EXPECT_TRUE(heard.starts_with("PUT /orders/1?all HTTP/1.1\r\nHost: 127.0.0.1:")) << heard;
  for (const char* line : {"\r\nX-One: 1\r\n", "\r\nX-None:", "\r\nContent-Length: 7\r\n",
                           "\r\nContent-Type: application/json\r\n", "\r\n\r\n{\"a\":1}"}) {
    EXPECT_TRUE(heard.contains(line)) << line << " in " << heard;
  }
  EXPECT_FALSE(heard.contains("Expect")) << heard;
  EXPECT_EQ(transport_->in_flight(), 1U);
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_EQ(transport_->in_flight(), 0U);
}

TEST_P(TransportTest, TakesAnAnswerInPiecesAndChunks) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\n\r\n";
  for (const char letter : text) {
    EXPECT_FALSE(answers_.contains(seq));
    far.say({&letter, 1});
    work(milliseconds(1));
  }
  EXPECT_EQ(end_of(seq), "ok 201");
  (void)send(asking());
  EXPECT_FALSE(somebody_connects());
}

TEST_P(TransportTest, AnErrorIsRefusedAndARedirectIsNotFollowed) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end_of(seq), "refused 503");
  const auto next = send(asking());
  work(milliseconds(20));
  far.say("HTTP/1.1 302 Found\r\nLocation: " + url_ + "/b\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end_of(next), "refused 302");
}

// Wherever it leads, and by whatever method it was asked.
TEST_P(TransportTest, NoKindOfRedirectIsFollowed) {
  for (const std::string method : {"GET", "POST"}) {
    for (const std::string status : {"301", "302", "303", "307", "308"}) {
      const auto seq = send(asking(method));
      FarEnd far = accepted();
      work(milliseconds(10));
      (void)far.hear();
      far.say("HTTP/1.1 " + status + " Elsewhere\r\nLocation: " + url_ +
              "/b\r\nContent-Length: 0\r\n\r\n");
      EXPECT_EQ(end_of(seq), "refused " + status) << method;
      EXPECT_FALSE(somebody_connects()) << method << " " << status;
      far.close();
      work(milliseconds(10));
    }
  }
}

TEST_P(TransportTest, AnAnswerAndTheEndAtOnceAreBothSeen) {
  std::size_t seq = 0;
  FarEnd far = heard(seq);
  far.say(kYes);
  far.close();
  EXPECT_EQ(end_of(seq), "ok 200");
  const auto next = send(asking());
  const FarEnd other = accepted();
  other.say(kYes);
  EXPECT_EQ(end_of(next), "ok 200");
}

// It may have been done, so it is sent to nobody else.
TEST_P(TransportTest, WhatWasHeardAndNotAnsweredIsUnknownAndNotSentAgain) {
  for (const bool reset : {false, true}) {
    std::size_t seq = 0;
    FarEnd far = heard(seq);
    reset ? far.reset() : far.close();
    EXPECT_EQ(end_of(seq), "unknown 0");
    EXPECT_FALSE(somebody_connects());
  }
}

TEST_P(TransportTest, AnAnswerThatIsNoneOrCutOffIsUnknown) {
  for (const std::string text :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n"}) {
    std::size_t seq = 0;
    FarEnd far = heard(seq);
    far.say(text);
    work(milliseconds(20));
    far.close();
    EXPECT_EQ(end_of(seq), "unknown 0") << text;
  }
}

TEST_P(TransportTest, OneThatIsNotAnsweredInTimeIsUnknownThen) {
  TransportRequest request = asking();
  const Instant begun = clock_.now().boot;
  // Long enough for shaking hands before, which is dear.
  const Duration patience = is_tls(GetParam()) ? milliseconds(1000) : milliseconds(200);
  request.give_up = begun + patience;
  const auto seq = send(request);
  const FarEnd far = accepted();
  EXPECT_EQ(end_of(seq), "unknown 0");
  EXPECT_GE(answers_[seq].end - begun, patience - milliseconds(1));
  EXPECT_LT(answers_[seq].end - begun, patience + milliseconds(600));
  EXPECT_TRUE(far.hear().starts_with("GET "));
  EXPECT_TRUE(far.has_ended());
}

TEST_P(TransportTest, AnAnswerWithoutEndHoldsUpNobodyAndEndsInTime) {
  TransportRequest request = asking();
  request.give_up = clock_.in(milliseconds(600));
  const auto seq = send(request);
  FarEnd far = accepted();
  std::atomic<bool> over = false;
  std::atomic<int> said = 0;
  std::jthread endless([&] {
    far.say("HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(1 << 20, 'x');
    while (!over && far.say(piece)) ++said;
  });
  const auto next = send(asking());
  const FarEnd other = accepted();
  other.say(kYes);
  EXPECT_EQ(end_of(next), "ok 200");
  EXPECT_FALSE(answers_.contains(seq));
  EXPECT_EQ(end_of(seq), "unknown 0");
  // Nor does it go on taking what nobody waits for any more.
  work(milliseconds(100));
  const auto taken = said.load();
  work(milliseconds(100));
  EXPECT_EQ(said.load(), taken);
  over = true;
}

TEST_P(TransportTest, ARefusalOfABodyThatWasNotTakenIsSeen) {
  const auto seq = send(asking("POST", std::string(32 << 20, 'x')));
  FarEnd far = accepted();
  work(milliseconds(50));
  far.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end_of(seq), "refused 413");
  EXPECT_FALSE(somebody_connects());
}

TEST_P(TransportTest, WhoDoesNotListenIsSentNothing) {
  listener_.reset();
  EXPECT_EQ(end_of(send(asking())), "not_sent 0");
}

TEST_P(TransportTest, ALargeBodyGoesOutAsFastAsItIsTaken) {
  const std::string body(8 << 20, 'x');
  const auto seq = send(asking("POST", body));
  const FarEnd far = accepted();
  std::string heard;
  for (int i = 0; i < 2000 && heard.size() < body.size() + 10; ++i) {
    work(milliseconds(1));
    heard += far.hear("\n\n");
    if (heard.size() > body.size()) break;
  }
  EXPECT_GT(heard.size(), body.size());
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
}

TEST_P(TransportTest, ToHeadThereIsNoBody) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq, "HEAD");
  far.say("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  EXPECT_EQ(end_of(seq), "ok 200");
}

TEST_P(TransportTest, WhoIsWokenReturns) {
  transport_->wake();
  const Instant begun = clock_.now().boot;
  transport_->work(clock_.in(seconds(5)), [](const TransportAnswer&) {});
  EXPECT_LT(clock_.now().boot - begun, seconds(1));
}

INSTANTIATE_TEST_SUITE_P(Each, TransportTest, testing::ValuesIn(kinds_here()), name_of_kind);

}  // namespace
}  // namespace gameday
