#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "lib/program.h"
#include "shop_fixture.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using Environment = TestShop::Environment;

std::size_t missing(const std::vector<std::string>& keys,
                    const std::map<std::string, int>& stored) {
  return static_cast<std::size_t>(
      std::ranges::count_if(keys, [&](const auto& key) { return !stored.contains(key); }));
}

testing::AssertionResult all_stored(const TestShop& shop, const std::string& drill,
                                    const std::vector<std::string>& keys) {
  std::size_t left = keys.size();
  if (eventually([&] { return (left = missing(keys, shop.stored(drill))) == 0; })) {
    return testing::AssertionSuccess() << keys.size() << " orders";
  }
  return testing::AssertionFailure() << left << " of " << keys.size() << " are not in the store";
}

testing::AssertionResult none_twice(const TestShop& shop, const std::string& drill) {
  for (const auto& [key, count] : shop.stored(drill)) {
    if (count != 1) return testing::AssertionFailure() << key << " is there " << count << " times";
  }
  return testing::AssertionSuccess();
}

// What clients see in time says nothing when every program runs many times slower.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif

testing::AssertionResult clients_were_well(const Load& load) {
  const bool well = load.errors() == 0 && load.percentile(0.99) < 0.25;
  if (well || kSlow) return testing::AssertionSuccess();
  return testing::AssertionFailure() << load.errors() << " errors of " << load.size() << ", p99 "
                                     << load.percentile(0.99) << " s";
}

// Keeps the worker from consuming, so that orders stay in the queue.
void pause_worker(const TestShop& shop) {
  shop.signal("worker", SIGSTOP);
  // What it had asked for before may still be delivered to it; nothing is waiting yet.
  std::this_thread::sleep_for(1100ms);
}

TEST(Shop, StoresAnOrderOnceHoweverOftenItIsPut) {
  TestShop shop;
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  const auto read = shop.front("GET", "/orders/D1-checkout-1");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.json().at("sum"), "c0ffee");
  const int again = shop.put("D1-checkout-1");
  EXPECT_TRUE(again == 200 || again == 201) << again;
  EXPECT_TRUE(eventually([&] { return shop.queue("GET", "/orders").json().at("messages") == 0; }));
  EXPECT_TRUE(none_twice(shop, "D1"));
  EXPECT_EQ(shop.front("GET", "/orders/D1-checkout-2").status, 404);
  EXPECT_EQ(shop.front("PUT", "/orders/nodrill", book()).status, 400);
  EXPECT_EQ(shop.front("PUT", "/orders/D1-x", {{"item", "book"}}).status, 400);
}

TEST(Shop, WithoutDedupeDuplicatesAreVisible) {
  TestShop shop(Environment{{"SHOP_DEDUPE", "off"}});
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  EXPECT_TRUE(
      eventually([&] { return shop.queue("GET", "/orders").json().at("retained") == 1; }));
  EXPECT_EQ(shop.queue("POST", "/orders/replay", {{"since", 0}}).json().at("replayed"), 1);
  EXPECT_TRUE(eventually([&] { return shop.stored("D1")["D1-checkout-1"] == 2; }));
}

TEST(Shop, UpTwiceChangesNothingAndCompletesAHalfUpShop) {
  TestShop shop;
  shop.up();
  const pid_t west = shop.pid("west");
  const pid_t queue = shop.pid("queue");
  shop.up();
  EXPECT_EQ(shop.pid("west"), west);
  shop.kill("west");
  shop.up();
  EXPECT_NE(shop.pid("west"), west);
  EXPECT_EQ(shop.pid("queue"), queue);
  EXPECT_EQ(shop.launcher("down"), 0);
  EXPECT_FALSE(std::filesystem::exists(shop.run_dir() + "/west.pid"));
  EXPECT_EQ(shop.front("GET", "/healthz").status, 0);
}

TEST(Shop, KeepsItsOrdersOverDownAndUp) {
  TestShop shop;
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  EXPECT_EQ(shop.launcher("down"), 0);
  shop.up();
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
}

TEST(Shop, UpSaysWhyWhenAPortIsTaken) {
  TestShop shop;
  const TestLink taken(shop.base() + 90, shop.base() + 1);
  std::string output;
  EXPECT_EQ(shop.launcher("up", &output), 1);
  EXPECT_NE(output.find("cannot listen on 127.0.0.1:"), std::string::npos) << output;
}

TEST(Shop, ASecondStoreOnTheSameFileRefuses) {
  TestShop shop;
  shop.up();
  const std::string line = std::string(SHOP_TEST_BIN) + "/shop-store --name other --run " +
                           shop.run_dir() + " --port " + std::to_string(shop.base() + 3) +
                           " --db " + shop.run_dir() + "/store.db 2>/dev/null";
  const int status = std::system(line.c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

TEST(Shop, TwoShopsSideBySideShareNothing) {
  TestShop one;
  one.up();
  TestShop two;
  two.up();
  EXPECT_EQ(one.put("D1-checkout-1"), 201);
  EXPECT_TRUE(all_stored(one, "D1", {"D1-checkout-1"}));
  EXPECT_TRUE(two.stored("D1").empty());
  EXPECT_EQ(one.launcher("down"), 0);
  EXPECT_EQ(two.put("D1-checkout-2"), 201);
}

TEST(Shop, EveryProgramHasHealthMetricsAndAnAccessLog) {
  TestShop shop;
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  for (const int offset : {80, 90, 101, 102, 103, 200}) {
    EXPECT_TRUE(eventually([&] { return shop.call(offset, "GET", "/healthz").status == 200; }))
        << offset;
    const auto metrics = shop.call(offset, "GET", "/metrics");
    EXPECT_NE(metrics.body.find("shop_requests_total{"), std::string::npos) << metrics.body;
  }
  std::ifstream log(shop.run_dir() + "/front.access.jsonl");
  nlohmann::json put;
  for (std::string line; std::getline(log, line);) {
    const auto entry = nlohmann::json::parse(line);
    if (entry.at("method") == "PUT") put = entry;
  }
  EXPECT_EQ(put.at("key"), "D1-checkout-1");
  EXPECT_EQ(put.at("status"), 201);
  EXPECT_LE(parse_time(put.at("at")), parse_time(put.at("end")));
}

TEST(Shop, AKilledGatewayUnderLoadLosesNothingAndClientsSeeNoError) {
  TestShop shop;
  shop.up();
  Load load(shop.base() + 80, "D1", 200);
  std::this_thread::sleep_for(1s);
  shop.kill("west");
  std::this_thread::sleep_for(1s);
  shop.up();
  std::this_thread::sleep_for(500ms);
  load.stop();
  EXPECT_TRUE(clients_were_well(load));
  EXPECT_TRUE(all_stored(shop, "D1", load.acknowledged()));
  EXPECT_TRUE(none_twice(shop, "D1"));
}

TEST(Shop, ALinkThatPassesNothingTakesOneRegionOutOnly) {
  TestShop shop(Environment{{"SHOP_WEST_LINK", "on"}});
  TestLink link(shop.base() + 201, shop.base() + 200);
  shop.up();
  const auto west = [&] { return shop.call(101, "GET", "/healthz").status; };
  ASSERT_TRUE(eventually([&] { return west() == 200; }));
  Load load(shop.base() + 80, "D1", 200);
  std::this_thread::sleep_for(300ms);
  link.hang(true);
  EXPECT_TRUE(eventually([&] { return west() == 503; }, 1500ms));
  std::this_thread::sleep_for(700ms);
  EXPECT_EQ(shop.front("GET", "/healthz").status, 200);
  link.hang(false);
  EXPECT_TRUE(eventually([&] { return west() == 200; }, 2s));
  load.stop();
  EXPECT_TRUE(clients_were_well(load));
  EXPECT_TRUE(all_stored(shop, "D1", load.acknowledged()));
}

TEST(Shop, AStoppedGatewayIsRoutedAround) {
  TestShop shop;
  shop.up();
  Load load(shop.base() + 80, "D1", 100);
  std::this_thread::sleep_for(300ms);
  shop.signal("west", SIGSTOP);
  std::this_thread::sleep_for(1s);
  shop.signal("west", SIGCONT);
  load.stop();
  EXPECT_TRUE(clients_were_well(load));
  EXPECT_TRUE(all_stored(shop, "D1", load.acknowledged()));
  EXPECT_TRUE(none_twice(shop, "D1"));
}

TEST(Shop, WithoutRetriesAndHealthRoutingClientsSeeADeadGateway) {
  TestShop shop(Environment{{"SHOP_RETRIES", "off"}, {"SHOP_HEALTH_ROUTING", "off"}});
  shop.up();
  shop.kill("west");
  int failed = 0;
  for (int i = 0; i < 10; ++i) {
    failed += shop.put("D1-checkout-" + std::to_string(i)) == 201 ? 0 : 1;
  }
  EXPECT_EQ(failed, 5);
}

TEST(Shop, ADroppedQueueLosesNothingWithTheOutbox) {
  TestShop shop;
  shop.up();
  Load load(shop.base() + 80, "D1", 200);
  std::this_thread::sleep_for(500ms);
  const auto before = shop.queue("GET", "/orders").json().at("incarnation");
  EXPECT_EQ(shop.queue("DELETE", "/orders").status, 200);
  EXPECT_EQ(shop.queue("GET", "/orders").status, 404);
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(shop.queue("PUT", "/orders").status, 200);
  EXPECT_NE(shop.queue("GET", "/orders").json().at("incarnation"), before);
  std::this_thread::sleep_for(300ms);
  load.stop();
  EXPECT_TRUE(clients_were_well(load));
  EXPECT_TRUE(all_stored(shop, "D1", load.acknowledged()));
}

TEST(Shop, ADroppedQueueLosesItsOrdersWithoutTheOutbox) {
  TestShop shop(Environment{{"SHOP_OUTBOX", "off"}});
  shop.up();
  pause_worker(shop);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(shop.put("D1-checkout-" + std::to_string(i)), 201);
  EXPECT_EQ(shop.queue("DELETE", "/orders").json().at("dropped"), 5);
  EXPECT_EQ(shop.put("D1-checkout-9"), 503);
  shop.queue("PUT", "/orders");
  shop.signal("worker", SIGCONT);
  std::this_thread::sleep_for(1s);
  EXPECT_TRUE(shop.stored("D1").empty());
}

TEST(Shop, ADroppedQueueCanBePutBackFromItsAnswer) {
  TestShop shop(Environment{{"SHOP_OUTBOX", "off"}});
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-0"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-0"}));
  pause_worker(shop);
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_EQ(shop.put("D1-checkout-2"), 201);
  const auto dropped = shop.queue("DELETE", "/orders?save=1").json();
  EXPECT_EQ(dropped.at("messages").size(), 2U);
  EXPECT_EQ(dropped.at("messages").at(0).at("key"), "D1-checkout-1");
  EXPECT_EQ(dropped.at("retained").size(), 1U);
  EXPECT_EQ(shop.queue("GET", "/orders/dropped").json().at("messages"), dropped.at("messages"));
  EXPECT_EQ(shop.queue("POST", "/orders/messages", dropped).status, 404);
  shop.queue("PUT", "/orders");
  EXPECT_EQ(shop.queue("POST", "/orders/messages", dropped).json().at("accepted"), 2);
  EXPECT_EQ(shop.queue("POST", "/orders/messages", dropped).json().at("skipped"), 2);
  EXPECT_EQ(shop.queue("GET", "/orders").json().at("retained"), 1);
  shop.signal("worker", SIGCONT);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1", "D1-checkout-2"}));
}

TEST(Shop, AKilledQueueKeepsEveryPublishThatItAnswered) {
  TestShop shop(Environment{{"SHOP_OUTBOX", "off"}});
  shop.up();
  Load load(shop.base() + 80, "D1", 200);
  for (int i = 0; i < 2; ++i) {
    std::this_thread::sleep_for(400ms);
    shop.kill("queue");
    shop.up();
  }
  std::this_thread::sleep_for(300ms);
  load.stop();
  EXPECT_GT(load.acknowledged().size(), 100U);
  EXPECT_TRUE(all_stored(shop, "D1", load.acknowledged()));
}

TEST(Shop, AKilledGatewaySendsItsOutboxWhenItIsBack) {
  TestShop shop;
  shop.up();
  shop.kill("queue");
  for (int i = 0; i < 6; ++i) EXPECT_EQ(shop.put("D1-checkout-" + std::to_string(i)), 201);
  shop.kill("west");
  shop.kill("north");
  shop.up();
  std::vector<std::string> keys;
  for (int i = 0; i < 6; ++i) keys.push_back("D1-checkout-" + std::to_string(i));
  EXPECT_TRUE(all_stored(shop, "D1", keys));
}

TEST(Shop, LostTablesMean503UntilTheyAreBackAndThenItDrains) {
  TestShop shop;
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  shop.sql("CREATE TABLE kept AS SELECT * FROM orders; DROP TABLE orders;");
  EXPECT_TRUE(eventually([&] { return shop.front("GET", "/healthz").status == 503; }, 1s));
  EXPECT_EQ(shop.front("GET", "/orders/D1-checkout-1").status, 503);
  EXPECT_EQ(shop.call(200, "GET", "/orders?drill=D1").status, 503);
  EXPECT_EQ(shop.put("D1-checkout-2"), 201);
  shop.sql("ALTER TABLE kept RENAME TO orders;");
  EXPECT_TRUE(eventually([&] { return shop.front("GET", "/healthz").status == 200; }, 1s));
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1", "D1-checkout-2"}));
}

TEST(Shop, WithoutRetriesTheWorkerLosesWhatTheStoreRefuses) {
  TestShop shop(Environment{{"SHOP_RETRIES", "off"}});
  shop.up();
  shop.sql("ALTER TABLE orders RENAME TO kept;");
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(
      eventually([&] { return shop.queue("GET", "/orders").json().at("retained") == 1; }));
  shop.sql("ALTER TABLE kept RENAME TO orders;");
  std::this_thread::sleep_for(500ms);
  EXPECT_TRUE(shop.stored("D1").empty());
}

TEST(Shop, WithoutDegradedWritesALostStoreStopsOrders) {
  TestShop shop(Environment{{"SHOP_DEGRADED_WRITES", "off"}});
  shop.up();
  shop.sql("DROP TABLE orders;");
  EXPECT_TRUE(eventually([&] { return shop.put("D1-checkout-1") == 503; }, 1s));
}

TEST(Shop, ADeletedDrillStaysDeleted) {
  TestShop shop;
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_EQ(shop.put("D2-checkout-1"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  pause_worker(shop);
  EXPECT_EQ(shop.put("D1-checkout-2"), 201);
  EXPECT_EQ(shop.front("DELETE", "/orders?drill=D1").status, 200);
  EXPECT_EQ(shop.front("DELETE", "/orders?drill=D1").status, 200);
  shop.signal("worker", SIGCONT);
  EXPECT_EQ(shop.put("D1-checkout-3"), 410);
  EXPECT_EQ(shop.call(102, "PUT", "/orders/D1-checkout-4", book()).status, 410);
  shop.sql("DELETE FROM orders;");
  EXPECT_EQ(shop.launcher("down"), 0);
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-5"), 410);
  const auto late = nlohmann::json{
      {"orders", {{{"key", "D1-checkout-6"}, {"item", "book"}, {"sum", "0"}}}}};
  EXPECT_EQ(shop.call(200, "POST", "/orders", late).json().at("gone"), 1);
  EXPECT_EQ(shop.put("D2-checkout-2"), 201);
  EXPECT_TRUE(all_stored(shop, "D2", {"D2-checkout-2"}));
  EXPECT_TRUE(shop.stored("D1").empty());
}

TEST(Shop, ReplayBringsBackWhatAnOlderStoreLacksUntilItExpires) {
  TestShop shop(Environment{{"SHOP_RETAIN", "3"}});
  shop.up();
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  ASSERT_TRUE(
      eventually([&] { return shop.queue("GET", "/orders").json().at("retained") == 1; }));
  shop.sql("DELETE FROM orders;");
  const auto since = std::chrono::system_clock::now() - 60s;
  const auto replayed =
      shop.queue("POST", "/orders/replay", {{"since", rfc3339(since)}}).json().at("replayed");
  EXPECT_EQ(replayed, 1);
  EXPECT_TRUE(all_stored(shop, "D1", {"D1-checkout-1"}));
  EXPECT_TRUE(eventually([&] { return shop.queue("GET", "/orders").json().at("retained") == 0; }));
  EXPECT_EQ(shop.queue("POST", "/orders/replay", {{"since", 0}}).json().at("replayed"), 0);
}

TEST(Shop, ListsTwentyThousandOrdersQuickly) {
  TestShop shop;
  shop.up();
  shop.sql(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
      " INSERT INTO orders(key, item, sum, stored_at) SELECT printf('D1-load-%06d', i), 'book',"
      " 'c0ffee', '' FROM n;");
  const auto from = std::chrono::steady_clock::now();
  const auto answer = shop.front("GET", "/orders?drill=D1");
  const auto took = std::chrono::steady_clock::now() - from;
  EXPECT_LT(took, kSlow ? 20s : 1500ms);
  EXPECT_EQ(answer.json().at("orders").size(), 20000U);
}

}  // namespace
}  // namespace shop
