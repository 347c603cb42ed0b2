#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow prometheus_probe;

namespace {

using namespace std::chrono_literals;

// Gives every request the same answer and keeps what was asked.
class OneApi {
 public:
  explicit OneApi(std::string body, int status = 200)
      : peer_([this, body = std::move(body), status](int line, const std::stop_token& stop) {
          asked_ = TestServer::received(line, stop);
          TestServer::give(line, http_answer(status, body), stop);
        }) {}
  [[nodiscard]] std::string url() const { return peer_.url(); }
  // Of an answered request, so that nobody writes it any more: as a whole, and its first line.
  [[nodiscard]] const std::string& request() const { return asked_; }
  [[nodiscard]] std::string asked() const { return asked_.substr(0, asked_.find('\r')); }

 private:
  std::string asked_;
  TestServer peer_;
};

std::string good(const std::string& type, const std::string& result) {
  return R"({"status":"success","data":{"resultType":")" + type + R"(","result":)" + result + "}}";
}
std::string sample(const std::string& value, const std::string& job = "shop") {
  return R"({"metric":{"__name__":"up","job":")" + job + R"("},"value":[1700000000.1,")" + value +
         "\"]}";
}
std::string one(const std::string& value) { return good("vector", "[" + sample(value) + "]"); }
std::string values(std::size_t count, const std::string& value, const std::string& last = "") {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    const bool at_end = i + 1 == count && !last.empty();
    list += (i == 0 ? "[" : ",[") + std::to_string(1700000000 + i) + ",\"" +
            (at_end ? last : value) + "\"]";
  }
  return good("matrix", R"([{"metric":{"__name__":"up"},"values":[)" + list + "]}]");
}

class PrometheusProbeTest : public ProbeTest {
 protected:
  PrometheusProbeTest() : ProbeTest(prometheus_probe) {}

  Answer ask_at(const std::string& url, const std::string& expect,
                const std::vector<Json::Member>& more = {}, const std::string& query = "up") {
    Json arguments = Json::object({{"url", url}, {"query", query}, {"expect", expect}});
    for (const auto& [name, value] : more) arguments.set(name, value);
    return attempt(arguments);
  }
  Answer ask_about(const std::string& body, const std::string& expect,
                   const std::vector<Json::Member>& more = {}) {
    return ask_at(OneApi(body).url(), expect, more);
  }
};

TEST_F(PrometheusProbeTest, TheQueryIsSentAsItIs) {
  const OneApi api(one("1"));
  const auto answer = ask_at(api.url() + "/prom/", "1", {}, "avg(up{job=\"a b\"}) + 1");
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "1 of 1 series is 1");
  EXPECT_EQ(api.asked(),
            "GET /prom/api/v1/query?query=avg%28up%7Bjob%3D%22a%20b%22%7D%29%20%2B%201 HTTP/1.1");
}

TEST_F(PrometheusProbeTest, AValueThatDoesNotHoldIsNot) {
  EXPECT_TRUE(ask_about(one("0.995"), "> 0.99").ok);
  expect_no(ask_about(one("0.99"), "> 0.99"), "up{job=\"shop\"} is 0.99, expected > 0.99");
  EXPECT_TRUE(ask_about(one("1.5e+09"), ">= 1500000000").ok);
  EXPECT_TRUE(ask_about(one("+Inf"), "> 5").ok);
  expect_no(ask_about(one("+Inf"), "< 5"), "up{job=\"shop\"} is +Inf, expected < 5");
}

TEST_F(PrometheusProbeTest, NoDataIsNot) {
  expect_no(ask_about(good("vector", "[]"), "!= 7"), "no data, expected != 7");
  expect_no(ask_about(good("matrix", "[]"), "!= 7", {{"over", "1m"}}), "no data, expected != 7");
  expect_no(ask_about(good("vector", "[]"), "!= 7", {{"series", "any"}}), "no data, expected != 7");
}

TEST_F(PrometheusProbeTest, WhatIsNoNumberIsNot) {
  expect_no(ask_about(one("NaN"), "!= 7"), "up{job=\"shop\"} is NaN, expected != 7");
  expect_no(ask_about(good("vector", R"([{"metric":{},"histogram":[1,{"count":"3"}]}])"), "!= 7"),
            "the value has no data for a part of the time (0 of 1 samples)");
  expect_no(ask_about(good("vector", R"([{"metric":{},"value":[1,2,3]}])"), "!= 7"),
            "the value is no number, expected != 7");
  expect_no(ask_about(good("string", R"([1,"7"])"), "7"),
            "the answer is a string, which has no numbers to compare");
}

TEST_F(PrometheusProbeTest, AScalarIsAsGoodAsASeries) {
  EXPECT_TRUE(ask_about(good("scalar", R"([1700000000,"3"])"), "3").ok);
  expect_no(ask_about(good("scalar", R"([1700000000,"3"])"), "4"), "the scalar is 3, expected 4");
}

TEST_F(PrometheusProbeTest, AllSeriesMustHoldOrAny) {
  const std::string two = good("vector", "[" + sample("1", "a") + "," + sample("0", "b") + "]");
  expect_no(ask_about(two, "1"), "1 of 2 series are 1: up{job=\"b\"} is 0, expected 1");
  EXPECT_TRUE(ask_about(two, "1", {{"series", "any"}}).ok);
  EXPECT_FALSE(ask_about(two, "2", {{"series", "any"}}).ok);
}

TEST_F(PrometheusProbeTest, OverATimeEverySampleMustHoldAndNoneMayBeMissing) {
  const OneApi api(values(61, "1"));
  const auto answer = ask_at(api.url(), "1", {{"over", "90s"}});
  EXPECT_TRUE(answer.ok) << answer.text;
  EXPECT_TRUE(api.asked().starts_with("GET /api/v1/query_range?query=up&start=")) << api.asked();
  EXPECT_TRUE(api.asked().ends_with("&step=1.500 HTTP/1.1")) << api.asked();
  expect_no(ask_about(values(61, "1", "0"), "1", {{"over", "90s"}}), "up is 0, expected 1");
  expect_no(ask_about(values(61, "1", "NaN"), "1", {{"over", "90s"}}), "up is NaN, expected 1");
  expect_no(ask_about(values(60, "1"), "1", {{"over", "90s"}}),
            "up has no data for a part of the time (60 of 61 samples)");
  EXPECT_TRUE(ask_about(values(11, "1"), "1", {{"over", "10s"}}).ok);
}

TEST_F(PrometheusProbeTest, WhatPrometheusSaysIsWrongIsTold) {
  const OneApi api(R"({"status":"error","errorType":"bad_data","error":"unexpected end"})", 400);
  expect_no(ask_at(api.url(), "1"), "Prometheus says bad_data: unexpected end");
  // Some gateways answer so with 200.
  expect_no(ask_about(R"({"status":"error","errorType":"timeout","error":"slow"})", "1"),
            "Prometheus says timeout: slow");
}

TEST_F(PrometheusProbeTest, WhatIsNoPrometheusIsNot) {
  expect_no(ask_at(OneApi("<html>", 502).url(), "1"),
            "status 502, but no answer of Prometheus's API");
  expect_no(ask_at(OneApi("[]").url(), "1"), "status 200, but no answer of Prometheus's API");
  expect_no(ask_at(OneApi(one("1"), 503).url(), "1"),
            "status 503, but no answer of Prometheus's API");
  const LoopbackSocket bound(SOCK_STREAM, false);
  EXPECT_TRUE(ask_at("http://" + bound.address(), "1").text.starts_with("no answer ("));
}

TEST_F(PrometheusProbeTest, HeadersAndTheirSecretsAreSent) {
  secrets_.learn("env:PROM_TOKEN", "canary");
  const OneApi api(one("1"));
  const Json token = Json::object({{"authorization", "Bearer ${env:PROM_TOKEN}"}});
  EXPECT_TRUE(ask_at(api.url(), "1", {{"headers", token}}).ok);
  EXPECT_TRUE(api.request().contains("\r\nauthorization: Bearer canary\r\n")) << api.request();
}

TEST_F(PrometheusProbeTest, CheckRefusesWhatCannotBeMeant) {
  const auto wrong = [&](const std::string& expect, const std::string& more = "\"") {
    return problem("{ prometheus: { url: \"http://127.0.0.1:1" + more + ", query: up, expect: \"" +
                   expect + "\" } }");
  };
  EXPECT_EQ(wrong("1"), "");
  EXPECT_EQ(wrong("idle"), "`probes.asked.expect`: 'idle' is no number, as every sample is");
  EXPECT_TRUE(wrong("> many").contains("is no number to be more or less than"));
  EXPECT_TRUE(wrong("1", "?a=b\"").contains("without a query"));
  EXPECT_TRUE(wrong("1", "\", headers: [a]").contains("expected a mapping of header to text"));
}

TEST_F(PrometheusProbeTest, OnlyAMetricAloneHasAnAge) {
  const auto wrong = [&](const std::string& query) {
    return problem("{ prometheus: { url: \"http://127.0.0.1:1\", query: '" + query +
                   "', expect: 1, max_age: 30s } }");
  };
  for (const char* query : {"up", "job:up:sum", "{job=\"a\"}", "up{job=\"a}b\\\"c\",d=~`}\\`}"}) {
    EXPECT_EQ(wrong(query), "") << query;
  }
  for (const char* query : {"avg(up)", "up + 1", "up[5m]", "up{a=\"b\"} offset 1h", "up{a=\"b}\"",
                            "up{} or up{}", "1"}) {
    EXPECT_TRUE(wrong(query).contains("what is computed has no age")) << query;
  }
}

TEST_F(PrometheusProbeTest, ASecretInTheUrlIsNotTold) {
  secrets_.learn("env:SHOP_TOKEN", "canary");
  const auto refused = ask_at("http://127.0.0.1:1/${env:SHOP_TOKEN}", "1");
  EXPECT_FALSE(refused.ok);
  EXPECT_FALSE(refused.text.contains("canary")) << refused.text;
  EXPECT_TRUE(ask_at("http://127.0.0.1:1/${env:GAMEDAY_NO_SUCH}", "1").text.contains("NO_SUCH"));
}

// The real server, which scrapes itself.
class RealPrometheusTest : public PrometheusProbeTest {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/gameday-prometheus-XXXXXX";
    folder_ = mkdtemp(pattern);
    address_ = LoopbackSocket(SOCK_STREAM, false).address();
    std::ofstream(folder_ + "/p.yml")
        << "scrape_configs:\n- job_name: self\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n"
        << "  static_configs: [ { targets: [ \"" << address_ << "\" ] } ]\n"
        << "- job_name: old\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n"
        << "  static_configs: [ { targets: [ \"" << old_.address() << "\" ] } ]\n";
    child_ = fork();
    if (child_ == 0) {
      const std::string log = folder_ + "/log";
      if (std::freopen(log.c_str(), "w", stderr) == nullptr) _exit(126);
      const std::string config = "--config.file=" + folder_ + "/p.yml";
      const std::string data = "--storage.tsdb.path=" + folder_ + "/data";
      const std::string listen = "--web.listen-address=" + address_;
      execlp("prometheus", "prometheus", config.c_str(), data.c_str(), listen.c_str(), nullptr);
      _exit(127);
    }
    const Instant end = world_.clock().in(30s);
    while (!ask_at("http://" + address_, "1").ok) {
      ASSERT_LT(world_.clock().now().boot, end) << "no Prometheus: is its package installed?";
      (void)world_.clock().pause(50ms, {{}, end});
    }
  }
  void TearDown() override {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  Answer ask_real(const std::string& query, const std::string& expect,
                  const std::vector<Json::Member>& more = {}) {
    return ask_at("http://" + address_, expect, more, query);
  }
  // Until it has been scraped.
  void wait_for_one(const std::string& query) {
    const Instant end = world_.clock().in(30s);
    while (!ask_real(query, "1").ok && world_.clock().now().boot < end) {
      (void)world_.clock().pause(50ms, {{}, end});
    }
    EXPECT_TRUE(ask_real(query, "1").ok) << query;
  }
  // A metric whose sample says itself that it was taken a minute ago.
  [[nodiscard]] std::string a_minute_old() const {
    const auto since = (world_.clock().now().utc - 60s).time_since_epoch();
    const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(since);
    return http_answer(200, "old 1 " + std::to_string(taken.count()) + "\n",
                       "Content-Type: text/plain; version=0.0.4\r\n");
  }
  AnswerServer old_{a_minute_old()};
  std::string folder_, address_;
  pid_t child_ = -1;
};

TEST_F(RealPrometheusTest, ASampleThatIsTooOldIsNoData) {
  wait_for_one("old");
  EXPECT_TRUE(ask_real("old", "1", {{"max_age", "10m"}}).ok);
  expect_no(ask_real("old", "1", {{"max_age", "30s"}}), "no data, expected 1");
  wait_for_one("up{job=\"self\"}");
  const auto young = ask_real("up{job=\"self\"}", "1", {{"max_age", "30s"}});
  EXPECT_TRUE(young.ok) << young.text;
}

TEST_F(RealPrometheusTest, AnswersAsTheProbeUnderstands) {
  wait_for_one("up{job=\"self\"}");
  EXPECT_TRUE(ask_real("vector(1)", "> 0.99").ok);
  EXPECT_TRUE(ask_real("scalar(vector(2))", "2").ok);
  EXPECT_FALSE(ask_real("up{job=\"self\"}", "0").ok);
  expect_no(ask_real("no_such_metric", "1"), "no data, expected 1");
  expect_no(ask_real("vector(0) / 0", "!= 1"), "the value is NaN, expected != 1");
  const auto broken = ask_real("sum(", "1");
  EXPECT_FALSE(broken.ok);
  EXPECT_TRUE(broken.text.starts_with("Prometheus says bad_data: ")) << broken.text;
  const auto range = ask_real("vector(1)", "1", {{"over", "2m"}});
  EXPECT_TRUE(range.ok) << range.text;
  // It has run for seconds only, so that most of the hour is missing.
  const auto young = ask_real("up{job=\"self\"}", "1", {{"over", "1h"}});
  EXPECT_FALSE(young.ok);
  EXPECT_TRUE(young.text.contains("has no data for a part of the time")) << young.text;
}

}  // namespace
}  // namespace gameday
