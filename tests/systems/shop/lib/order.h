// An order as it travels through the shop.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace shop {

struct Order {
  std::string key;
  std::string item;
  std::string sum;
  std::string mark;  // set by a tool that wants to know its own messages again; mostly empty

  bool same_content(const Order& other) const { return item == other.item && sum == other.sum; }
};

// A message of the queue that is no order has a key of the drill `raw` and its body as its item;
// outside of the queue nobody can give an order such a key.
bool is_raw(std::string_view key);

nlohmann::json to_json(const Order& order);

// Nothing when a field is missing or not a string, or the key is none.
std::optional<Order> order_from_json(const nlohmann::json& json);
// The same, or a message of the queue that is no order.
std::optional<Order> message_from_json(const nlohmann::json& json);

// Everything before the first '-' of a key; empty when there is none.
std::string_view drill_of(std::string_view key);

bool is_key(std::string_view key);
bool is_drill(std::string_view drill);

// The keys of a drill are those k with first_key(drill) <= k < end_key(drill).
std::string first_key(std::string_view drill);
std::string end_key(std::string_view drill);

}  // namespace shop
