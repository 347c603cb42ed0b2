// A probe on real doors, asked as a playbook writes it, and peers on loopback for it to ask.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <string>
#include <thread>

#include "engine/playbook/load_playbook.h"
#include "tests/drills/deed_world.h"

namespace gameday {

extern const FacetRow container_facet;
extern const FacetRow http_facet;
extern const FacetRow postgres_facet;
extern const FacetRow process_facet;
extern const FacetRow queue_facet;
extern const FacetRow rabbitmq_facet;
extern const FacetRow redis_facet;
extern const FacetRow s3_facet;
extern const FacetRow ssh_facet;

// A socket on a free port of loopback. `listens`: a TCP socket that accepts.
class LoopbackSocket {
 public:
  explicit LoopbackSocket(int type, bool listens = true)
      : socket_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), generic, length), 0);
    if (type == SOCK_STREAM && listens) {
      EXPECT_EQ(listen(socket_.get(), 16), 0);
    }
    EXPECT_EQ(getsockname(socket_.get(), generic, &length), 0);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] int get() const { return socket_.get(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  Descriptor socket_;
  int port_ = 0;
};

// Hands each connection to `serve`, on a thread of its own; its end ends them all.
class TestServer {
 public:
  using Serve = std::function<void(int connection, const std::stop_token& stop)>;
  explicit TestServer(Serve serve) : serve_(std::move(serve)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { accept_until(stop); });
  }
  [[nodiscard]] std::string address() const { return listener_.address(); }
  [[nodiscard]] int port() const { return listener_.port(); }
  [[nodiscard]] std::string url() const { return "http://" + address(); }

  // What has come within 5 s, or "" at its end.
  static std::string received(int connection, const std::stop_token& stop) {
    for (int tries = 0; tries < 1000 && !stop.stop_requested(); ++tries) {
      pollfd wait{connection, POLLIN, 0};
      if (poll(&wait, 1, 5) <= 0) continue;
      std::array<char, 16384> bytes{};
      const ssize_t got = recv(connection, bytes.data(), bytes.size(), 0);
      return got <= 0 ? "" : std::string(bytes.data(), static_cast<std::size_t>(got));
    }
    return "";
  }
  // False: nobody is listening any more.
  static bool give(int connection, std::string_view bytes, const std::stop_token& stop) {
    while (!bytes.empty() && !stop.stop_requested()) {
      pollfd wait{connection, POLLOUT, 0};
      if (poll(&wait, 1, 5) <= 0) continue;
      const ssize_t sent =
          send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return bytes.empty();
  }
  // Says nothing, whatever comes, until the peer is gone.
  static void keep(int connection, const std::stop_token& stop) {
    while (!received(connection, stop).empty()) continue;
  }

 private:
  void accept_until(const std::stop_token& stop) {
    std::list<std::jthread> served;
    while (!stop.stop_requested()) {
      pollfd wait{listener_.get(), POLLIN, 0};
      if (poll(&wait, 1, 5) <= 0) continue;
      const int connection = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      served.emplace_back([this, connection](const std::stop_token& end) {
        const Descriptor owned(connection);
        serve_(connection, end);
      });
    }
  }

  Serve serve_;
  LoopbackSocket listener_{SOCK_STREAM};
  std::jthread thread_;
};

// Gives every request the same bytes and ends the connection; with none, it says nothing.
class AnswerServer : public TestServer {
 public:
  explicit AnswerServer(std::string answer)
      : TestServer([answer = std::move(answer)](int connection, const std::stop_token& stop) {
          if (received(connection, stop).empty()) return;
          give(connection, answer, stop);
          if (answer.empty()) keep(connection, stop);
        }) {}
};

inline std::string http_answer(int status, const std::string& body,
                               const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class ProbeTest : public testing::Test {
 protected:
  explicit ProbeTest(const ProbeRow& row) : row_(row) {}

  LoadedPlaybook loaded(const std::string& probe) const {
    static const std::array<const FacetRow*, 9> facets{
        &container_facet, &http_facet,  &postgres_facet, &process_facet, &queue_facet,
        &rabbitmq_facet,  &redis_facet, &s3_facet,       &ssh_facet};
    const std::array<const ProbeRow*, 1> rows{&row_};
    return decode_playbook(world_.file("p.yaml"),
                           "gameday: 1\nname: probes\nsystem:\n" + system_ +
                               "probes:\n  asked: " + probe + "\ntimeline: [ { wait: 1s } ]\n",
                           {}, {facets, {}, {}, {}, rows});
  }
  // One attempt as the runner makes it; of what is decoded already, and of what a playbook says.
  Answer attempt(const Json& arguments, Duration patience = std::chrono::seconds(10)) {
    world_.set_until({stop_.stop(), world_.clock().in(patience)});
    return asked(row_, arguments, world_.context());
  }
  Answer ask(const std::string& probe, Duration patience = std::chrono::seconds(10)) {
    const auto playbook = loaded(probe);
    EXPECT_TRUE(playbook.playbook) << rendered("p.yaml", playbook.source, playbook.problems);
    if (!playbook.playbook) return {};
    world_.system() = playbook.playbook->system;
    return attempt(playbook.playbook->probes.front().arguments, patience);
  }
  // The first thing that is wrong with the playbook, with its place; "" if nothing is.
  std::string problem(const std::string& probe) const {
    const auto playbook = loaded(probe);
    for (const auto& found : playbook.problems.sorted()) {
      if (found.severity == Severity::error) return found.text;
    }
    return "";
  }
  void expect_good(const std::string& probe) {
    const auto answer = ask(probe);
    EXPECT_TRUE(answer.ok) << probe << ": " << answer.text;
  }
  // Not ok, and told so.
  static void expect_no(const Answer& answer, const std::string& text) {
    EXPECT_FALSE(answer.ok);
    EXPECT_EQ(answer.text, text);
  }
  void expect_no(const std::string& probe, const std::string& text) {
    SCOPED_TRACE(probe);
    expect_no(ask(probe), text);
  }
  void expect_no_with(const std::string& probe, const std::string& part) {
    const auto answer = ask(probe);
    EXPECT_FALSE(answer.ok) << probe;
    EXPECT_TRUE(answer.text.contains(part)) << answer.text;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(world_.file(name)) << text;
  }
  // How long an attempt goes on after a stop that comes when it has waited for 50 ms.
  Duration after_stop(const std::function<Answer(Duration patience)>& work) {
    Instant stopped{};
    std::jthread stopper([&] {
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(50))});
      stopped = world_.clock().now().boot;
      stop_.request();
    });
    EXPECT_FALSE(work(std::chrono::seconds(30)).ok);
    const Instant ended = world_.clock().now().boot;
    stopper.join();
    stop_ = StopSource();
    EXPECT_GT(ended, stopped) << "it did not wait";
    return ended - stopped;
  }
  Duration after_stop(const std::string& probe) {
    return after_stop([&](Duration patience) { return ask(probe, patience); });
  }
  Duration after_stop(const Json& arguments) {
    return after_stop([&](Duration patience) { return attempt(arguments, patience); });
  }

  const ProbeRow& row_;
  DeedWorld world_;
  Secrets& secrets_ = world_.secrets();
  StopSource stop_;
  std::string system_ = "  front: { http: \"http://127.0.0.1:1\" }\n";
};

}  // namespace gameday
