#include <gtest/gtest.h>

#include <thread>

#include "shop_fixture.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using Environment = TestShop::Environment;

nlohmann::json poison() { return {{"bodies", {"no order"}}, {"mark", "m"}}; }

TEST(Shop, AMessageThatIsNoOrderIsPutAside) {
  TestShop shop;
  shop.up();
  EXPECT_EQ(shop.queue("POST", "/orders/raw", poison()).json().at("accepted"), 1);
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  EXPECT_TRUE(eventually([&] { return shop.stored("D1").contains("D1-checkout-1"); }));
  const auto dead = [&] { return shop.queue("GET", "/orders/dead").json().at("messages"); };
  EXPECT_TRUE(eventually([&] { return dead().size() == 1; }));
  EXPECT_EQ(dead().at(0).at("raw"), "no order");
  EXPECT_EQ(dead().at(0).at("rejected"), 3);
  EXPECT_TRUE(eventually([&] { return shop.queue("GET", "/orders").json().at("messages") == 0; }));
  EXPECT_EQ(shop.queue("DELETE", "/orders/messages?mark=m").json().at("deleted"), 1);
  EXPECT_TRUE(dead().empty());
}

TEST(Shop, WithoutDeadLettersItHoldsUpWhatComesWithIt) {
  TestShop shop(Environment{{"SHOP_DEAD_LETTER", "off"}});
  shop.up();
  EXPECT_EQ(shop.queue("POST", "/orders/raw", poison()).status, 200);
  EXPECT_EQ(shop.put("D1-checkout-1"), 201);
  std::this_thread::sleep_for(1500ms);
  EXPECT_TRUE(shop.stored("D1").empty());
  EXPECT_EQ(shop.queue("DELETE", "/orders/messages?mark=m").json().at("deleted"), 1);
  EXPECT_TRUE(eventually([&] { return shop.stored("D1").contains("D1-checkout-1"); }));
}

}  // namespace
}  // namespace shop
