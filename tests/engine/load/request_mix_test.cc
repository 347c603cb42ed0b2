// Several requests in one load: which is due where, what is counted of each, and what the ledger
// keeps.
#include "engine/load/request_mix.h"

#include "engine/load/answer_checks.h"
#include "engine/load/wire_request.h"
#include "tests/engine/load/load_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

LoadRequest request(const std::string& method, const std::string& url) {
  LoadRequest made;
  made.method = method;
  made.url = url;
  return made;
}

LoadSpec mixed_load(const std::string& url = "http://127.0.0.1:80") {
  LoadSpec load;
  load.name = "checkout";
  load.rate = 200;
  load.mix = {{"browse", 3, request("GET", url + "/orders?drill={drill}")},
              {"order", 1, request("PUT", url + "/orders/{key}")},
              {"rarely", 4, request("GET", url + "/orders/none")}};
  load.mix[1].request.body = R"({"sum":"{digest}"})";
  load.request = load.mix[1].request;
  return load;
}

std::vector<std::size_t> chosen(const RequestMix& mix, std::uint64_t count) {
  std::vector<std::size_t> all;
  for (std::uint64_t seq = 0; seq < count; ++seq) all.push_back(mix.of(seq));
  return all;
}

TEST(RequestMix, ChoosesByWeightFromSeedLoadAndPlace) {
  const auto all = chosen(RequestMix(mixed_load(), 7), 80'000);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(all, 0U)), 30'000, 600);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(all, 1U)), 10'000, 400);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(all, 2U)), 40'000, 600);
  EXPECT_EQ(chosen(RequestMix(mixed_load(), 7), 1000), chosen(RequestMix(mixed_load(), 7), 1000));
  EXPECT_NE(chosen(RequestMix(mixed_load(), 7), 1000), chosen(RequestMix(mixed_load(), 8), 1000));
  LoadSpec other = mixed_load();
  other.name = "other";
  EXPECT_NE(chosen(RequestMix(mixed_load(), 7), 1000), chosen(RequestMix(other, 7), 1000));
}

TEST(RequestMix, WithoutOneEachRequestIsTheOnlyOneAndAWrite) {
  LoadSpec load = mixed_load();
  load.mix.clear();
  const RequestMix mix(load, 7);
  EXPECT_EQ(mix.of(12345), 0U);
  EXPECT_TRUE(mix.writes(12345));
  EXPECT_TRUE(mix.names().empty());
  EXPECT_DOUBLE_EQ(mix.writing_share(), 1);
}

TEST(RequestMix, OfALedgerOnlyWhatWrites) {
  LoadSpec load = mixed_load();
  load.ledger.emplace();
  const RequestMix mix(load, 7);
  EXPECT_DOUBLE_EQ(mix.writing_share(), 0.125);
  for (std::uint64_t seq = 0; seq < 100; ++seq) EXPECT_EQ(mix.writes(seq), mix.of(seq) == 1);
}

TEST(RequestMix, GoesByOurSocketsWhereAllGoToOnePlace) {
  LoadSpec load = mixed_load();
  EXPECT_TRUE(plain_http(load));
  EXPECT_EQ(transport_of(load), "sockets");
  load.mix[2].request.url = "http://127.0.0.1:81/";
  EXPECT_FALSE(plain_http(load));
  EXPECT_EQ(transport_of(load), "libcurl");
  load.mix[2].request = request("GET", "http://127.0.0.1:80/");
  load.mix[2].request.headers = {{"Connection", "close"}};
  EXPECT_FALSE(plain_http(load));
}

TEST(RequestMix, ChecksAreNumberedThroughAllOfThem) {
  LoadSpec load = mixed_load();
  load.mix[0].request.expect = *Json::parse(R"({"body_contains":"a"})");
  load.mix[2].request.expect = *Json::parse(R"({"status":404})");
  const Secrets secrets;
  const RequestPattern pattern(load, "01J", 7, secrets);
  EXPECT_EQ(pattern.check_names(),
            (std::vector<std::string>{"browse: status 2xx", "browse: body_contains 'a'",
                                      "rarely: status 404"}));
  for (std::uint64_t seq = 0; seq < 50; ++seq) {
    const auto* checks = pattern.checks(seq);
    if (pattern.mix().of(seq) == 1) {
      EXPECT_EQ(checks, nullptr);
    } else {
      HeardAnswer answer;
      answer.status = 500;
      EXPECT_EQ(checks->judged(answer).failed, pattern.mix().of(seq) == 0 ? 1 : 3);
    }
  }
}

class MixedLoadTest : public LoadTest {
 protected:
  LoadTerms mixed(const std::string& url) const {
    LoadTerms made = terms(url, 400);
    const LoadSpec several = mixed_load(url);
    made.spec.mix = several.mix;
    made.spec.request = several.request;
    return with_ledger(made);
  }
};

TEST_F(MixedLoadTest, SendsEachAsChosenAndKeepsTheWrites) {
  OrderServer server;
  const LoadTerms made = mixed(server.url());
  const auto load = ran(made, milliseconds(1500));
  const RequestMix mix(made.spec, made.seed);
  const auto& samples = load->samples();
  ASSERT_GT(samples.size(), 500U);
  // What the server saw is what was chosen; answered, but for what is not there.
  std::vector<std::uint64_t> sent(3), seen(3);
  for (const Sample& sample : samples) {
    ++sent[mix.of(sample.seq)];
    EXPECT_EQ(sample.status, mix.of(sample.seq) == 0 ? 200 : mix.of(sample.seq) == 1 ? 201 : 404);
  }
  for (const auto& each : server.seen()) {
    ++seen[each.method == "PUT" ? 1U : each.target == "/orders/none" ? 2U : 0U];
  }
  EXPECT_EQ(sent, seen);

  std::vector<std::uint64_t> written;
  for (const Sample& sample : load->writes()) written.push_back(sample.seq);
  EXPECT_EQ(written.size(), sent[1]);
  std::vector<std::uint64_t> lines;
  for (const Json& line : ledger_lines()) {
    if (line.text("type") == "write") {
      lines.push_back(static_cast<std::uint64_t>(line.integer("seq", -1)));
    }
    if (line.text("type") == "ledger") {
      EXPECT_DOUBLE_EQ(line.number("rate", 0), 50);
    }
    if (line.text("type") == "end") {
      EXPECT_EQ(line.integer("writes", 0), static_cast<std::int64_t>(written.size()));
    }
  }
  std::ranges::sort(lines);
  EXPECT_EQ(lines, written);
}

TEST_F(MixedLoadTest, ALostWriteIsFoundAndAReadIsNoWrite) {
  OrderServer server;
  const LoadTerms made = mixed(server.url());
  const auto load = ran(made, milliseconds(500));
  ASSERT_FALSE(load->writes().empty());
  server.lose(ledger_key(made.drill, "checkout", load->writes().front().seq));
  const auto read = read_back(made, load->writes(), doors_, secrets_, within(milliseconds(9000)));
  ASSERT_TRUE(read) << read.error().text;
  LedgerTerms of;
  of.load = "checkout";
  of.drill = made.drill;
  of.seed = made.seed;
  const auto ledger = classify(load->writes(), *read, of, {});
  EXPECT_EQ(ledger.acknowledged, load->writes().size());
  EXPECT_EQ(ledger.lost, 1U);
  EXPECT_EQ(ledger.present, load->writes().size() - 1);
}

TEST_F(MixedLoadTest, TheSummaryCountsEach) {
  OrderServer server;
  const LoadTerms made = mixed(server.url());
  const auto load = ran(made, milliseconds(500));
  LoadWindow window{.first_step = load->started(), .end = clock_.now().boot};
  count_by_request(made.spec, made.seed, window);
  const auto summary = summarise("checkout", load->samples(), milliseconds(100), {}, window);
  const auto& requests = summary.phases[0].requests;
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].request, "browse");
  EXPECT_EQ(requests[0].ok, requests[0].due);
  EXPECT_EQ(requests[1].due, load->writes().size());
  EXPECT_EQ(requests[2].errors, requests[2].due);
  EXPECT_EQ(requests[0].due + requests[1].due + requests[2].due, summary.phases[0].due);
  EXPECT_EQ(to_json(summary).items("phases").at(0).items("requests").at(2).text("request"),
            "rarely");
  load->end();
}

// A load with several requests of a kind that our sockets do not carry goes by libcurl, the same.
TEST_F(MixedLoadTest, GoesByLibcurlTheSame) {
  OrderServer server, other;
  LoadTerms made = mixed(server.url());
  made.spec.mix[2].request.url = other.url() + "/orders/none";
  const auto load = ran(made, milliseconds(500));
  EXPECT_EQ(load->carried().by.name, "libcurl");
  std::size_t elsewhere = 0;
  const RequestMix mix(made.spec, made.seed);
  for (const Sample& sample : load->samples()) elsewhere += mix.of(sample.seq) == 2;
  EXPECT_EQ(other.count(), elsewhere);
  EXPECT_EQ(server.count(), load->samples().size() - elsewhere);
}

}  // namespace
}  // namespace gameday
