// Both ends of a link for tests: a client socket, and a server that sends back what it gets.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/proxy/address.h"
#include "engine/proxy/unix_socket.h"
#include "engine/sys/descriptor.h"

namespace gameday {

class Peer {
 public:
  static Peer to(const std::string& address);
  static Peer to_unix(const std::string& path);
  static Peer accepted_by(const Descriptor& listener);  // waits up to ten seconds

  void send(const std::string& bytes) const;       // all of it, or the test fails
  void send_some(const std::string& bytes) const;  // as far as the other side takes it
  void close_sending() const;
  std::string receive(std::size_t count) const;  // waits up to ten seconds
  std::string receive_all();                     // until the end
  std::string receive_once() const;              // what one read gives
  [[nodiscard]] bool is_reset() const;           // waits up to ten seconds
  [[nodiscard]] std::size_t send_what_fits(std::size_t most,
                                           std::chrono::milliseconds within) const;
  [[nodiscard]] std::string address() const { return bound_address(socket_.get()); }
  [[nodiscard]] bool ended_in_order() const { return in_order_; }
  [[nodiscard]] bool readable(std::chrono::milliseconds within) const;

 private:
  explicit Peer(int number) : socket_(number) {}
  Descriptor socket_;
  bool in_order_ = false;
};

// Whoever is to be reached, with its connections in the test's own hand.
class Listener {
 public:
  Listener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = resolve_address("127.0.0.1:0");
    EXPECT_EQ(bind(socket_.get(), any->get(), any->size), 0);
    EXPECT_EQ(listen(socket_.get(), 1024), 0);
  }
  [[nodiscard]] std::string address() const { return bound_address(socket_.get()); }
  [[nodiscard]] Peer accept() const { return Peer::accepted_by(socket_); }

 private:
  Descriptor socket_;
};

class Echo {
 public:
  enum class Mode { echo, answer_at_end, close_after_one, reset_after_one, reset_soon };

  Echo();
  ~Echo();
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  [[nodiscard]] std::string address() const { return address_; }
  void set_mode(Mode mode) { mode_ = mode; }
  void say(const std::string& bytes);  // to everybody who is connected
  void close();
  [[nodiscard]] int accepted() const { return accepted_; }

 private:
  void serve();
  void answer(Descriptor& client, std::string& kept);

  Descriptor listener_;
  Descriptor wake_;
  std::string address_;
  std::atomic<Mode> mode_{Mode::echo};
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::vector<std::pair<Descriptor, std::string>> clients_;
  std::thread thread_;
};

// Looks again and again, for at most ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    poll(nullptr, 0, 5);
  }
  return false;
}

inline Peer Peer::to(const std::string& address) {
  const auto where = resolve_address(address);
  Peer peer(socket(where->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(peer.socket_.get(), where->get(), where->size), 0) << address;
  return peer;
}

inline Peer Peer::to_unix(const std::string& path) {
  const auto where = unix_address(path);
  Peer peer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(peer.socket_.get(), where->get(), where->size()), 0) << path;
  return peer;
}

inline Peer Peer::accepted_by(const Descriptor& listener) {
  pollfd wait{listener.get(), POLLIN, 0};
  EXPECT_EQ(poll(&wait, 1, 10000), 1) << "nobody came";
  return Peer(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

inline std::string Peer::receive_once() const {
  std::string block(1 << 16, '\0');
  if (!readable(std::chrono::seconds(10))) return "";
  const ssize_t got = recv(socket_.get(), block.data(), block.size(), 0);
  return block.substr(0, static_cast<std::size_t>(got > 0 ? got : 0));
}

inline bool Peer::is_reset() const {
  char byte = 0;
  return readable(std::chrono::seconds(10)) && recv(socket_.get(), &byte, 1, 0) < 0 &&
         errno == ECONNRESET;
}

inline std::size_t Peer::send_what_fits(std::size_t most, std::chrono::milliseconds within) const {
  const std::string block(1 << 16, 'x');
  pollfd wait{socket_.get(), POLLOUT, 0};
  std::size_t sent = 0;
  while (sent < most && poll(&wait, 1, static_cast<int>(within.count())) > 0) {
    const ssize_t once =
        ::send(socket_.get(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (once > 0) sent += static_cast<std::size_t>(once);
  }
  return sent;
}

inline void Peer::send(const std::string& bytes) const {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t once =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    ASSERT_GT(once, 0);
    sent += static_cast<std::size_t>(once);
  }
}

inline void Peer::send_some(const std::string& bytes) const {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t once =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (once <= 0) return;
    sent += static_cast<std::size_t>(once);
  }
}

inline void Peer::close_sending() const { shutdown(socket_.get(), SHUT_WR); }

inline std::string Peer::receive(std::size_t count) const {
  std::string bytes;
  std::vector<char> block(1 << 16);
  while (bytes.size() < count && readable(std::chrono::seconds(10))) {
    const ssize_t got =
        recv(socket_.get(), block.data(), std::min(block.size(), count - bytes.size()), 0);
    if (got <= 0) break;
    bytes.append(block.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

inline std::string Peer::receive_all() {
  std::string bytes;
  char block[4096];
  while (readable(std::chrono::seconds(10))) {
    const ssize_t got = recv(socket_.get(), block, sizeof block, 0);
    in_order_ = got == 0;
    if (got <= 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(got));
  }
  ADD_FAILURE() << "no end came";
  return bytes;
}

inline bool Peer::readable(std::chrono::milliseconds within) const {
  pollfd wait{socket_.get(), POLLIN, 0};
  return poll(&wait, 1, static_cast<int>(within.count())) > 0;
}

inline Echo::Echo()
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      wake_(eventfd(0, EFD_CLOEXEC)) {
  const auto any = resolve_address("127.0.0.1:0");
  EXPECT_EQ(bind(listener_.get(), any->get(), any->size), 0);
  EXPECT_EQ(listen(listener_.get(), 1024), 0);
  address_ = bound_address(listener_.get());
  thread_ = std::thread([this] { serve(); });
}

inline Echo::~Echo() { close(); }

inline void Echo::close() {
  if (!thread_.joinable()) return;
  eventfd_write(wake_.get(), 1);
  thread_.join();
  listener_.reset();
  clients_.clear();
}

inline void Echo::say(const std::string& bytes) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [client, kept] : clients_) {
    if (client) ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
}

inline void Echo::serve() {
  while (true) {
    std::vector<pollfd> waits{{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const auto& [client, kept] : clients_) waits.push_back({client.get(), POLLIN, 0});
    poll(waits.data(), waits.size(), -1);
    if (waits[0].revents != 0) return;
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 2; i < waits.size(); ++i) {
      if (waits[i].revents != 0) answer(clients_[i - 2].first, clients_[i - 2].second);
    }
    std::erase_if(clients_, [](const auto& entry) { return !entry.first; });
    while (true) {
      Descriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) break;
      ++accepted_;
      if (mode_ == Mode::reset_soon) {
        const linger at_once{1, 0};
        setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        poll(nullptr, 0, 20);
        continue;
      }
      clients_.emplace_back(std::move(client), "");
    }
  }
}

inline void Echo::answer(Descriptor& client, std::string& kept) {
  std::vector<char> block(1 << 16);
  const ssize_t got = recv(client.get(), block.data(), block.size(), 0);
  const auto size = static_cast<std::size_t>(got > 0 ? got : 0);
  const Mode mode = mode_;
  if (mode == Mode::answer_at_end && got > 0) {
    kept.append(block.data(), size);
    return;
  }
  if (mode == Mode::answer_at_end) ::send(client.get(), kept.data(), kept.size(), MSG_NOSIGNAL);
  if (mode == Mode::reset_after_one) {
    const linger at_once{1, 0};
    setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  } else if (got > 0) {
    for (std::size_t sent = 0; sent < size;) {
      const ssize_t once = ::send(client.get(), block.data() + sent, size - sent, MSG_NOSIGNAL);
      if (once <= 0) break;
      sent += static_cast<std::size_t>(once);
    }
    if (mode != Mode::close_after_one) return;
  }
  client.reset();
}

}  // namespace gameday
