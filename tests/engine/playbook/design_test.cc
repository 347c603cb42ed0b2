// The design's playbook decodes to what it says, and nothing is said against it.
#include <gtest/gtest.h>

#include "engine/base/digest.h"
#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class DesignPlaybook : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = decode_playbook("/drills/shop/store.yaml", std::string(kDesignPlaybook), {},
                                  test_rows::kRows);
    ASSERT_TRUE(loaded.playbook) << rendered("p.yaml", loaded.source, loaded.problems);
    playbook_ = std::move(*loaded.playbook);
  }
  Playbook playbook_;
};

TEST_F(DesignPlaybook, HasNothingSaidAgainstIt) {
  EXPECT_EQ(told_of(std::string(kDesignPlaybook)), std::vector<std::string>{});
}

TEST_F(DesignPlaybook, HasItsHead) {
  EXPECT_EQ(playbook_.path, "/drills/shop/store.yaml");
  EXPECT_EQ(playbook_.folder, "/drills/shop");
  EXPECT_EQ(playbook_.sha256, sha256(kDesignPlaybook));
  EXPECT_EQ(playbook_.name, "shop-survives-losing-its-store");
  EXPECT_TRUE(playbook_.summary.starts_with("One region is cut off"));
  EXPECT_EQ(playbook_.owner, "payments-sre");
  EXPECT_EQ(playbook_.environment, "staging");
  EXPECT_EQ(playbook_.cadence, "90d");
  EXPECT_EQ(playbook_.controls,
            (std::vector<std::string>{"soc2:A1.3", "iso27001:A.5.30", "nist-800-53:CP-4"}));
}

TEST_F(DesignPlaybook, HasItsObjectives) {
  const auto& objectives = playbook_.objectives;
  ASSERT_TRUE(objectives.rto);
  EXPECT_EQ(objectives.rto->within, Duration(60s));
  EXPECT_EQ(objectives.rto->hold, Duration(5s));
  EXPECT_EQ(objectives.rto->from, "");
  EXPECT_EQ(objectives.rpo, Duration(0s));
  ASSERT_TRUE(objectives.success_rate);
  EXPECT_DOUBLE_EQ(objectives.success_rate->at_least, 0.995);
  EXPECT_EQ(objectives.success_rate->during, "steady");
  ASSERT_EQ(objectives.latencies.size(), 1U);
  EXPECT_EQ(objectives.latencies[0].name, "latency_p99");
  EXPECT_DOUBLE_EQ(objectives.latencies[0].quantile, 0.99);
  EXPECT_EQ(objectives.latencies[0].within, Duration(250ms));
}

TEST_F(DesignPlaybook, HasItsSystem) {
  const auto& system = playbook_.system;
  EXPECT_EQ(system.name, "shop");
  EXPECT_EQ(system.start, (std::vector<std::string>{"./shop", "up"}));
  EXPECT_EQ(system.stop, (std::vector<std::string>{"./shop", "down"}));
  EXPECT_EQ(system.ready, "shop-answers");
  ASSERT_EQ(system.targets.size(), 6U);
  EXPECT_EQ(system.target("west")->region, "eu-west");
  EXPECT_EQ(system.target("west")->place.line, 15);
  EXPECT_EQ(system.target("store")->facets.dump(),
            R"({"sqlite":{"path":"/drills/shop/run/store.db"},)"
            R"("process":{"pidfile":"/drills/shop/run/store.pid"}})");
  EXPECT_EQ(system.target("front")->facets.dump(), R"({"http":{"url":"http://127.0.0.1:8080"}})");
  ASSERT_EQ(system.links.size(), 1U);
  EXPECT_EQ(system.links[0].name, "west-to-store");
  EXPECT_EQ(system.links[0].listen, "127.0.0.1:8201");
  EXPECT_EQ(system.links[0].to, "127.0.0.1:8200");
  EXPECT_EQ(system.links[0].region, "eu-west");
}

TEST_F(DesignPlaybook, HasItsLimits) {
  EXPECT_EQ(playbook_.limits.targets, 2);
  EXPECT_EQ(playbook_.limits.writes, 50000);
  EXPECT_EQ(playbook_.limits.duration, Duration(10min));
  ASSERT_EQ(playbook_.limits.stop_when.size(), 1U);
  EXPECT_EQ(playbook_.limits.stop_when[0].probe, "shop-answers");
  EXPECT_EQ(playbook_.limits.stop_when[0].fails_for, Duration(90s));
}

TEST_F(DesignPlaybook, HasItsLoad) {
  const LoadSpec* load = playbook_.load("checkout");
  ASSERT_NE(load, nullptr);
  EXPECT_DOUBLE_EQ(load->rate, 200);
  EXPECT_EQ(load->arrivals, Arrivals::constant);
  EXPECT_EQ(load->timeout, Duration(1s));
  EXPECT_EQ(load->request.method, "PUT");
  EXPECT_EQ(load->request.url, "http://127.0.0.1:8080/orders/{key}");
  EXPECT_EQ(load->request.body, R"({"item":"book","sum":"{digest}"})");
  ASSERT_EQ(load->request.headers.size(), 1U);
  EXPECT_EQ(load->request.headers[0].second, "application/json");
  ASSERT_TRUE(load->ledger);
  EXPECT_EQ(load->ledger->digest, "/sum");
  EXPECT_EQ(load->ledger->read_back, "http://127.0.0.1:8080/orders/{key}");
  EXPECT_EQ(load->ledger->list, "http://127.0.0.1:8080/orders?drill={drill}");
  ASSERT_TRUE(load->cleanup);
  EXPECT_EQ(load->cleanup->method, "DELETE");
}

TEST_F(DesignPlaybook, HasItsProbe) {
  const ProbeSpec* probe = playbook_.probe("shop-answers");
  ASSERT_NE(probe, nullptr);
  EXPECT_EQ(probe->kind, "http");
  EXPECT_EQ(probe->every, Duration(500ms));
  EXPECT_EQ(probe->timeout, Duration(400ms));
  EXPECT_EQ(probe->arguments.dump(),
            R"({"url":"http://127.0.0.1:8080/healthz","expect":{"status":200}})");
}

TEST_F(DesignPlaybook, HasItsTimeline) {
  const auto& timeline = playbook_.timeline;
  ASSERT_EQ(timeline.size(), 8U);
  EXPECT_EQ(timeline[0].kind, StepKind::steady_state);
  EXPECT_EQ(timeline[0].id, "steady_state-1");
  EXPECT_EQ(timeline[0].steady_for, Duration(10s));
  EXPECT_EQ(timeline[0].within, Duration(30s));
  EXPECT_EQ(timeline[0].names, std::vector<std::string>{"shop-answers"});
  EXPECT_EQ(timeline[1].fault, "block");
  EXPECT_EQ(timeline[1].id, "fault-2");
  EXPECT_EQ(timeline[1].target, "");
  EXPECT_EQ(timeline[1].hold, Duration(15s));
  EXPECT_EQ(timeline[1].arguments.dump(), R"({"region":"eu-west"})");
  EXPECT_EQ(timeline[2].target, "west");
  EXPECT_EQ(timeline[2].arguments.dump(), R"({"signal":"KILL","grace":"5s"})");
  EXPECT_EQ(timeline[3].kind, StepKind::backup);
  EXPECT_EQ(timeline[3].target, "store");
  EXPECT_EQ(timeline[4].id, "lost");
  EXPECT_FALSE(timeline[4].hold);
  EXPECT_EQ(timeline[5].kind, StepKind::restore);
  EXPECT_TRUE(timeline[5].into_place);
  EXPECT_EQ(timeline[5].replay, "orders");
  EXPECT_EQ(timeline[7].kind, StepKind::verify);
  EXPECT_EQ(timeline[7].names, std::vector<std::string>{"checkout"});
  EXPECT_EQ(timeline[7].place.line, 42);
}

}  // namespace
}  // namespace gameday
