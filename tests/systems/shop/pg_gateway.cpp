// shop-pg-gateway: takes orders for one region of the composed system, sends them through RabbitMQ
// and reads them from PostgreSQL. It answers as `shop-gateway` does.

#include <atomic>
#include <iostream>
#include <thread>

#include "cache.h"
#include "lib/program.h"
#include "lib/tombstones.h"
#include "pg_orders.h"
#include "pg_sender.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::string_view kOne = "/orders/";

class Gateway {
 public:
  Gateway(const Options& options, Metrics& metrics)
      : tombstones_(options.text("run") + "/tombstones"),
        metrics_(metrics),
        orders_(options.text("near"), options.text("primary")),
        cache_(options, metrics),
        sender_(options, metrics, orders_) {}

  Response handle(const Request& request) {
    if (request.path == "/healthz") return health(reads_ && sender_.accepts());
    // For whoever only wants to know where an order would be accepted, though it can't be read.
    if (request.path == "/healthz/writes") return health(sender_.accepts());
    if (request.path.starts_with(kOne) && request.path.size() > kOne.size()) {
      const std::string key = request.path.substr(kOne.size());
      if (request.method == "PUT") return put(key, request.body);
      if (request.method == "GET") return get(key);
      return error_response(405, "GET or PUT");
    }
    if (request.path != "/orders") return error_response(404, "no such path");
    const std::string drill = request.param("drill");
    if (!is_drill(drill)) return error_response(400, "?drill=ID is missing");
    if (request.method == "GET") return orders_.list(drill);
    if (request.method == "DELETE") return remove(drill);
    return error_response(405, "GET or DELETE");
  }

  // Two failures in a row, so that one slow answer does not take a region out.
  void watch() {
    while (true) {
      reads_ = orders_.answers() || orders_.answers();
      metrics_.set("shop_gateway_store_reachable", reads_ ? 1 : 0);
      metrics_.set("shop_gateway_accepts_orders", sender_.accepts() ? 1 : 0);
      std::this_thread::sleep_for(100ms);
    }
  }

  // A drill that was deleted through another gateway.
  void learn_tombstones() {
    while (true) {
      try {
        for (const auto& drill : orders_.deleted_drills()) tombstones_.add(drill);
      } catch (const PgError&) {
        metrics_.add("shop_tombstones_unknown_total");
      }
      std::this_thread::sleep_for(250ms);
    }
  }

  [[noreturn]] void send() { sender_.run(); }

 private:
  Response health(bool well) const {
    const json body = {{"reads", reads_.load()}, {"writes", sender_.accepts()}};
    return json_response(well ? 200 : 503, body);
  }

  Response put(const std::string& key, const std::string& body) {
    auto entry = json::parse(body, nullptr, false);
    if (!entry.is_object()) return error_response(400, "the body is not a JSON object");
    entry["key"] = key;
    const auto order = order_from_json(entry);
    if (!order || !can_be_stored(*order))
      return error_response(400, "an order needs a key DRILL-..., an item and a sum");
    if (tombstones_.covers(key)) return error_response(410, "this drill's orders were deleted");
    switch (sender_.accept(*order)) {
      case Sender::Accepted::kNew: return json_response(201, {{"key", key}});
      case Sender::Accepted::kSame: return json_response(200, {{"key", key}});
      case Sender::Accepted::kRefused:
        return error_response(503, "the queue did not take the order");
      case Sender::Accepted::kDifferent: break;
    }
    return error_response(409, "this key was taken with another content");
  }

  Response get(const std::string& key) {
    if (auto kept = cache_.get(key)) return {.body = std::move(*kept)};
    auto answer = orders_.read(key);
    if (answer.status == 200) cache_.put(key, answer.body);
    return answer;
  }

  Response remove(const std::string& drill) {
    tombstones_.add(drill);
    sender_.forget(drill);
    return json_response(200, {{"drill", drill}, {"deleted", orders_.remove(drill)}});
  }

  Tombstones tombstones_;
  Metrics& metrics_;
  PgOrders orders_;
  Cache cache_;
  Sender sender_;
  std::atomic<bool> reads_ = false;
};

void serve(const Options& options) {
  hold_lock(options.text("run") + "/lock");
  Service service(options);
  Gateway gateway(options, service.metrics());
  const std::jthread watcher([&] { gateway.watch(); });
  const std::jthread learner([&] { gateway.learn_tombstones(); });
  const std::jthread sender([&] { gateway.send(); });
  service.run(32, [&](const Request& request) { return gateway.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
