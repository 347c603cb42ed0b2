// A load against an order server, with real doors and a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "engine/base/text.h"
#include "engine/load/load.h"
#include "tests/engine/load/order_server.h"

namespace gameday {

class LoadTest : public testing::Test {
 protected:
  LoadTest()
      : processes_(make_processes(clock_)),
        http_(make_curl_http(clock_)),
        doors_{clock_, files_, *processes_, *http_, {}} {
    std::string pattern = testing::TempDir() + "load-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~LoadTest() override { std::filesystem::remove_all(folder_); }

  LoadTerms terms(const std::string& url, double rate) const {
    LoadTerms made;
    made.spec.name = "checkout";
    made.spec.rate = rate;
    made.spec.request.method = "PUT";
    made.spec.request.url = url + "/orders/{key}";
    made.spec.request.body = R"({"item":"book","sum":"{digest}","seq":{seq},"drill":"{drill}"})";
    made.spec.ledger = LedgerSpec{"/sum", url + "/orders/{key}", url + "/orders?drill={drill}"};
    made.drill = "01DRILL";
    made.seed = 7;
    return made;
  }
  LoadTerms with_ledger(LoadTerms made) const {
    made.ledger_path = folder_ + "/ledger.jsonl";
    return made;
  }

  std::unique_ptr<Load> start(const LoadTerms& made) {
    auto load = start_load(made, doors_, secrets_, [this](const WindowCount& window) {
      windows_.push_back(window);  // read after end() only
    });
    EXPECT_TRUE(load) << load.error().text;
    return std::move(*load);
  }
  // A load of that length, ended.
  std::unique_ptr<Load> ran(const LoadTerms& made, Duration length) {
    auto load = start(made);
    rest(length);
    load->end();
    return load;
  }
  void rest(Duration length) const { (void)clock_.sleep({Stop(), clock_.in(length)}); }
  template <class Condition>
  [[nodiscard]] bool soon(Condition condition) const {
    const Instant deadline = clock_.in(std::chrono::seconds(20));
    while (!condition() && clock_.now().boot < deadline) rest(std::chrono::milliseconds(5));
    return condition();
  }
  [[nodiscard]] Until within(Duration length) const { return {Stop(), clock_.in(length)}; }

  std::vector<Json> ledger_lines() const {
    std::vector<Json> lines;
    const std::string bytes = *files_.read(folder_ + "/ledger.jsonl");
    for (const auto& line : split(trimmed(bytes), '\n')) lines.push_back(*Json::parse(line));
    return lines;
  }

  static std::size_t count(const Load& load, SampleOutcome outcome) {
    return static_cast<std::size_t>(std::ranges::count(load.samples(), outcome, &Sample::outcome));
  }

  SystemClock clock_;
  Files files_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Http> http_;
  Doors doors_;
  Secrets secrets_;
  std::string folder_;
  std::vector<WindowCount> windows_;
};

}  // namespace gameday
