// shop-pg-worker: carries orders from RabbitMQ to PostgreSQL and confirms what was stored.

#include <atomic>
#include <iostream>
#include <thread>

#include "lib/program.h"
#include "pg_orders.h"
#include "rabbit.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::size_t kBatch = 200;
constexpr const char* kQueue = "orders";

class Worker {
 public:
  Worker(const Options& options, Metrics& metrics)
      : where_(broker_from(options)),
        metrics_(metrics),
        orders_(options.text("primary"), options.text("primary")) {}

  Response handle(const Request& request) const {
    if (request.path != "/healthz") return error_response(404, "no such path");
    const json body = {{"queue", queue_answers_.load()}, {"store", store_answers_.load()}};
    return json_response(queue_answers_ && store_answers_ ? 200 : 503, body);
  }

  [[noreturn]] void work() {
    Backoff backoff(50ms, 1s);
    while (true) {
      try {
        Amqp broker(where_);
        broker.consume(kQueue, kBatch);
        queue_answers_ = true;
        while (true) {
          if (carry_batch(broker)) {
            backoff.reset();
          } else {
            backoff.wait();
          }
        }
      } catch (const AmqpError& error) {
        std::cerr << error.what() << std::endl;
      }
      queue_answers_ = false;
      metrics_.add("shop_worker_retries_total");
      backoff.wait();
    }
  }

 private:
  // False when the store did not take them; the queue then has them again.
  bool carry_batch(Amqp& broker) {
    std::vector<Order> orders;
    std::uint64_t last = 0;
    auto delivery = broker.next(1s);
    // A short rest gathers what comes meanwhile into one transaction of the store.
    const auto enough = std::chrono::steady_clock::now() + 20ms;
    while (delivery) {
      auto order = order_from_json(json::parse(delivery->body, nullptr, false));
      if (order && can_be_stored(*order)) {
        orders.push_back(std::move(*order));
        last = delivery->tag;
      } else {
        // No number of tries makes an order of it.
        broker.put_aside(delivery->tag);
        metrics_.add("shop_worker_rejected_total");
      }
      if (orders.size() == kBatch || std::chrono::steady_clock::now() >= enough) break;
      delivery = broker.next(10ms);
    }
    if (orders.empty()) {
      // Another worker may have taken what was given back: that the store is there again must be
      // asked.
      if (!store_answers_) store_answers_ = orders_.answers();
      return true;
    }
    store_answers_ = stored(orders);
    if (store_answers_) {
      broker.ack_up_to(last);
    } else {
      broker.requeue_up_to(last);
    }
    return store_answers_;
  }

  bool stored(const std::vector<Order>& orders) {
    try {
      metrics_.add("shop_worker_stored_total", "", orders_.store(orders));
      return true;
    } catch (const PgError& error) {
      std::cerr << error.what() << std::endl;
      metrics_.add("shop_worker_retries_total");
      return false;
    }
  }

  Broker where_;
  Metrics& metrics_;
  PgOrders orders_;
  std::atomic<bool> queue_answers_ = false;
  std::atomic<bool> store_answers_ = true;
};

void serve(const Options& options) {
  hold_lock(options.text("run") + "/lock");
  Service service(options);
  Worker worker(options, service.metrics());
  const std::jthread loop([&] { worker.work(); });
  service.run(4, [&](const Request& request) { return worker.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
