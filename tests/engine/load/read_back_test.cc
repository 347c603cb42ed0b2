#include <gtest/gtest.h>

#include "tests/engine/load/load_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ReadBackTest : public LoadTest {
 protected:
  LedgerSummary judged(const LoadTerms& made, const Load& load, const ReadBack& read) const {
    LedgerTerms ledger;
    ledger.load = made.spec.name;
    ledger.drill = made.drill;
    ledger.seed = made.seed;
    ledger.rate = made.spec.rate;
    ledger.load_started = load.started();
    return classify(load.samples(), read, ledger, {});
  }
  LedgerSummary read_and_judged(const LoadTerms& made, const Load& load) {
    const auto read = read_back(made, load.samples(), doors_, secrets_, within(seconds(20)));
    EXPECT_TRUE(read) << read.error().text;
    return judged(made, load, *read);
  }
  static std::string key(std::uint64_t seq) { return ledger_key("01DRILL", "checkout", seq); }

  OrderServer server_;
};

TEST_F(ReadBackTest, FindsEverythingThatWasWrittenByItsList) {
  const auto made = terms(server_.url(), 200);
  const auto load = ran(made, milliseconds(500));
  const std::size_t before = server_.count();
  const auto summary = read_and_judged(made, *load);
  EXPECT_EQ(server_.count(), before + 1);  // no key had to be read by itself
  EXPECT_EQ(summary.present, load->samples().size());
  EXPECT_TRUE(summary.read_back);
}

TEST_F(ReadBackTest, FindsWhatIsGoneWrongOrStrange) {
  const auto made = terms(server_.url(), 200);
  const auto load = ran(made, milliseconds(500));
  server_.lose(key(3));
  server_.put(key(5), "wrong");
  server_.put(key(70000), "phantom");
  const auto summary = read_and_judged(made, *load);
  EXPECT_EQ(summary.lost, 1U);
  EXPECT_EQ(summary.corrupt, 1U);
  EXPECT_EQ(summary.phantom, 1U);
  EXPECT_EQ(summary.examples.size(), 3U);
}

// Who may write may read; what tells one write from another goes with that one alone.
TEST_F(ReadBackTest, AsksAsWhoeverWrote) {
  secrets_.learn("env:PASSWORD", "canary");
  auto made = terms(server_.url(), 100);
  made.spec.request.basic = BasicAuth{"ann", "${env:PASSWORD}"};
  made.spec.request.headers = {{"X-Tenant", "{drill}"}, {"X-Trace", "{uuid}"}};
  const auto load = ran(made, milliseconds(200));
  const auto written = server_.seen();
  server_.list_digests(false);
  EXPECT_EQ(read_and_judged(made, *load).present, load->samples().size());
  const auto all = server_.seen();
  ASSERT_EQ(all.size(), 2 * written.size() + 1);
  const std::string who = "\r\nAuthorization: Basic YW5uOmNhbmFyeQ==\r\n";
  for (const auto& each : all) {
    const std::string head = each.head + "\r\n";
    EXPECT_TRUE(head.contains(who)) << head;
    EXPECT_TRUE(head.contains("\r\nX-Tenant: 01DRILL\r\n")) << head;
    const bool is_list = each.target.starts_with("/orders?");
    EXPECT_EQ(head.contains("X-Trace"), !is_list) << head;
    if (is_list || each.method == "PUT") continue;
    const auto same = std::ranges::find(written, each.target, &OrderServer::Seen::target);
    const auto trace = [](const std::string& of) { return of.substr(of.find("X-Trace"), 45); };
    EXPECT_EQ(trace(head), trace(same->head));
  }
}

TEST_F(ReadBackTest, ASignedLoadReadsBackSigned) {
  secrets_.learn("env:KEY", "canary");
  auto made = terms(server_.url(), 100);
  made.spec.request.aws = AwsAuth{"AKID", "${env:KEY}", "", "eu-west-1", "execute-api"};
  const auto load = ran(made, milliseconds(200));
  EXPECT_EQ(read_and_judged(made, *load).present, load->samples().size());
  for (const auto& each : server_.seen()) {
    EXPECT_TRUE(each.head.contains("Authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
    EXPECT_TRUE(each.head.contains("\r\nX-Amz-Date: "));
    EXPECT_EQ(each.head.find("Host: "), each.head.rfind("Host: ")) << each.head;
  }
}

TEST_F(ReadBackTest, ReadsByKeyWhereTheListHasNoDigests) {
  const auto made = terms(server_.url(), 200);
  const auto load = ran(made, milliseconds(300));
  server_.list_digests(false);
  server_.put(key(5), "wrong");
  const auto summary = read_and_judged(made, *load);
  EXPECT_EQ(summary.present, load->samples().size() - 1);
  EXPECT_EQ(summary.corrupt, 1U);
}

TEST_F(ReadBackTest, ReadsByKeyWhereThereIsNoList) {
  auto made = terms(server_.url(), 200);
  made.spec.ledger->list.clear();
  const auto load = ran(made, milliseconds(300));
  server_.lose(key(3));
  const auto summary = read_and_judged(made, *load);
  EXPECT_EQ(summary.lost, 1U);
  EXPECT_FALSE(summary.phantom);
}

TEST_F(ReadBackTest, GoesByTheListWhereThereIsNothingElse) {
  auto made = terms(server_.url(), 200);
  made.spec.ledger->read_back.clear();
  const auto load = ran(made, milliseconds(300));
  server_.lose(key(3));
  const auto summary = read_and_judged(made, *load);
  EXPECT_EQ(summary.lost, 1U);
  EXPECT_TRUE(summary.read_back);
}

TEST_F(ReadBackTest, AsksAgainWhereTheAnswerIsNone) {
  const auto made = terms(server_.url(), 200);
  const auto load = ran(made, milliseconds(200));
  server_.lose(key(3));
  server_.unavailable_for(3);  // the list twice or more, not the key's absence
  EXPECT_EQ(read_and_judged(made, *load).lost, 1U);
}

TEST_F(ReadBackTest, SaysWhichKeyWasNotAnswered) {
  auto made = terms(server_.url(), 200);
  made.spec.ledger->list.clear();
  const auto load = ran(made, milliseconds(200));
  server_.behave(Manner::unavailable);
  const auto read = read_back(made, load->samples(), doors_, secrets_, within(milliseconds(300)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::timed_out);
  EXPECT_NE(read.error().text.find("01DRILL-checkout-"), std::string::npos);
  EXPECT_NE(read.error().text.find("503"), std::string::npos);
}

TEST_F(ReadBackTest, EndsSoonAfterAStop) {
  const auto made = terms(server_.url(), 200);
  const auto load = ran(made, milliseconds(200));
  server_.behave(Manner::silent);
  StopSource source;
  const std::size_t before = server_.count();
  Instant stopped;
  std::thread stopper([&] {
    EXPECT_TRUE(soon([&] { return server_.count() > before; }));
    stopped = clock_.now().boot;
    source.request();
  });
  const auto read =
      read_back(made, load->samples(), doors_, secrets_, {source.stop(), clock_.in(seconds(20))});
  const Instant returned = clock_.now().boot;
  stopper.join();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::stopped);
  EXPECT_LT(returned - stopped, milliseconds(1000));
}

TEST_F(ReadBackTest, RefusesALoadWithoutALedger) {
  auto made = terms(server_.url(), 200);
  made.spec.ledger.reset();
  const auto read = read_back(made, {}, doors_, secrets_, within(seconds(1)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::invalid);
}

TEST_F(ReadBackTest, ReadsTenThousandKeysInSeconds) {
  auto made = terms(server_.url(), 200);
  made.spec.ledger->list.clear();
  std::vector<Sample> samples;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    samples.push_back({i, {}, {}, {}, SampleOutcome::ok, 201});
    server_.put(key(i), "sum");
  }
  const auto read = read_back(made, samples, doors_, secrets_, within(seconds(50)));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->by_key.size(), 10'000U);
}

}  // namespace
}  // namespace gameday
