#include "pg_sender.h"

#include <algorithm>
#include <iostream>
#include <utility>

namespace shop {
namespace {

using namespace std::chrono_literals;
using Keys = std::vector<std::string>;

constexpr std::size_t kBatch = 500;
constexpr const char* kQueue = "orders";
// So long an order may be on its way through an empty queue and a worker before it counts as lost;
// twice as long each time, as a worker that hangs holds it all the while.
std::chrono::seconds on_its_way(int times_sent) { return 3s * (1 << std::min(times_sent - 1, 4)); }

}  // namespace

Sender::Sender(const Options& options, Metrics& metrics, PgOrders& orders)
    : where_(broker_from(options)),
      confirms_(options.on("confirms")),
      metrics_(metrics),
      orders_(orders) {
  if (options.on("outbox")) outbox_ = std::make_unique<Outbox>(options.text("run") + "/outbox.db");
}

Sender::Accepted Sender::accept(const Order& order) {
  if (!outbox_) return accept_when_sent(order);
  switch (outbox_->add(order)) {
    case Outbox::Added::kNew: return Accepted::kNew;
    case Outbox::Added::kSame: return Accepted::kSame;
    case Outbox::Added::kDifferent: break;
  }
  return Accepted::kDifferent;
}

Sender::Accepted Sender::accept_when_sent(const Order& order) {
  std::future<bool> taken;
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back({order, {}});
    taken = waiting_.back().taken.get_future();
  }
  ready_.notify_one();
  const bool known = taken.wait_for(1s) == std::future_status::ready;
  return known && taken.get() ? Accepted::kNew : Accepted::kRefused;
}

void Sender::forget(const std::string& drill) {
  if (outbox_) outbox_->remove_drill(drill);
}

void Sender::run() {
  Backoff backoff(50ms, 1s);
  while (true) {
    try {
      if (!broker_) connect();
      outbox_ ? send_outbox() : send_waiting();
      settle();
      broker_->idle();
      backoff.reset();
      rest();
    } catch (const AmqpError& error) {
      std::cerr << error.what() << std::endl;
      metrics_.add("shop_publish_total", "{result=\"failed\"}");
      broker_.reset();
      connected_ = false;
      const std::scoped_lock lock(mutex_);
      for (auto& waiting : std::exchange(waiting_, {})) waiting.taken.set_value(false);
    }
    if (!broker_) backoff.wait();
  }
}

void Sender::connect() {
  broker_ = std::make_unique<Amqp>(where_);
  if (confirms_) broker_->confirm();
  connected_ = true;
}

void Sender::send_outbox() {
  const auto orders = outbox_->unsent(kBatch);
  metrics_.set("shop_outbox_entries", static_cast<double>(outbox_->size()));
  if (orders.empty()) return;
  const auto refused = broker_->publish(orders, 2s);
  Keys taken;
  for (const auto& order : orders) {
    if (!refused.contains(order.key)) taken.push_back(order.key);
  }
  metrics_.add("shop_publish_total", "{result=\"ok\"}", static_cast<double>(taken.size()));
  if (confirms_) {
    for (const auto& key : taken) sent_[key] = {Clock::now(), sent_[key].times + 1};
    outbox_->mark_sent(taken);
  } else {
    outbox_->remove(taken);
  }
  if (!refused.empty()) throw AmqpError("amqp: no queue takes the orders");
}

void Sender::send_waiting() {
  std::vector<Waiting> batch;
  {
    const std::scoped_lock lock(mutex_);
    batch = std::exchange(waiting_, {});
  }
  if (batch.empty()) return;
  std::vector<Order> orders;
  for (const auto& waiting : batch) orders.push_back(waiting.order);
  std::set<std::string> refused;
  try {
    refused = broker_->publish(orders, 800ms);
  } catch (const AmqpError&) {
    for (auto& waiting : batch) waiting.taken.set_value(false);
    throw;
  }
  for (auto& waiting : batch) waiting.taken.set_value(!refused.contains(waiting.order.key));
  metrics_.add("shop_publish_total", "{result=\"ok\"}",
               static_cast<double>(batch.size() - refused.size()));
}

// What was sent stays in the outbox until it is in the store, as a queue can be dropped with all
// that it has confirmed.
void Sender::settle() {
  if (!outbox_ || !confirms_ || Clock::now() < next_settle_) return;
  next_settle_ = Clock::now() + 150ms;
  const Keys keys = outbox_->sent(cursor_, kBatch);
  if (keys.empty()) {
    if (outbox_->size() == 0) sent_.clear();  // of drills that were forgotten meanwhile
    return;
  }
  std::size_t depth = 0;
  try {
    depth = broker_->depth(kQueue);
  } catch (const AmqpError&) {
    sent_.clear();
    std::string all;
    while (true) {
      const Keys lost = outbox_->sent(all, kBatch);
      outbox_->mark_unsent(lost);
      if (all.empty()) break;
    }
    throw;
  }
  try {
    settle_batch(keys, depth == 0);
  } catch (const PgError& error) {
    std::cerr << error.what() << std::endl;
  }
}

void Sender::settle_batch(const Keys& keys, bool queue_is_empty) {
  const Keys done = orders_.settled(keys);
  outbox_->remove(done);
  const std::set<std::string> stored(done.begin(), done.end());
  Keys lost;
  for (const auto& key : keys) {
    const auto sent = sent_.find(key);
    if (stored.contains(key)) {
      if (sent != sent_.end()) sent_.erase(sent);
    } else if (queue_is_empty && (sent == sent_.end() || Clock::now() - sent->second.at >
                                                             on_its_way(sent->second.times))) {
      lost.push_back(key);
    }
  }
  outbox_->mark_unsent(lost);
  metrics_.add("shop_sent_again_total", "", static_cast<double>(lost.size()));
  if (done.size() == kBatch) next_settle_ = Clock::now();
}

void Sender::rest() {
  std::unique_lock lock(mutex_);
  ready_.wait_for(lock, 15ms, [this] { return !waiting_.empty(); });
}

}  // namespace shop
