// A real HTTP server on a loopback port that keeps orders and can misbehave as servers do. One
// thread, so a stall stops all of it at once. Built without anything of the engine's HTTP.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/json.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"

namespace gameday {

enum class Manner {
  answer,
  silent,       // reads the request and never answers
  reset,        // reads the request and resets the connection
  reset_later,  // answers the first request of a connection and resets at the second
  unavailable,  // 503
  slow          // answers 300 ms later
};

class OrderServer {
 public:
  struct Seen {
    std::string method, target, head, body;
    Instant answered;  // when its answer was written, where one was
  };

  OrderServer() {
    listener_ = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ok_ = bind(listener_.get(), generic, length) == 0 && listen(listener_.get(), 4096) == 0 &&
          getsockname(listener_.get(), generic, &length) == 0;
    port_ = ntohs(address.sin_port);
    epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
    stop_ = Descriptor(eventfd(0, EFD_CLOEXEC));
    watch(listener_.get());
    watch(stop_.get());
    thread_ = std::thread([this] { run(); });
  }
  ~OrderServer() {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void behave(Manner manner) { manner_ = manner; }
  // Stops everything once for `length`, when request `number` (from 0) has come.
  void stall_at(int number, Duration length) {
    stall_length_ = length.count();
    stall_at_ = number;
  }
  void unavailable_for(int requests) { unavailable_left_ = requests; }
  void list_digests(bool shown) { list_digests_ = shown; }

  std::vector<Seen> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return seen_.size();
  }
  void lose(const std::string& key) {
    const std::lock_guard lock(mutex_);
    orders_.erase(key);
  }
  void put(const std::string& key, const std::string& sum) {
    const std::lock_guard lock(mutex_);
    orders_[key] = sum;
  }
  [[nodiscard]] bool connected() const { return open_ > 0; }

 private:
  struct Connection {
    std::string input;
    int requests = 0;
    std::uint64_t number = 0;  // tells it from a later one with the same descriptor
  };
  struct Late {
    Instant at;
    int descriptor;
    std::uint64_t number;
    std::string bytes;
  };

  void watch(int descriptor) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event);
  }

  void run() {
    if (!ok_) return;
    std::array<epoll_event, 256> events;
    while (true) {
      const Instant next = late_.empty() ? clock_.in(std::chrono::seconds(1)) : late_.front().at;
      const int count =
          epoll_wait(epoll_.get(), events.data(), 256, poll_milliseconds(clock_.now().boot, next));
      for (int i = 0; i < count; ++i) {
        const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
        if (descriptor == stop_.get()) return;
        descriptor == listener_.get() ? accept_all() : receive(descriptor);
      }
      while (!late_.empty() && late_.front().at <= clock_.now().boot) {
        const Late& late = late_.front();
        const auto found = connections_.find(late.descriptor);
        if (found != connections_.end() && found->second.second.number == late.number) {
          reply(late.descriptor, late.bytes);
        }
        late_.pop_front();
      }
    }
  }

  void accept_all() {
    while (true) {
      Descriptor peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!peer) return;
      const int number = peer.get();
      watch(number);
      connections_[number] = std::pair(std::move(peer), Connection{"", 0, ++numbered_});
      open_ = static_cast<int>(connections_.size());
    }
  }

  void drop(int descriptor, bool reset) {
    if (reset) {
      const linger now{1, 0};
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    connections_.erase(descriptor);
    open_ = static_cast<int>(connections_.size());
  }

  void receive(int descriptor) {
    char block[16384];
    const ssize_t got = recv(descriptor, block, sizeof block, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(descriptor, false);
    auto& connection = connections_.at(descriptor).second;
    connection.input.append(block, static_cast<std::size_t>(got));
    const auto head_end = connection.input.find("\r\n\r\n");
    if (head_end == std::string::npos) return;
    const std::string head = connection.input.substr(0, head_end);
    std::size_t length = 0;
    if (const auto at = head.find("Content-Length: "); at != std::string::npos) {
      length = std::stoul(head.substr(at + 16));
    }
    if (connection.input.size() < head_end + 4 + length) return;
    Seen request;
    request.head = head;
    request.method = head.substr(0, head.find(' '));
    const auto target = head.find(' ') + 1;
    request.target = head.substr(target, head.find(' ', target) - target);
    request.body = connection.input.substr(head_end + 4, length);
    connection.input.clear();
    serve(descriptor, connection, request);
  }

  void serve(int descriptor, Connection& connection, const Seen& request) {
    std::string answer;
    int number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = static_cast<int>(seen_.size());
      seen_.push_back(request);
      const Manner manner = manner_;
      if (manner == Manner::unavailable || unavailable_left_-- > 0) {
        answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
      } else {
        answer = answer_to(request);
      }
    }
    if (number == stall_at_) {
      const Until until{Stop(), clock_.in(Duration(stall_length_.load()))};
      (void)clock_.sleep(until);
    }
    const bool second = ++connection.requests > 1;
    switch (manner_.load()) {
      case Manner::silent: return;
      case Manner::reset: return drop(descriptor, true);
      case Manner::reset_later:
        if (second) return drop(descriptor, true);
        break;
      case Manner::slow:
        late_.push_back(
            {clock_.in(std::chrono::milliseconds(300)), descriptor, connection.number, answer});
        return;
      default: break;
    }
    {
      const std::lock_guard lock(mutex_);
      seen_[static_cast<std::size_t>(number)].answered = clock_.now().boot;
    }
    reply(descriptor, answer);
  }

  static void reply(int descriptor, const std::string& bytes) {
    (void)!::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  std::string answer_to(const Seen& request) {
    const auto made = [](const char* status, const std::string& body) {
      return std::string("HTTP/1.1 ") + status +
             "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    };
    constexpr std::string_view kOrders = "/orders/";
    if (request.target.starts_with("/orders?")) return made("200 OK", listed().dump());
    if (!request.target.starts_with(kOrders)) return made("404 Not Found", "");
    const std::string key = request.target.substr(kOrders.size());
    if (request.method == "PUT") {
      const auto body = Json::parse(request.body);
      orders_[key] = body ? body->text("sum") : "";
      return made("201 Created", "{}");
    }
    const auto found = orders_.find(key);
    if (found == orders_.end()) return made("404 Not Found", "none");
    return made("200 OK", Json::object({{"key", key}, {"sum", found->second}}).dump());
  }

  Json listed() const {
    Json rows = Json::array();
    for (const auto& [key, sum] : orders_) {
      Json row = Json::object({{"key", key}});
      if (list_digests_) row.set("sum", sum);
      rows.push(row);
    }
    return Json::object({{"count", orders_.size()}, {"orders", rows}});
  }

  SystemClock clock_;
  Descriptor listener_, epoll_, stop_;
  bool ok_ = false;
  int port_ = 0;
  std::atomic<Manner> manner_{Manner::answer};
  std::atomic<int> stall_at_{-1};
  std::atomic<Duration::rep> stall_length_{0};
  std::atomic<int> unavailable_left_{0};
  std::atomic<bool> list_digests_{true};
  std::atomic<int> open_{0};
  std::map<int, std::pair<Descriptor, Connection>> connections_;
  std::deque<Late> late_;  // in order of time: all are as late
  std::uint64_t numbered_ = 0;
  std::mutex mutex_;
  std::vector<Seen> seen_;
  std::map<std::string, std::string> orders_;
  std::thread thread_;
};

}  // namespace gameday
