#include "reports/load_page.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

Json quantiles(double p99) {
  return Json::object({{"p50", p99 / 4},
                       {"p90", p99 / 2},
                       {"p99", p99},
                       {"p99.9", p99},
                       {"p99.99", p99},
                       {"max", 2 * p99}});
}

Json document(const std::string& loop = "open") {
  Json seconds = Json::array();
  for (int i = 0; i < 12; ++i) {
    seconds.push(Json::object({{"from_s", i},
                               {"due", 500},
                               {"sent", 500},
                               {"ok", i == 5 ? 400 : 500},
                               {"errors", i == 5 ? 100 : 0},
                               {"p50_s", 0.001},
                               {"p99_s", 0.004},
                               {"max_s", 0.03},
                               {"send_lag_p99_s", 0.0001},
                               {"marked", i == 7}}));
  }
  const bool closed = loop == "closed";
  Json errors = Json::object({{"status", Json::object({{"503", 90}})}, {"timeout", 10}});
  Json loads = Json::array();
  loads.push(Json::object(
      {{"name", "load"}, {"transport", Json::object({{"name", "epoll"}, {"why", "no ring"}})}}));
  return Json::object(
      {{"verdict", "inconclusive"},
       {"exit_code", 6},
       {"reasons", Json(Json::Array{"we were late <ourselves>"})},
       {"started", "2026-01-02T03:04:05.000006Z"},
       {"length_s", 12.0},
       {"plan", Json::object({{"method", "GET"},
                              {"url", "http://shop/?a=<script>alert(1)</script>"},
                              {"loop", loop},
                              {"rate", closed ? Json() : Json(500.0)}})},
       {"load", loads},
       {"measured", Json::object({{"planned", closed ? Json() : Json(6000)},
                                  {"sent", 6000},
                                  {"ok", 5900},
                                  {"errors", errors},
                                  {"ok_rate", 491.7},
                                  {"sent_rate", 500.0},
                                  {"response_s", closed ? Json() : quantiles(0.004)},
                                  {"service_s", quantiles(0.0039)},
                                  {"marked", 1}})},
       {"seconds", seconds}});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(LoadPage, HasTheChartsTheFiguresAndTheErrors) {
  const std::string page = load_page(document());
  for (const char* text : {"Inconclusive", "Exit code 6", "epoll (no ring)", "98.33 %", "491.7/s",
                           "6,000 planned", "Status 503", "90", "No answer within the timeout",
                           "from when a request was due", "p99.99", "Marked seconds: 1."}) {
    EXPECT_TRUE(page.contains(text)) << text;
  }
  for (const char* drawn : {"class=\"max\" d=\"M", "class=\"p99\" d=\"M", "class=\"p50\" d=\"M",
                            "class=\"answered\" d=\"M"}) {
    EXPECT_EQ(count(page, drawn), 1U) << drawn;
  }
  EXPECT_EQ(count(page, "rect class=\"marked ground\""), 1U);
  EXPECT_EQ(count(page, "we were late ourselves"), 1U);
  EXPECT_EQ(count(page, "rect class=\"failed flat\""), 1U);
}

TEST(LoadPage, LoadsAndRunsNothingAndWhatItShowsIsText) {
  const std::string page = load_page(document());
  EXPECT_FALSE(page.contains("<script"));
  EXPECT_TRUE(page.contains("&lt;script&gt;"));
  EXPECT_TRUE(page.contains("late &lt;ourselves&gt;"));
  EXPECT_TRUE(page.contains("default-src 'none'"));
  for (const char* loads : {"src=", "href=", "@import", "<link"}) {
    EXPECT_FALSE(page.contains(loads)) << loads;
  }
}

TEST(LoadPage, OfAClosedLoopSaysSo) {
  const std::string page = load_page(document("closed"));
  EXPECT_TRUE(page.contains("these latencies flatter it"));
  EXPECT_TRUE(page.contains("as fast as it goes"));
  EXPECT_TRUE(page.contains("from when a request was sent"));
  EXPECT_FALSE(page.contains("from when a request was due"));
  EXPECT_FALSE(load_page(document()).contains("flatter"));
}

TEST(LoadPage, IsAPageForWhateverItIsGiven) {
  EXPECT_TRUE(load_page(Json()).contains("No second was measured."));
  EXPECT_TRUE(load_page(Json::object({{"seconds", 3}, {"plan", "x"}})).ends_with("</html>\n"));
}

}  // namespace
}  // namespace gameday
