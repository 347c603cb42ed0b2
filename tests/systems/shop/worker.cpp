// shop-worker: carries orders from the queue to the store and confirms what was stored.

#include <atomic>
#include <thread>

#include "lib/order.h"
#include "lib/program.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class Worker {
 public:
  Worker(const Options& options, Metrics& metrics)
      : retries_(options.on("retries")),
        dead_letter_(options.on("dead-letter")),
        confirm_all_(options.on("confirm-all")),
        backoff_(options.on("backoff")),
        metrics_(metrics),
        queue_(options.number("queue")),
        store_(options.number("store")) {}

  Response handle(const Request& request) const {
    if (request.path != "/healthz") return error_response(404, "no such path");
    const json body = {{"queue", queue_answers_.load()}, {"store", store_answers_.load()}};
    return json_response(queue_answers_ && store_answers_ ? 200 : 503, body);
  }

  void work() {
    Backoff backoff(50ms, 1s);
    while (true) {
      if (carry_batch()) {
        backoff.reset();
        // A short rest gathers what comes meanwhile into one transaction of the store.
        std::this_thread::sleep_for(15ms);
      } else {
        metrics_.add("shop_worker_retries_total");
        if (backoff_) backoff.wait();
      }
    }
  }

 private:
  bool carry_batch() {
    // Not waiting after a failure tells sooner that the queue is there again.
    const json wish = {{"max", 200}, {"wait_ms", queue_answers_ ? 1000 : 0}};
    const auto leased = queue_.call("POST", "/orders/lease", wish.dump(), 4s);
    queue_answers_ = leased.ok();
    if (!leased.ok()) return false;
    json messages = leased.json().value("messages", json::array());
    // Without dead letters one message that is no order holds up all that come with it.
    if (dead_letter_) put_aside_poison(messages);
    if (messages.empty()) return true;
    json leases = json::array();
    for (const auto& message : messages) {
      if (!forgets(message)) leases.push_back(message.at("lease"));
    }
    const std::string body = json{{"leases", leases}}.dump();
    const bool stored = store_.call("POST", "/orders", json{{"orders", messages}}.dump(), 2s).ok();
    store_answers_ = stored;
    if (stored) metrics_.add("shop_worker_stored_total", "", static_cast<double>(messages.size()));
    // Without retries a failed order is confirmed as if it had been stored, and thereby lost.
    const bool confirm = stored || !retries_;
    queue_answers_ = queue_.call("POST", confirm ? "/orders/ack" : "/orders/nack", body, 2s).ok();
    return confirm && queue_answers_;
  }

  // The first order that it sees is never confirmed, so that it comes again for ever.
  bool forgets(const json& message) {
    if (confirm_all_) return false;
    if (forgotten_.empty()) forgotten_ = message.at("key");
    return message.at("key") == forgotten_;
  }

  // Takes what is no order out of the batch; the queue puts it aside after some times.
  void put_aside_poison(json& messages) {
    json orders = json::array();
    json leases = json::array();
    for (auto& message : messages) {
      if (order_from_json(message)) {
        orders.push_back(std::move(message));
      } else {
        leases.push_back(message.at("lease"));
      }
    }
    if (!leases.empty()) {
      queue_.call("POST", "/orders/reject", json{{"leases", leases}}.dump(), 2s);
      metrics_.add("shop_worker_rejected_total", "", static_cast<double>(leases.size()));
    }
    messages = std::move(orders);
  }

  bool retries_;
  bool dead_letter_;
  bool confirm_all_;
  std::string forgotten_;
  bool backoff_;
  Metrics& metrics_;
  HttpClient queue_;
  HttpClient store_;
  std::atomic<bool> queue_answers_ = false;
  std::atomic<bool> store_answers_ = true;
};

void serve(const Options& options) {
  hold_lock(options.text("run") + "/" + options.text("name") + ".lock");
  Service service(options);
  Worker worker(options, service.metrics());
  const std::jthread loop([&] { worker.work(); });
  service.run(4, [&](const Request& request) { return worker.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
