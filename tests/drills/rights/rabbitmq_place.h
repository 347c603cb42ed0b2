// A vhost of RabbitMQ in which one row does its work, as a user of its own who has what it is given
// there and nothing else.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/drills/rabbit_node.h"

namespace gameday {

using RabbitNames = std::vector<std::string>;

// The names in a vhost that a user may configure, write and read.
struct RabbitGiven {
  RabbitNames configure, write, read;
  std::string tag = "management";
};

class RabbitRightsPlace {
 public:
  // `orders` is bound to `shop` and amq.direct, and sends what expires to `undelivered`, from where
  // it gets to `dead`. A message came to it directly, and one by `shop`, unless it is `consumed`.
  explicit RabbitRightsPlace(const std::string& row, bool consumed = false)
      : user_("rights-" + row) {
    vhost_.make("dead");
    make_exchange("undelivered", "fanout");
    make_exchange("shop", "topic");
    ask("POST", "/bindings/" + path() + "/e/undelivered/q/dead", Json::object());
    vhost_.drop("orders");
    vhost_.make("orders", Json::object({{"x-dead-letter-exchange", "undelivered"}}));
    vhost_.bind("shop", "order.*", Json::object());
    vhost_.bind("amq.direct", "orders", Json::object());
    if (consumed) return;
    const Json lasting = Json::object({{"delivery_mode", 2}});
    vhost_.publish("a", lasting);
    vhost_.publish("b", lasting, "shop", "order.new");
    vhost_.publish("c", lasting);
    vhost_.publish("given up", lasting, "undelivered", "orders");
  }
  ~RabbitRightsPlace() { ask("DELETE", "/users/" + user_); }
  RabbitRightsPlace(const RabbitRightsPlace&) = delete;
  RabbitRightsPlace& operator=(const RabbitRightsPlace&) = delete;

  void give(const RabbitGiven& given) {
    if (given.tag != tag_ || !made_) {
      ask("PUT", "/users/" + user_,
          Json::object({{"password", RabbitVhost::kPassword}, {"tags", given.tag}}));
      made_ = true;
      tag_ = given.tag;
    }
    ask("PUT", "/permissions/" + path() + "/" + user_,
        Json::object({{"configure", pattern(given.configure)},
                      {"write", pattern(given.write)},
                      {"read", pattern(given.read)}}));
  }

  [[nodiscard]] Json facet(const std::string& control) const {
    std::string url = vhost_.url();
    const std::string somebody = "gameday:";
    url.replace(url.find(somebody), somebody.size(), user_ + ":");
    Json facet = vhost_.facet();
    facet.set("url", url);
    return facet.set("control", Json(Json::Array{control}));
  }
  // The member of a playbook's system.
  [[nodiscard]] std::string system(const std::string& control) const {
    return "  jobs: { rabbitmq: " + facet(control).dump() + " }\n";
  }
  // All that anybody could see of it.
  [[nodiscard]] std::string seen() {
    std::string all = vhost_.bodies() + " / " + vhost_.bodies("dead") + " / " + vhost_.marks();
    const Json definitions = ask("GET", "/definitions/" + path());
    std::set<std::string> in_order;  // the server has them in any
    for (const char* kind : {"queues", "exchanges", "bindings", "policies"}) {
      for (const Json& one : definitions.items(kind)) in_order.insert(one.dump());
    }
    for (const auto& one : in_order) all += "\n" + one;
    return all;
  }
  [[nodiscard]] RabbitVhost& vhost() { return vhost_; }

 private:
  Json ask(const std::string& method, const std::string& path, const Json& body = {}) {
    return vhost_.ask(method, path, body);
  }
  [[nodiscard]] std::string path() const { return vhost_.path(); }
  void make_exchange(const std::string& name, const char* type) {
    ask("PUT", "/exchanges/" + path() + "/" + name,
        Json::object({{"type", type}, {"durable", true}}));
  }
  // As the README has them: whole names, but for those of marks.
  static std::string pattern(const RabbitNames& names) {
    std::string all;
    for (const auto& name : names) {
      if (!all.empty()) all += "|";
      for (const char c : name == "gameday.*" ? "gameday." : name) {
        all += c == '.' ? "\\." : std::string(1, c);
      }
      if (name == "gameday.*") all += ".*";
    }
    return all.empty() ? "" : "^(" + all + ")$";
  }

  RabbitVhost vhost_;
  const std::string user_;
  std::string tag_;
  bool made_ = false;
};

}  // namespace gameday
