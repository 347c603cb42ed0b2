// How a gateway's orders get into RabbitMQ: from its outbox, or at once while the client waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/program.h"
#include "outbox.h"
#include "pg_orders.h"
#include "rabbit.h"

namespace shop {

class Sender {
 public:
  enum class Accepted { kNew, kSame, kDifferent, kRefused };

  // `--outbox off`: an order is accepted when the broker has confirmed it, else when it is on this
  // gateway's disk. `--confirms off`: what was sent counts as arrived.
  Sender(const Options& options, Metrics& metrics, PgOrders& orders);

  Accepted accept(const Order& order);
  void forget(const std::string& drill);
  // Whether an order would be accepted now.
  bool accepts() const { return outbox_ != nullptr || connected_; }

  [[noreturn]] void run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Sent {
    Clock::time_point at;
    int times = 0;
  };
  struct Waiting {
    Order order;
    std::promise<bool> taken;
  };

  Accepted accept_when_sent(const Order& order);
  void connect();
  void send_outbox();
  void send_waiting();
  void settle();
  void settle_batch(const std::vector<std::string>& keys, bool queue_is_empty);
  void rest();

  Broker where_;
  bool confirms_;
  Metrics& metrics_;
  PgOrders& orders_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Amqp> broker_;
  std::atomic<bool> connected_ = false;
  std::string cursor_;
  std::map<std::string, Sent> sent_;
  Clock::time_point next_settle_;

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Waiting> waiting_;
};

}  // namespace shop
