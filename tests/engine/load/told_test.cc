#include "engine/load/told.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant at(std::int64_t ms) { return Instant(milliseconds(ms)); }

ToldTerms two() { return {2, 1, 10, seconds(1)}; }

// Three that are there: two that send, and one that tells them what to do.
Told all_there(const ToldTerms& terms = two()) {
  Told told(terms);
  told.hear(0, "hello master 1 2.47.0", at(0));
  told.hear(1, "hello worker 2 2.47.0", at(0));
  told.hear(2, "hello worker 3 2.47.0", at(0));
  for (const int teller : {1, 2}) told.hear(teller, "begins", at(0));
  return told;
}

TEST(Told, ARequestIsASample) {
  Told told = all_there();
  told.hear(1, "r 5000000 1234567 o 200\tGET /\t", at(9));
  told.hear(2, "r 6000000 2000000 r 503\tGET /a b\tHTTPError('503')", at(9));
  told.hear(2, "r 7000000 0 n 0\tGET /\trefused", at(9));
  const auto samples = told.take();
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].due, at(5));
  EXPECT_EQ(samples[0].sent, at(5));
  EXPECT_EQ(samples[0].latency(), Duration(1'234'567)) << "not rounded";
  EXPECT_TRUE(samples[0].good());
  EXPECT_EQ(samples[1].outcome, SampleOutcome::refused);
  EXPECT_EQ(samples[1].status, 503);
  EXPECT_EQ(samples[2].outcome, SampleOutcome::not_sent);
  EXPECT_TRUE(told.take().empty()) << "each is given out once";
  const auto summary = told.summary();
  ASSERT_EQ(summary.requests.size(), 2U);
  EXPECT_EQ(summary.requests[0].name, "GET /");
  EXPECT_EQ(summary.requests[0].ok, 1U);
  EXPECT_EQ(summary.requests[0].example, "refused");
  EXPECT_EQ(summary.requests[1].name, "GET /a b");
  EXPECT_EQ(told.why_not_valid(), "");
}

TEST(Told, WhatTookAsLongAsTheTimeoutHadNoAnswer) {
  Told told = all_there();
  told.hear(1, "r 0 999999999 o 200\tGET /\t", at(0));
  told.hear(1, "r 0 1000000000 o 200\tGET /\t", at(0));
  told.hear(1, "r 0 7000000000 o 200\tGET /\t", at(0));
  const auto samples = told.take();
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_TRUE(samples[0].good());
  for (const std::size_t late : {1, 2}) {
    EXPECT_EQ(samples[late].outcome, SampleOutcome::unknown);
    EXPECT_EQ(samples[late].end, at(1000));
  }
  EXPECT_EQ(told.summary().requests[0].errors, 2U);
  EXPECT_NE(told.summary().requests[0].example, "");
}

TEST(Told, AllAreHereOnceEachHasSaidSo) {
  Told told(two());
  told.hear(1, "hello worker 2 2.47.0", at(0));
  told.hear(2, "hello worker 3 2.47.0", at(0));
  EXPECT_FALSE(told.all_are_here()) << "who tells them what to do is not there";
  told.hear(0, "hello master 1 2.47.0", at(0));
  EXPECT_FALSE(told.all_are_here()) << "nobody has begun";
  EXPECT_EQ(told.who_is_here(), "0 of 2 sending processes");
  told.hear(1, "begins", at(0));
  told.hear(2, "begins", at(0));
  EXPECT_TRUE(told.all_are_here());
  EXPECT_EQ(told.version(), "2.47.0");
  told.left(1, false);
  EXPECT_FALSE(told.all_are_here());
  EXPECT_EQ(told.who_is_here(), "1 of 2 sending processes");
}

TEST(Told, WhoIsLostTakesAwayWhatItSaysOfTheLoad) {
  Told told = all_there();
  told.left(1, false);
  EXPECT_TRUE(told.why_not_valid().contains("1 of 2 sending processes")) << told.why_not_valid();
  Told silent = all_there();
  silent.left(2, true);
  EXPECT_NE(silent.why_not_valid(), "") << "it has not said that it has told all";
  Told asked = all_there();
  for (const int teller : {1, 2}) {
    asked.hear(teller, "bye", at(0));
    asked.left(teller, true);
  }
  asked.left(0, true);
  EXPECT_EQ(asked.why_not_valid(), "");
  Told early = all_there();
  early.hear(1, "bye", at(0));
  early.left(1, false);
  EXPECT_NE(early.why_not_valid(), "") << "nobody has asked it to end";
}

TEST(Told, WhatCouldNotBeToldIsNotForgotten) {
  Told told = all_there();
  told.hear(1, "dropped 3", at(0));
  told.hear(1, "dropped 12", at(0));
  told.hear(2, "dropped 1", at(0));
  EXPECT_EQ(told.summary().dropped, 13U);
  EXPECT_TRUE(told.why_not_valid().starts_with("13 requests")) << told.why_not_valid();
  Told busy = all_there();
  busy.hear(1, "busy", at(0));
  EXPECT_TRUE(busy.why_not_valid().contains("its processor was full")) << busy.why_not_valid();
}

TEST(Told, WhatIsNoTellingIsCounted) {
  for (const char* odd :
       {"", "r", "r 1 2 o 200", "r 1 2 o 200\tGET /", "r 1 -2 o 200\tGET /\t", "r 1 2 x 200\tG\t",
        "r one 2 o 200\tG\t", "r 1 2 o two\tG\t", "r 1 2 o 200 5\tG\t", "users", "users 5",
        "users many 5", "users 5 long", "dropped", "dropped -1", "hello", "hello worker 2",
        "bye now", "something"}) {
    Told told = all_there();
    told.hear(1, odd, at(0));
    EXPECT_TRUE(told.why_not_valid().contains("1 lines")) << odd;
    EXPECT_TRUE(told.take().empty()) << odd;
  }
  Told stranger = all_there();
  stranger.hear(7, "r 1 2 o 200\tGET /\t", at(0));
  EXPECT_NE(stranger.why_not_valid(), "") << "it has not said what it is";
  EXPECT_TRUE(stranger.take().empty());
}

TEST(Told, NobodyTellsOfWhatIsToCome) {
  Told told = all_there();
  told.hear(1, "r 1500000000 1 o 200\tGET /\t", at(499));
  EXPECT_TRUE(told.take().empty());
  EXPECT_TRUE(told.why_not_valid().contains("1 lines"));
  told.hear(1, "r 1500000000 1 o 200\tGET /\t", at(500));
  EXPECT_EQ(told.take().size(), 1U);
}

TEST(Told, NamesAreBounded) {
  Told told = all_there();
  for (int i = 0; i < 500; ++i) {
    told.hear(1, "r 0 1 o 200\tGET /" + std::to_string(i) + "\t", at(0));
  }
  const auto requests = told.summary().requests;
  EXPECT_EQ(requests.size(), 51U);
  const auto others = std::ranges::find(requests, "(others)", &RequestsTold::name);
  ASSERT_NE(others, requests.end());
  EXPECT_EQ(others->ok, 450U);
}

TEST(Told, CountsItsUsersOnceAllAreThere) {
  Told told = all_there();
  EXPECT_FALSE(told.closed().full);
  told.hear(1, "users 4 1000", at(100));
  told.hear(2, "users 4 3000", at(200));
  EXPECT_FALSE(told.closed().full) << "8 of 10";
  told.hear(2, "users 6 4000", at(700));
  EXPECT_EQ(told.closed().full, at(700));
  EXPECT_EQ(told.closed().users, 10);
  told.hear(1, "users 2 5000", at(900));
  EXPECT_EQ(told.closed().users, 8) << "the fewest since";
  told.ends();
  told.hear(1, "users 0 5000", at(1000));
  told.hear(2, "users 0 6000", at(1000));
  EXPECT_EQ(told.closed().users, 8) << "at the end they go";
  EXPECT_EQ(told.cpu(), Duration(11'000));
  EXPECT_EQ(told.closed().timeout, seconds(1));
}

}  // namespace
}  // namespace gameday
