#include "engine/load/load.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <set>

#include "engine/load/summary.h"
#include "tests/engine/load/load_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

TEST_F(LoadTest, OffersTheConstantRateWithinAPercent) {
  OrderServer server;
  const auto load = ran(terms(server.url(), 200), milliseconds(2000));
  const auto& samples = load->samples();
  ASSERT_GT(samples.size(), 390U);
  const double length = seconds(samples.back().due - samples.front().due);
  EXPECT_NEAR(static_cast<double>(samples.size() - 1) / length, 200, 2);
  for (std::size_t i = 0; i < samples.size(); ++i) EXPECT_EQ(samples[i].seq, i);
  EXPECT_EQ(count(*load, SampleOutcome::ok), samples.size());
  EXPECT_EQ(server.count(), samples.size());
  EXPECT_EQ(load->problem(), "");
  EXPECT_TRUE(load->clock_jumps().empty());
  const Carried& carried = load->carried();
  EXPECT_EQ(carried.by.name, transport_here(terms(server.url(), 200).spec).name);
  EXPECT_GT(carried.cpu, Duration::zero());
  EXPECT_LT(carried.cpu, milliseconds(1000));
}

TEST_F(LoadTest, FillsInKeyDigestDrillAndPlace) {
  OrderServer server;
  ran(terms(server.url(), 100), milliseconds(100));
  const auto seen = server.seen().at(1);
  const std::string key = "01DRILL-checkout-000001";
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/orders/" + key);
  EXPECT_EQ(seen.body, R"({"item":"book","sum":")" + ledger_digest(key, 7) +
                           R"(","seq":1,"drill":"01DRILL"})");
  EXPECT_NE(seen.head.find("Content-Type: application/json"), std::string::npos);
  EXPECT_EQ(seen.head.find("Expect"), std::string::npos);
}

TEST_F(LoadTest, AStallIsNotHiddenByWaitingForIt) {
  OrderServer server;
  server.stall_at(500, milliseconds(500));
  const auto load = ran(terms(server.url(), 500), milliseconds(3000));
  const auto summary = summarise("checkout", load->samples(), milliseconds(100), {},
                                 {.first_step = load->started(), .end = clock_.now().boot});
  // 250 of 1,500 were due in the stall, the first of them 500 ms before its end, each 2 ms later;
  // the 15th longest is 470 ms.
  Histogram response;
  for (const Sample& s : load->samples()) response.add(s.latency());
  EXPECT_GT(response.quantile(0.99), milliseconds(455));
  EXPECT_LT(response.quantile(0.99), milliseconds(600));
  EXPECT_GT(response.max(), milliseconds(495));
  EXPECT_LT(response.max(), milliseconds(700));
  EXPECT_EQ(count(*load, SampleOutcome::ok), load->samples().size());
  EXPECT_EQ(summary.phases[0].late, 0U);  // we went on sending
}

TEST_F(LoadTest, WindowsCountEverythingOnceWithoutGaps) {
  OrderServer server;
  const auto load = ran(terms(server.url(), 100), milliseconds(2300));
  ASSERT_GE(windows_.size(), 3U);
  std::uint64_t due = 0;
  Histogram response;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    EXPECT_EQ(windows_[i].from, load->started() + std::chrono::seconds(i));
    EXPECT_EQ(windows_[i].due, windows_[i].ok + windows_[i].errors);
    due += windows_[i].due;
    response += windows_[i].response;
  }
  EXPECT_EQ(windows_[0].due, 100U);
  EXPECT_EQ(due, load->samples().size());
  EXPECT_EQ(response.count(), due);
}

TEST_F(LoadTest, AnAnswerThatDoesNotComeIsUnknown) {
  OrderServer server;
  server.behave(Manner::silent);
  auto made = terms(server.url(), 100);
  made.spec.timeout = milliseconds(300);
  const auto load = ran(made, milliseconds(500));
  EXPECT_EQ(count(*load, SampleOutcome::unknown), load->samples().size());
  for (const Sample& s : load->samples()) {
    EXPECT_GE(s.latency(), milliseconds(299));
    EXPECT_LT(s.latency(), milliseconds(1500));
    EXPECT_EQ(s.status, 0);
  }
}

TEST_F(LoadTest, EndWaitsNoLongerThanTheTimeout) {
  OrderServer server;
  server.behave(Manner::silent);
  auto made = terms(server.url(), 100);
  made.spec.timeout = milliseconds(300);
  const auto load = start(made);
  ASSERT_TRUE(soon([&] { return server.count() > 10; }));
  const Instant asked = clock_.now().boot;
  load->end();
  EXPECT_LT(clock_.now().boot - asked, milliseconds(1500));
  EXPECT_LE(load->samples().back().due, asked + milliseconds(50));
  load->end();  // again does nothing
}

TEST_F(LoadTest, AResetAfterSendingIsUnknown) {
  OrderServer server;
  server.behave(Manner::reset);
  const auto load = ran(terms(server.url(), 100), milliseconds(500));
  EXPECT_EQ(count(*load, SampleOutcome::unknown), load->samples().size());
}

TEST_F(LoadTest, ARequestOnABrokenConnectionIsNeverSentTwice) {
  OrderServer server;
  server.behave(Manner::reset_later);
  const auto load = ran(terms(server.url(), 100), milliseconds(800));
  std::set<std::string> targets;
  for (const auto& seen : server.seen()) EXPECT_TRUE(targets.insert(seen.target).second);
  EXPECT_GT(count(*load, SampleOutcome::ok), 10U);
  EXPECT_GT(count(*load, SampleOutcome::unknown), 10U);
  EXPECT_EQ(targets.size(), load->samples().size());
}

TEST_F(LoadTest, ARefusedConnectionIsNotSentAndNotOurLateness) {
  std::string url;
  {
    OrderServer gone;
    url = gone.url();
  }
  const auto load = ran(terms(url, 100), milliseconds(500));
  EXPECT_EQ(count(*load, SampleOutcome::not_sent), load->samples().size());
  const auto summary = summarise("checkout", load->samples(), milliseconds(100), {},
                                 {.first_step = load->started(), .end = clock_.now().boot});
  EXPECT_EQ(summary.phases[0].late, 0U);
  EXPECT_EQ(summary.phases[0].sent, 0U);
}

TEST_F(LoadTest, AnErrorStatusIsRefused) {
  OrderServer server;
  server.behave(Manner::unavailable);
  const auto load = ran(terms(server.url(), 100), milliseconds(300));
  EXPECT_EQ(count(*load, SampleOutcome::refused), load->samples().size());
  EXPECT_EQ(load->samples().at(0).status, 503);
}

TEST_F(LoadTest, AnAnswerThatIsNotAsExpectedAcknowledgesNothing) {
  OrderServer server;
  auto made = with_ledger(terms(server.url(), 100));
  made.spec.request.expect = *Json::parse(R"({"status":"2xx","body_contains":"paid"})");
  const auto load = ran(made, milliseconds(300));
  ASSERT_FALSE(load->samples().empty());
  EXPECT_EQ(count(*load, SampleOutcome::wrong), load->samples().size());
  const auto number = load->samples().at(0).failed;
  EXPECT_EQ(load->checks().at(number - 1U), "body_contains 'paid'");
  EXPECT_EQ(windows_.front().ok, 0U);
  EXPECT_EQ(windows_.front().errors, windows_.front().due);
  EXPECT_EQ(ledger_lines().at(3).text("outcome"), "wrong");
  const auto read = read_back(made, load->samples(), doors_, secrets_, within(milliseconds(5000)));
  ASSERT_TRUE(read);
  LedgerTerms of;
  of.load = "checkout";
  of.drill = "01DRILL";
  of.seed = 7;
  const auto ledger = classify(load->samples(), *read, of, {});
  EXPECT_EQ(ledger.acknowledged, 0U);
  EXPECT_EQ(ledger.lost, 0U);
  EXPECT_EQ(ledger.recovered, load->samples().size());
}

TEST_F(LoadTest, ASlowAnswerIsAnAnswer) {
  OrderServer server;
  server.behave(Manner::slow);
  const auto load = ran(terms(server.url(), 100), milliseconds(500));
  EXPECT_EQ(count(*load, SampleOutcome::ok), load->samples().size());
  for (const Sample& s : load->samples()) EXPECT_GE(s.latency(), milliseconds(299));
}

TEST_F(LoadTest, ItsLedgerHoldsEveryWriteAnnounced) {
  OrderServer server;
  const auto load = ran(with_ledger(terms(server.url(), 200)), milliseconds(1300));
  std::int64_t announced = 0;
  std::size_t writes = 0;
  for (const Json& line : ledger_lines()) {
    if (line.text("type") == "intent") announced = line.integer("to", -1) + 1;
    if (line.text("type") != "write") continue;
    ++writes;
    EXPECT_LT(line.integer("seq", -1), announced);
    const Sample& sample = load->samples().at(static_cast<std::size_t>(line.integer("seq", 0)));
    EXPECT_EQ(line.text("outcome"), name_of(sample.outcome));
    EXPECT_EQ(line.integer("end_ns", 0), sample.end.time_since_epoch().count());
  }
  EXPECT_EQ(writes, load->samples().size());
  EXPECT_EQ(ledger_lines().back().integer("writes", 0), static_cast<std::int64_t>(writes));
  EXPECT_EQ(load->ledger()->mark().bytes, std::filesystem::file_size(folder_ + "/ledger.jsonl"));
}

TEST_F(LoadTest, StopsAtTheMostWritesAndSaysSo) {
  OrderServer server;
  auto made = with_ledger(terms(server.url(), 500));
  made.most_writes = 120;
  const auto load = start(made);
  ASSERT_TRUE(soon([&] { return !load->problem().empty(); }));
  EXPECT_EQ(load->problem(), "limits.writes reached: 120");
  load->end();
  EXPECT_EQ(load->samples().size(), 120U);
  EXPECT_EQ(server.count(), 120U);
}

TEST_F(LoadTest, ALedgerThatCannotBeWrittenEndsTheLoad) {
  OrderServer server;
  const auto load = start(with_ledger(terms(server.url(), 500)));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 2000;
  setrlimit(RLIMIT_FSIZE, &small);
  const bool told = soon([&] { return !load->problem().empty(); });
  load->end();
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(told);
  EXPECT_NE(load->problem().find("cannot write"), std::string::npos);
}

TEST_F(LoadTest, ASecretReachesTheServerAndNoRecord) {
  OrderServer server;
  setenv("GAMEDAY_TEST_CANARY", "canary-4711", 1);
  auto made = with_ledger(terms(server.url(), 100));
  made.spec.request.headers = {{"Authorization", "Bearer ${env:GAMEDAY_TEST_CANARY}"}};
  ran(made, milliseconds(200));
  EXPECT_NE(server.seen().at(0).head.find("Authorization: Bearer canary-4711"), std::string::npos);
  EXPECT_EQ(files_.read(made.ledger_path)->find("canary"), std::string::npos);
}

TEST_F(LoadTest, DoesNotStartWithASecretThatIsNotThereOrBreaksOut) {
  auto made = terms("http://127.0.0.1:1", 100);
  made.spec.request.headers = {{"X-Key", "${env:GAMEDAY_TEST_NOT_SET}"}};
  const auto lacking = start_load(made, doors_, secrets_, {});
  ASSERT_FALSE(lacking);
  EXPECT_NE(lacking.error().text.find("load checkout: "), std::string::npos);
  setenv("GAMEDAY_TEST_BROKEN", "a\r\nX-Other: b", 1);
  made.spec.request.headers = {{"X-Key", "${env:GAMEDAY_TEST_BROKEN}"}};
  EXPECT_FALSE(start_load(made, doors_, secrets_, {}));
}

TEST_F(LoadTest, NoChildInheritsADescriptorOfIt) {
  // Of whoever has started this there may be some.
  const auto inherited = [] {
    std::set<int> found;
    for (int descriptor = 3; descriptor < 1024; ++descriptor) {
      const int flags = fcntl(descriptor, F_GETFD);
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0) found.insert(descriptor);
    }
    return found;
  };
  OrderServer server;
  // By its address, and by a name, which goes another way.
  const std::string url = server.url();
  for (const std::string& at : {url, "http://localhost" + url.substr(url.rfind(':'))}) {
    const auto before = inherited();
    const auto already = server.count();
    const auto load = start(with_ledger(terms(at, 100)));
    ASSERT_TRUE(soon([&] { return server.count() > already + 5; }));
    const auto now = inherited();
    EXPECT_TRUE(std::ranges::includes(before, now)) << at;
    load->end();
    (void)files_.remove(folder_ + "/ledger.jsonl");
  }
}

// Half a second at 40/s, a ramp to 200/s over half a second, and what it ends with until the end.
TEST_F(LoadTest, ItFollowsItsStages) {
  OrderServer server;
  auto made = terms(server.url(), 200);
  made.spec.stages = {{.from = 40, .to = 40, .length = milliseconds(500)},
                      {.from = 40, .to = 200, .length = milliseconds(500)}};
  const auto load = ran(made, milliseconds(1500));
  const auto due = [&](int from_ms, int to_ms) {
    return std::ranges::count_if(load->samples(), [&](const Sample& sample) {
      const Duration since = sample.due - load->started();
      return since >= milliseconds(from_ms) && since < milliseconds(to_ms);
    });
  };
  EXPECT_EQ(due(0, 500), 20);
  EXPECT_EQ(due(500, 1000), 60);
  EXPECT_EQ(due(1000, 1400), 80);
  EXPECT_EQ(count(*load, SampleOutcome::ok), load->samples().size());
}

TEST_F(LoadTest, PoissonArrivalsComeAsTheSchedulerSays) {
  OrderServer server;
  auto made = terms(server.url(), 200);
  made.spec.arrivals = Arrivals::poisson;
  const auto load = ran(made, milliseconds(500));
  std::set<Duration::rep> gaps;
  for (std::size_t i = 1; i < load->samples().size(); ++i) {
    gaps.insert((load->samples()[i].due - load->samples()[i - 1].due).count());
  }
  EXPECT_GT(gaps.size(), 20U);
}

}  // namespace
}  // namespace gameday
