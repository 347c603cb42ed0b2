// RabbitMQ over AMQP 0-9-1: one connection with one channel, for one thread. Whatever goes wrong is
// an AmqpError, after which the connection is of no more use.
#pragma once

#include <amqp.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "lib/order.h"
#include "lib/program.h"

namespace shop {

class AmqpError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Broker {
  std::string host;
  int port = 5672;
  std::string vhost;
  std::string user;
  std::string password;
};

// `--amqp-host`, `--amqp-port`; the password is AMQP_PASSWORD of the environment, as arguments are
// for everybody to read.
Broker broker_from(const Options& options);

struct Delivery {
  std::uint64_t tag = 0;
  std::string body;
};

class Amqp {
 public:
  explicit Amqp(const Broker& broker);

  // From now on `publish` waits until the broker says what became of each message.
  void confirm();
  // Returns the keys of the orders that no queue has taken; without confirms that is not known, and
  // none are returned.
  std::set<std::string> publish(const std::vector<Order>& orders,
                                std::chrono::milliseconds patience);

  // Keeps an idle connection alive, and throws when the broker has closed it.
  void idle();
  // Messages that wait; throws when there is no such queue.
  std::size_t depth(const std::string& queue);

  void consume(const std::string& queue, std::uint16_t prefetch);
  std::optional<Delivery> next(std::chrono::milliseconds patience);
  void ack_up_to(std::uint64_t tag);
  void requeue_up_to(std::uint64_t tag);
  void put_aside(std::uint64_t tag);  // to the dead letters

 private:
  using Pending = std::map<std::uint64_t, std::string>;

  void login(const Broker& broker);
  void send(const Order& order);
  void heard(const amqp_frame_t& frame, Pending& pending, std::set<std::string>& refused) const;
  void check(amqp_rpc_reply_t reply, const std::string& what) const;
  void check(int status, const std::string& what) const;

  struct Destroy {
    void operator()(amqp_connection_state_t connection) const;
  };
  std::unique_ptr<amqp_connection_state_t_, Destroy> connection_;
  bool confirms_ = false;
  std::uint64_t published_ = 0;
};

}  // namespace shop
