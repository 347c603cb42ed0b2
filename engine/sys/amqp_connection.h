// A connection to RabbitMQ, as the files of its door share it.
#pragma once

#include <functional>
#include <thread>

#include "engine/sys/amqp.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/tls.h"

struct amqp_connection_state_t_;
struct amqp_frame_t_;
struct amqp_method_t_;
struct amqp_rpc_reply_t_;

namespace gameday {

struct Amqp::Connection {
  Connection(Descriptor to, std::string place, const Clock& a_clock, Until an_until,
             const AmqpOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Whatever the library says of a connection that the watch has shut.
  [[nodiscard]] Error broken(int status);
  // What the server ends a channel, or the connection, with.
  [[nodiscard]] Error closed(const amqp_method_t_& method, int channel);
  [[nodiscard]] Status judged(const amqp_rpc_reply_t_& reply, int channel,
                              const std::string& doing);
  [[nodiscard]] Status judged(int channel, const std::string& doing);  // the last reply
  // To be asked before anything else: the server ends a whole connection that speaks on a channel
  // which it has ended.
  [[nodiscard]] Status usable(int channel, const std::string& doing);
  // The next frame for that channel; an error where the server ends it instead.
  [[nodiscard]] Result<amqp_frame_t_> next(int channel, const std::string& doing);
  // Around a change: what `work` asks for is judged by the last reply.
  [[nodiscard]] Status changed(int channel, const std::string& doing,
                               const std::function<void()>& work);
  void told(Side side) const {
    if (observer) observer("amqp", side);
  }

  amqp_connection_state_t_* state;
  std::string where;
  const Clock& clock;
  Until until;
  WriteObserver observer;
  AmqpServer server;
  int channels = 0;
  std::set<int> over;  // channels that the server has ended
  bool lost = false;
  std::optional<TlsTunnel> tunnel;
  Descriptor ended;
  Descriptor line;  // the library may close its own while the watch still shuts it
  std::thread watch;
};

}  // namespace gameday
