// shop-gateway: takes orders for one region. With the outbox an order is accepted when it is on
// this gateway's disk, and sent to the queue until the queue says that it was stored.

#include <atomic>
#include <thread>

#include "lib/program.h"
#include "lib/tombstones.h"
#include "outbox.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Keys = std::vector<std::string>;

constexpr std::size_t kBatch = 500;
constexpr std::string_view kOne = "/orders/";

class Gateway {
 public:
  Gateway(const Options& options, Metrics& metrics)
      : tombstones_(options.text("data") + ".tombstones"),
        metrics_(metrics),
        queue_(options.number("queue")),
        store_(options.number("store")),
        store_probe_(options.number("store")) {
    if (options.on("outbox")) outbox_ = std::make_unique<Outbox>(options.text("data") + ".outbox");
  }

  Response handle(const Request& request) {
    if (request.path == "/healthz") return health();
    if (request.path.starts_with(kOne) && request.path.size() > kOne.size()) {
      const std::string key = request.path.substr(kOne.size());
      if (request.method == "PUT") return put(key, request.body);
      if (request.method == "GET") return from_store(request.target, 200ms);
      return error_response(405, "GET or PUT");
    }
    if (request.path != "/orders") return error_response(404, "no such path");
    const std::string drill = request.param("drill");
    if (!is_drill(drill)) return error_response(400, "?drill=ID is missing");
    if (request.method == "GET") return from_store(request.target, 3s);
    if (request.method == "DELETE") return remove(drill);
    return error_response(405, "GET or DELETE");
  }

  // Two failures in a row, so that one slow answer does not take a region out.
  void watch() {
    while (true) {
      const bool reads = store_probe_.call("GET", "/healthz", "", 200ms).ok() ||
                         store_probe_.call("GET", "/healthz", "", 200ms).ok();
      reads_ = reads;
      writes_ = outbox_ || queue_.call("GET", "/healthz", "", 200ms).ok() ||
                queue_.call("GET", "/healthz", "", 200ms).ok();
      metrics_.set("shop_gateway_store_reachable", reads ? 1 : 0);
      std::this_thread::sleep_for(100ms);
    }
  }

  void send_outbox() {
    Backoff backoff(50ms, 500ms);
    std::string cursor;
    auto next_settle = std::chrono::steady_clock::now();
    while (outbox_) {
      bool reachable = publish_batch();
      const auto now = std::chrono::steady_clock::now();
      if (reachable && now >= next_settle) {
        const bool more = settle_batch(cursor, reachable);
        next_settle = more ? now : now + 150ms;
      }
      metrics_.set("shop_outbox_entries", static_cast<double>(outbox_->size()));
      if (reachable) {
        backoff.reset();
        std::this_thread::sleep_for(15ms);
      } else {
        backoff.wait();
      }
    }
  }

 private:
  Response health() const {
    const json body = {{"reads", reads_.load()}, {"writes", writes_.load()}};
    return json_response(reads_ && writes_ ? 200 : 503, body);
  }

  Response put(const std::string& key, const std::string& body) {
    auto entry = json::parse(body, nullptr, false);
    if (!entry.is_object()) return error_response(400, "the body is not a JSON object");
    entry["key"] = key;
    const auto order = order_from_json(entry);
    if (!order) return error_response(400, "an order needs a key DRILL-..., an item and a sum");
    if (tombstones_.covers(key)) return error_response(410, "this drill's orders were deleted");
    if (!outbox_) return put_in_queue(*order);
    switch (outbox_->add(*order)) {
      case Outbox::Added::kNew: return json_response(201, {{"key", key}});
      case Outbox::Added::kSame: return json_response(200, {{"key", key}});
      case Outbox::Added::kDifferent: break;
    }
    return error_response(409, "this key was taken with another content");
  }

  Response put_in_queue(const Order& order) {
    const json body = {{"messages", json::array({to_json(order)})}};
    const auto answer = queue_.call("POST", "/orders/publish", body.dump(), 400ms);
    if (!answer.ok()) return error_response(503, "the queue did not take the order");
    if (!answer.json().value("gone", Keys()).empty()) {
      return error_response(410, "this drill's orders were deleted");
    }
    return json_response(201, {{"key", order.key}});
  }

  Response from_store(const std::string& target, std::chrono::milliseconds timeout) {
    auto answer = store_.call("GET", target, "", timeout);
    if (answer.status == 0) return error_response(503, "the store did not answer");
    return {.status = answer.status, .body = std::move(answer.body)};
  }

  // Every part is told although one before it failed: each then refuses late arrivals by itself.
  Response remove(const std::string& drill) {
    tombstones_.add(drill);
    if (outbox_) outbox_->remove_drill(drill);
    const auto queue = queue_.call("DELETE", "/orders/messages?drill=" + drill, "", 2s);
    const auto store = store_.call("DELETE", "/orders?drill=" + drill, "", 3s);
    if (!queue.ok()) return error_response(503, "the queue did not delete the drill's messages");
    if (!store.ok()) return error_response(503, "the store did not delete the drill's orders");
    return {.body = store.body};
  }

  // False when there is no queue to talk to.
  bool publish_batch() {
    const auto orders = outbox_->unsent(kBatch);
    if (orders.empty()) return true;
    json body = {{"messages", json::array()}};
    Keys keys;
    for (const auto& order : orders) {
      body["messages"].push_back(to_json(order));
      keys.push_back(order.key);
    }
    const auto answer = queue_.call("POST", "/orders/publish", body.dump(), 2s);
    metrics_.add("shop_publish_total", answer.ok() ? "{result=\"ok\"}" : "{result=\"failed\"}");
    if (!answer.ok()) return false;
    outbox_->mark_sent(keys);
    if (const auto gone = answer.json().value("gone", Keys()); !gone.empty()) outbox_->remove(gone);
    return true;
  }

  // Asks what became of sent entries; true when there is more to ask about at once.
  bool settle_batch(std::string& cursor, bool& reachable) {
    const Keys keys = outbox_->sent(cursor, kBatch);
    if (keys.empty()) return false;
    const auto answer = queue_.call("POST", "/orders/settled", json{{"keys", keys}}.dump(), 2s);
    reachable = answer.ok() || answer.status == 404;
    if (!answer.ok()) {
      // The queue was dropped; whatever was in it has to be sent again to the next one.
      if (answer.status == 404) outbox_->mark_unsent(keys);
      return false;
    }
    const json settled = answer.json();
    Keys done = settled.value("confirmed", Keys());
    const Keys gone = settled.value("gone", Keys());
    done.insert(done.end(), gone.begin(), gone.end());
    if (!done.empty()) outbox_->remove(done);
    outbox_->mark_unsent(settled.value("unknown", Keys()));
    return keys.size() == kBatch && !done.empty();
  }

  Tombstones tombstones_;
  Metrics& metrics_;
  HttpClient queue_;
  HttpClient store_;
  HttpClient store_probe_;
  std::unique_ptr<Outbox> outbox_;
  std::atomic<bool> reads_ = false;
  std::atomic<bool> writes_ = false;
};

void serve(const Options& options) {
  hold_lock(options.text("data") + ".lock");
  Service service(options);
  Gateway gateway(options, service.metrics());
  const std::jthread watcher([&] { gateway.watch(); });
  const std::jthread sender([&] { gateway.send_outbox(); });
  service.run(48, [&](const Request& request) { return gateway.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
