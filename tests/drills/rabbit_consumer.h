// A consumer of a queue that takes what it is given and never acknowledges: by AMQP's own bytes, so
// that it is somebody else's.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "drills/systems/link.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/rabbit_node.h"

namespace gameday {

class RabbitConsumer {
 public:
  RabbitConsumer(RabbitVhost& vhost, DeedWorld& world, const std::string& queue = "orders") {
    auto line = connect_to(vhost.node().amqp(), world.context());
    EXPECT_TRUE(line);
    line_ = std::move(*line);
    const std::string none(4, '\0'), login = std::string(1, '\0') + "guest" + '\0' + "guest";
    say(std::string("AMQP\0\0\x09\x01", 8));
    say(method(0, 10, 11,
               none + brief("PLAIN") + number(login.size(), 4) + login + brief("en_US")));
    say(method(0, 10, 31, number(2047, 2) + number(131072, 4) + number(0, 2)));
    say(method(0, 10, 40, brief(vhost.name()) + brief("") + '\0'));
    say(method(1, 20, 10, brief("")));
    say(method(1, 60, 20, number(0, 2) + brief(queue) + brief("it") + '\0' + none));
    hear(world);
  }

  // Whether the server has ended its connection: it says so, or says nothing ever again.
  [[nodiscard]] bool is_cut_off() const {
    constexpr std::size_t kMost = 1 << 16;
    const std::string close = number(10, 2) + number(50, 2);
    std::string heard(kMost, '\0');
    const ssize_t came = recv(line_.get(), heard.data(), heard.size(), MSG_PEEK | MSG_DONTWAIT);
    if (came < 0) return errno != EAGAIN;
    heard.resize(static_cast<std::size_t>(came));
    return came == 0 || heard.contains(close);
  }
  // By which it is told from one that came before it.
  [[nodiscard]] std::string port() const {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    getsockname(line_.get(), reinterpret_cast<sockaddr*>(&own), &size);
    return std::to_string(ntohs(own.sin_port));
  }

 private:
  // Until the server says that it consumes.
  void hear(DeedWorld& world) {
    const std::string begun = number(60, 2) + number(21, 2);
    std::string heard;
    while (heard.find(begun + brief("it")) == std::string::npos) {
      ASSERT_TRUE(wait_for(line_.get(), POLLIN, world.clock(), world.context().until));
      char bytes[4096];
      const ssize_t came = recv(line_.get(), bytes, sizeof bytes, 0);
      ASSERT_GT(came, 0) << heard;
      heard.append(bytes, static_cast<std::size_t>(came));
    }
  }
  static std::string number(std::size_t value, int bytes) {
    std::string written;
    for (int at = bytes - 1; at >= 0; --at) written += static_cast<char>(value >> (8 * at) & 0xff);
    return written;
  }
  static std::string brief(const std::string& text) { return number(text.size(), 1) + text; }
  static std::string method(std::size_t channel, std::size_t kind, std::size_t id,
                            const std::string& arguments) {
    const std::string payload = number(kind, 2) + number(id, 2) + arguments;
    return '\x01' + number(channel, 2) + number(payload.size(), 4) + payload + '\xce';
  }
  void say(const std::string& bytes) {
    EXPECT_EQ(send(line_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  Descriptor line_;
};

}  // namespace gameday
