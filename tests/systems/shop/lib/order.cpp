#include "order.h"

#include <algorithm>

namespace shop {
namespace {

std::optional<std::string> text_field(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

bool is_raw(std::string_view key) { return drill_of(key) == "raw"; }

nlohmann::json to_json(const Order& order) {
  if (is_raw(order.key)) return {{"key", order.key}, {"raw", order.item}, {"mark", order.mark}};
  nlohmann::json json = {{"key", order.key}, {"item", order.item}, {"sum", order.sum}};
  if (!order.mark.empty()) json["mark"] = order.mark;
  return json;
}

std::optional<Order> order_from_json(const nlohmann::json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto key = text_field(json, "key");
  const auto item = text_field(json, "item");
  const auto sum = text_field(json, "sum");
  if (!key || !item || !sum || !is_key(*key) || is_raw(*key)) return std::nullopt;
  return Order{*key, *item, *sum, text_field(json, "mark").value_or("")};
}

std::optional<Order> message_from_json(const nlohmann::json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto key = text_field(json, "key");
  const auto raw = text_field(json, "raw");
  if (!key || !raw || !is_raw(*key)) return order_from_json(json);
  return Order{*key, *raw, "", text_field(json, "mark").value_or("")};
}

std::string_view drill_of(std::string_view key) {
  const auto dash = key.find('-');
  return dash == std::string_view::npos ? std::string_view() : key.substr(0, dash);
}

bool is_key(std::string_view key) {
  const auto plain = [](char c) { return c > ' ' && c < 127 && c != '/' && c != '?' && c != '&'; };
  return !drill_of(key).empty() && std::ranges::all_of(key, plain);
}

bool is_drill(std::string_view drill) {
  return is_key(first_key(drill)) && drill.find('-') == std::string_view::npos;
}

std::string first_key(std::string_view drill) { return std::string(drill) + "-"; }

std::string end_key(std::string_view drill) {
  return std::string(drill) + static_cast<char>('-' + 1);
}

}  // namespace shop
