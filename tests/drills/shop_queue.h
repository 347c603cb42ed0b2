// The sample system's queue, running for one test.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "drills/systems/queue.h"
#include "engine/proxy/address.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

class ShopQueue {
 public:
  explicit ShopQueue(DeedWorld& world) : world_(world) {
    const std::string port = free_port();
    url_ = "http://127.0.0.1:" + port + "/orders";
    const std::string folder = world.file("queue");
    std::filesystem::create_directories(folder);
    start({GAMEDAY_BIN_DIR "/shop-queue", "--db", folder + "/queue.db", "--retain", "20", "--name",
           "queue", "--run", folder, "--port", port});
    EXPECT_TRUE(eventually([&] { return ask("PUT", "").has_value(); }));
  }
  ~ShopQueue() { end(); }
  ShopQueue(const ShopQueue&) = delete;
  ShopQueue& operator=(const ShopQueue&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  Result<Json> ask(const std::string& method, const std::string& path,
                   std::optional<Json> body = {}) {
    return ask_queue(url_, {.method = method, .path = path, .body = std::move(body)},
                     world_.context());
  }
  void publish(const std::vector<std::string>& keys) {
    Json messages = Json::array();
    for (const auto& key : keys) {
      messages.push(Json::object({{"key", key}, {"item", "book"}, {"sum", "s-" + key}}));
    }
    ASSERT_TRUE(ask("POST", "/publish", Json::object({{"messages", messages}})));
  }
  // The keys in the queue, in order.
  std::vector<std::string> keys() {
    std::vector<std::string> found;
    const auto answer = ask("GET", "/messages");
    if (!answer) return {answer.error().text};
    for (const Json& message : answer->items("messages")) found.push_back(message.text("key"));
    return found;
  }
  // As a consumer that takes what it can get: the keys in the order of their delivery.
  std::vector<std::string> consume_all() {
    std::vector<std::string> got;
    const auto leased = ask("POST", "/lease", Json::object({{"max", 1000}}));
    if (!leased) return {leased.error().text};
    Json leases = Json::array();
    for (const Json& message : leased->items("messages")) {
      got.push_back(message.text("key"));
      leases.push(message.get("lease"));
    }
    EXPECT_TRUE(ask("POST", "/ack", Json::object({{"leases", leases}})));
    return got;
  }
  // Takes one message and confirms it.
  void consume_one() {
    const auto leased = ask("POST", "/lease", Json::object({{"max", 1}}));
    ASSERT_TRUE(leased);
    ASSERT_EQ(leased->items("messages").size(), 1u);
    Json leases = Json::array();
    leases.push(leased->items("messages")[0].get("lease"));
    ASSERT_TRUE(ask("POST", "/ack", Json::object({{"leases", leases}})));
  }
  void end() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  static std::string free_port() {
    const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = resolve_address("127.0.0.1:0");
    EXPECT_EQ(bind(probe.get(), any->get(), any->size), 0);
    return std::to_string(parse_host_port(bound_address(probe.get()))->port);
  }
  void start(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&process_, argv[0], nullptr, nullptr, argv.data(), environ), 0)
        << "the target shop-queue must be built";
  }

  DeedWorld& world_;
  std::string url_;
  pid_t process_ = 0;
};

}  // namespace gameday
