// Peers that answer HTTP in ways that could keep, fill or fool whoever asked.
#pragma once

#include <atomic>
#include <memory>

#include "tests/probes/probe_world.h"

namespace gameday {

// A body without an end, as fast as it is taken.
class EndlessServer : public TestServer {
 public:
  EndlessServer()
      : TestServer([](int connection, const std::stop_token& stop) {
          if (received(connection, stop).empty()) return;
          give(connection, "HTTP/1.1 200 OK\r\n\r\n[", stop);
          const std::string block(1 << 16, ' ');
          while (give(connection, block, stop)) continue;
        }) {}
};

// Sends whoever asks to itself.
class CircleServer : public TestServer {
 public:
  explicit CircleServer(
      std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0))
      : TestServer([asked](int connection, const std::stop_token& stop) {
          if (received(connection, stop).empty()) return;
          ++*asked;
          give(connection,
               "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n"
               "Connection: close\r\n\r\n",
               stop);
        }),
        asked_(std::move(asked)) {}
  [[nodiscard]] int asked() const { return *asked_; }

 private:
  std::shared_ptr<std::atomic<int>> asked_;
};

// Promises more than it sends, and hangs up.
inline std::string answer_cut_off() {
  return "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n[]";
}

// {"messages":0,"rows":[]}, packed: whoever unpacks what was not asked for can be sent a bomb.
inline std::string packed_answer() {
  constexpr unsigned char kPacked[] = {
      0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0x4d,
      0x2d, 0x2e, 0x4e, 0x4c, 0x4f, 0x2d, 0x56, 0xb2, 0x32, 0xd0, 0x51, 0x2a, 0xca, 0x2f,
      0x07, 0x32, 0xa2, 0x63, 0x6b, 0x01, 0x43, 0x7c, 0xe6, 0x5f, 0x18, 0x00, 0x00, 0x00};
  const std::string body(std::begin(kPacked), std::end(kPacked));
  return http_answer(200, body, "Content-Encoding: gzip\r\n");
}

}  // namespace gameday
