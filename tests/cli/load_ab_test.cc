// ApacheBench's command lines, as ab reads them.
#include "cli/load_ab.h"

#include <algorithm>
#include <sstream>

#include "cli/load_document.h"
#include "engine/load/request_pattern.h"
#include "tests/cli/load_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

LoadOrder order(const std::string& line) {
  auto read = order_of_ab(line);
  EXPECT_TRUE(read) << line << ": " << read.error().text;
  return read.value_or(LoadOrder{});
}

TEST(AbLine, SaysHowManyAndHow) {
  const LoadOrder one = order("ab -n 1000 -c 10 -k http://127.0.0.1/");
  EXPECT_EQ(one.terms.most, 1000U);
  EXPECT_EQ(one.terms.connections, 10U);
  EXPECT_EQ(one.terms.length, Duration::zero());
  EXPECT_EQ(one.terms.timeout, seconds(30));
  EXPECT_EQ(one.terms.rate, 0);
  EXPECT_EQ(one.terms.request.method, "GET");
  EXPECT_EQ(one.terms.request.url, "http://127.0.0.1/");
  EXPECT_TRUE(one.terms.request.headers.empty());
  EXPECT_EQ(plan_in_words(one.terms), "closed loop, 10 connections, 1,000 requests");
  // Nothing said: one, and a connection for it alone.
  const LoadOrder bare = order("/usr/bin/ab http://127.0.0.1/");
  EXPECT_EQ(bare.terms.most, 1U);
  ASSERT_EQ(bare.terms.request.headers.size(), 1U);
  EXPECT_EQ(bare.terms.request.headers[0],
            (std::pair<std::string, std::string>("Connection", "close")));
}

// As ab does it: -t is 50,000 at most, and what stands behind it may say otherwise.
TEST(AbLine, ATimeIsOfSoManyRequestsAtMost) {
  EXPECT_EQ(order("-t 30 http://h/").terms.most, 50'000U);
  EXPECT_EQ(order("-t 30 http://h/").terms.length, seconds(30));
  EXPECT_EQ(order("-n 7 -t 30 http://h/").terms.most, 50'000U);
  EXPECT_EQ(order("-t 30 -n 7 http://h/").terms.most, 7U);
}

TEST(AbLine, FlagsMayStandTogetherAndValuesBehindThem) {
  const LoadOrder one = order("-klrc5 -n50 -s 3 http://h/");
  EXPECT_EQ(one.terms.connections, 5U);
  EXPECT_EQ(one.terms.most, 50U);
  EXPECT_EQ(one.terms.timeout, seconds(3));
  EXPECT_TRUE(one.terms.request.headers.empty());
  const LoadOrder quoted =
      order(R"(-k -H "X-A: b c" -H 'X-Q: "d"' -H X-E:\ f -m PATCH 'http://h/?a=1')");
  const Headers expected = {{"X-A", "b c"}, {"X-Q", "\"d\""}, {"X-E", "f"}};
  EXPECT_EQ(quoted.terms.request.headers, expected);
  EXPECT_EQ(quoted.terms.request.method, "PATCH");
  EXPECT_EQ(quoted.terms.request.url, "http://h/?a=1");
}

TEST(AbLine, WhatIsNotKnownIsRefusedByItsName) {
  const std::pair<std::string, std::string> bad[] = {
      {"-A user:pw http://h/", "gameday has nothing for ab's -A"},
      {"-kX p:1 http://h/", "gameday has nothing for ab's -X"},
      {"--help http://h/", "gameday has nothing for ab's --"},
      {"-n", "-n wants a value"},
      {"-n 5", "it names no URL"},
      {"-n 0 http://h/", "-n wants a whole number from 1"},
      {"-n 1e3 http://h/", "not `1e3`"},
      {"-c 20001 -n 30000 http://h/", "-c wants a whole number from 1 to 20000"},
      {"-n 5 -c 10 http://h/", "-c may not be over -n"},
      {"-H nothing http://h/", "--ab: -H: `nothing` is no header"},
      {"-m 'G T' http://h/", "is no method"},
      {"http://h/ http://i/", "one URL"},
      {"-H 'a: b http://h/", "a quote is not closed"},
      {"-p /no/such/file http://h/", "-p: "},
      {"h/", "is no http or https URL"},
      {"-H 'a: ${env:X}' http://h/", "taken for a secret"},
  };
  for (const auto& [line, text] : bad) {
    const auto read = order_of_ab(line);
    EXPECT_FALSE(read) << line;
    if (read) continue;
    EXPECT_EQ(read.error().code, ErrorCode::invalid);
    EXPECT_TRUE(read.error().text.contains(text)) << read.error().text;
  }
}

TEST(AbFiles, AreAsAbWritesThem) {
  LoadRun run;
  run.started = {Instant(seconds(100)), Utc(seconds(1'000'000))};
  for (int i = 1; i <= 100; ++i) run.service.add(milliseconds(i));
  const std::string percentages = ab_percentages(run);
  EXPECT_TRUE(percentages.starts_with("Percentage served,Time in ms\n0,1.0")) << percentages;
  EXPECT_EQ(std::ranges::count(percentages, '\n'), 101);
  EXPECT_TRUE(percentages.contains("\n50,50.")) << percentages;
  const Instant at = run.started.boot + seconds(1);
  run.samples = {{0, at, at, at + milliseconds(20), SampleOutcome::ok, 200},
                 {1, at, at, at + milliseconds(10), SampleOutcome::refused, 500},
                 {2, at, at, at + milliseconds(5), SampleOutcome::unknown, 0}};
  std::istringstream lines(ab_requests(run));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "starttime\tseconds\tctime\tdtime\tttime\twait");
  std::getline(lines, line);
  EXPECT_TRUE(line.ends_with("\t1000001\tNaN\tNaN\t10\tNaN")) << line;
  std::getline(lines, line);
  EXPECT_TRUE(line.ends_with("\t1000001\tNaN\tNaN\t20\tNaN")) << line;
  EXPECT_FALSE(std::getline(lines, line));
}

class AbCommand : public LoadCliTest {};

TEST_F(AbCommand, AsksJustWhatAbWould) {
  write("body", "{\"a\":{{1}}");
  const std::string line = "ab -n 40 -c 4 -k -m PUT -p " + file("body") +
                           " -T text/x -H 'X-A: {seq}' -g " + file("times.tsv") + " -e " +
                           file("percent.csv") + " " + server_.url() + "/orders/1";
  const Ran ran = load({"--ab", line, "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const Json made = document(ran);
  expect_valid(made);
  EXPECT_EQ(made.get("measured").integer("ok", 0), 40);
  const auto seen = server_.seen();
  ASSERT_EQ(seen.size(), 40U);
  // Nothing is filled in: ab takes a text as it is.
  EXPECT_EQ(seen[0].body, "{\"a\":{{1}}");
  EXPECT_EQ(seen[0].method, "PUT");
  EXPECT_TRUE(seen[0].head.contains("X-A: {seq}\r\n")) << seen[0].head;
  EXPECT_TRUE(seen[0].head.contains("Content-Type: text/x\r\n")) << seen[0].head;
  EXPECT_EQ(std::ranges::count(read(file("times.tsv")), '\n'), 41);
  EXPECT_EQ(std::ranges::count(read(file("percent.csv")), '\n'), 101);
}

TEST_F(AbCommand, WithoutKeepAliveEachRequestAsksForAConnectionOfItsOwn) {
  const Ran ran = load({"--ab", "-n 5 -m PUT " + server_.url() + "/orders/1"});
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_TRUE(ran.out.contains("closed loop, 1 connection, 5 requests")) << ran.out;
  ASSERT_EQ(server_.count(), 5U);
  EXPECT_TRUE(server_.seen()[4].head.contains("Connection: close\r\n"));
}

// ab would have ended at the first error without -r, and with exit code 0 after any.
TEST_F(AbCommand, ErrorsEndNothingAndNoAnswerIsAFailure) {
  server_.behave(Manner::reset);
  const Ran ran = load({"--ab", "-k -n 20 -c 2 " + server_.url() + "/"});
  EXPECT_EQ(ran.code, 1) << ran.out;
  EXPECT_TRUE(ran.out.contains("20 cut off or unreadable")) << ran.out;
}

TEST_F(AbCommand, WrongUsageIsExitCodeTwo) {
  const std::string here = server_.url() + "/";
  for (const auto& [arguments, text] :
       {std::pair(std::vector<std::string>{"--ab", "-n 5 -X p:1 " + here}, "ab's -X"),
        std::pair(std::vector<std::string>{"--ab", "-n 5 " + here, here}, "its own URL"),
        std::pair(std::vector<std::string>{"--ab", "-n 5 " + here, "-r", "5"}, "without --rate"),
        std::pair(std::vector<std::string>{"--ab", "-g /no/such/dir/f -n 5 " + here},
                  "/no/such/dir")}) {
    const Ran ran = load(arguments);
    EXPECT_EQ(ran.code, 2) << text;
    EXPECT_TRUE(ran.err.contains(text)) << ran.err;
  }
  EXPECT_EQ(server_.count(), 0U);
}

}  // namespace
}  // namespace gameday
