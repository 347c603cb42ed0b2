#include <gtest/gtest.h>

#include <thread>

#include "shop_fixture.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using Environment = TestShop::Environment;
using nlohmann::json;

json told(const TestShop& shop) { return shop.queue("GET", "/orders/disturb?mark=m").json(); }

TEST(Shop, CopiesAreDeliveredAndStoredOnce) {
  TestShop shop;
  shop.up();
  const json asked = {{"mark", "m"}, {"how", "duplicate"}, {"count", 2}};
  EXPECT_EQ(shop.queue("POST", "/orders/disturb", asked).status, 200);
  for (const char* key : {"D1-c-1", "D1-c-2", "D1-c-3"}) EXPECT_EQ(shop.put(key), 201);
  EXPECT_TRUE(eventually([&] { return told(shop).at("delivered") == 2; }));
  EXPECT_TRUE(eventually([&] { return shop.stored("D1").size() == 3; }));
  EXPECT_EQ(shop.stored("D1").at("D1-c-1"), 1);
  EXPECT_TRUE(eventually([&] { return shop.queue("GET", "/orders").json().at("messages") == 0; }));
  EXPECT_EQ(shop.queue("GET", "/orders").json().at("retained"), 3) << "a copy is not retained";
}

TEST(Shop, WithoutDedupeCopiesAreStoredTwice) {
  TestShop shop(Environment{{"SHOP_DEDUPE", "off"}});
  shop.up();
  const json asked = {{"mark", "m"}, {"how", "duplicate"}, {"count", 1}};
  EXPECT_EQ(shop.queue("POST", "/orders/disturb", asked).status, 200);
  EXPECT_EQ(shop.put("D1-c-1"), 201);
  EXPECT_TRUE(eventually([&] { return shop.stored("D1")["D1-c-1"] == 2; }));
}

TEST(Shop, WhatIsDelayedIsStoredWhenItsTimeHasCome) {
  TestShop shop;
  shop.up();
  const json asked = {{"mark", "m"}, {"how", "delay"}, {"count", 10}, {"delay_s", 1.0}};
  EXPECT_EQ(shop.queue("POST", "/orders/disturb", asked).status, 200);
  EXPECT_EQ(shop.put("D1-c-1"), 201);
  EXPECT_TRUE(eventually([&] { return told(shop).at("held") == 1; }));
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(shop.stored("D1").empty());
  EXPECT_TRUE(eventually([&] { return shop.stored("D1").contains("D1-c-1"); }, 3s));
}

TEST(Shop, AQueueThatStartsAgainStillDisturbs) {
  TestShop shop;
  shop.up();
  const json asked = {{"mark", "m"}, {"how", "delay"}, {"count", 10}, {"delay_s", 60.0}};
  EXPECT_EQ(shop.queue("POST", "/orders/disturb", asked).status, 200);
  shop.signal("queue", SIGKILL);
  shop.up();
  EXPECT_EQ(shop.put("D1-c-1"), 201);
  EXPECT_TRUE(eventually([&] { return told(shop).at("held") == 1; }));
  EXPECT_EQ(shop.queue("DELETE", "/orders/disturb?mark=m").json().at("active"), false);
  EXPECT_TRUE(eventually([&] { return shop.stored("D1").contains("D1-c-1"); }, 3s));
  EXPECT_EQ(shop.queue("POST", "/orders/disturb", asked).status, 410);
}

}  // namespace
}  // namespace shop
