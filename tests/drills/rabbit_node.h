// A real RabbitMQ node (tests/support/rabbit_node.py), one for all the tests of a program, each in
// a vhost of its own. Suites that need it have `OnRabbit` in their name, and run in `make
// test-systems`.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "engine/base/digest.h"
#include "engine/base/json.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/http.h"

extern char** environ;

namespace gameday {

class RabbitNode {
 public:
  static RabbitNode& shared() {
    static RabbitNode node;
    return node;
  }
  ~RabbitNode() {
    to_.reset();
    if (process_ > 0) waitpid(process_, nullptr, 0);
  }
  RabbitNode(const RabbitNode&) = delete;
  RabbitNode& operator=(const RabbitNode&) = delete;

  void start() {
    const std::string said = tell("start");
    std::array<char, 16> amqp{}, management{}, amqps{};
    const int read = std::sscanf(said.c_str(), "up %15s %15s %15s", amqp.data(), management.data(),
                                 amqps.data());
    ASSERT_EQ(read, 3) << said;
    amqps_ = amqps.data();
    amqp_ = amqp.data();
    management_ = management.data();
  }
  void kill() { EXPECT_EQ(tell("kill"), "down"); }
  // It takes connections and answers nothing.
  void pause() { EXPECT_EQ(tell("pause"), "paused"); }
  void resume() { EXPECT_EQ(tell("resume"), "resumed"); }

  // For what the server does, or tells, a moment later.
  template <class Shows>
  void wait_until(const Shows& shows) const {
    const Until until{{}, clock_.in(std::chrono::seconds(20))};
    while (!shows() && clock_.pause(std::chrono::milliseconds(50), until)) {
    }
  }
  // Whether its management API is there.
  [[nodiscard]] bool answers() const {
    return http_->send({.url = management()}, {{}, clock_.in(std::chrono::seconds(20))})
        .has_value();
  }
  [[nodiscard]] std::string amqp() const { return "127.0.0.1:" + amqp_; }
  // By TLS, as `localhost`, known by the certificate in `ca`.
  [[nodiscard]] std::string amqps() const { return "localhost:" + amqps_; }
  [[nodiscard]] std::string ca() const { return folder_ + "/node.pem"; }
  [[nodiscard]] std::string control() const { return folder_ + "/ctl"; }
  [[nodiscard]] std::string management() const { return "http://127.0.0.1:" + management_; }

  // As the administrator, through the interface that people use; null where nothing came back.
  Json ask(const std::string& method, const std::string& path, const Json& body = {}) const {
    HttpRequest request{.method = method, .url = management() + "/api" + path};
    request.headers.emplace_back("Authorization", "Basic " + base64("guest:guest"));
    request.headers.emplace_back("Content-Type", "application/json");
    if (!body.is_null()) request.body = body.dump();
    const auto answer = http_->send(request, {{}, clock_.in(std::chrono::seconds(20))});
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().text);
    if (!answer) return {};
    const bool fine = (answer->status >= 200 && answer->status < 300) || answer->status == 404;
    EXPECT_TRUE(fine) << method << " " << path << ": " << answer->status << answer->body;
    return Json::parse(answer->body).value_or(Json());
  }

 private:
  RabbitNode() {
    int to[2], from[2];
    EXPECT_EQ(pipe2(to, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(from, O_CLOEXEC), 0);
    const Descriptor theirs_in(to[0]), theirs_out(from[1]);
    to_ = Descriptor(to[1]);
    from_ = Descriptor(from[0]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs_in.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, theirs_out.get(), 1);
    std::string python = "/usr/bin/python3";
    std::string script = GAMEDAY_SOURCE_DIR "/tests/support/rabbit_node.py";
    char* argv[] = {python.data(), script.data(), folder_.data(), nullptr};
    EXPECT_EQ(posix_spawn(&process_, python.c_str(), &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    start();
  }
  std::string tell(const std::string& word) {
    const std::string line = word + "\n";
    EXPECT_EQ(write(to_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    std::string said;
    char c = 0;
    while (read(from_.get(), &c, 1) == 1 && c != '\n') said += c;
    return said;
  }

  SystemClock clock_;
  std::unique_ptr<Http> http_ = make_curl_http(clock_);
  Descriptor to_, from_;
  pid_t process_ = 0;
  std::string folder_ = "/tmp/gameday-rabbit-" + std::to_string(getpid());
  std::string amqp_, management_, amqps_;
};

// A vhost with the queue `orders`, and a user `gameday` with no more rights than it is given.
class RabbitVhost {
 public:
  static constexpr const char* kPassword = "s3/cr@t:x";

  explicit RabbitVhost(RabbitNode& node = RabbitNode::shared()) : node_(node) {
    static int number = 0;
    name_ = "t/" + std::to_string(getpid()) + "-" + std::to_string(++number);
    node_.ask("PUT", "/vhosts/" + path());
    tag("management");
    allow(".*", ".*", ".*");
    node_.ask("PUT", "/permissions/" + path() + "/guest",
              Json::object({{"configure", ".*"}, {"write", ".*"}, {"read", ".*"}}));
    make("orders");
  }
  ~RabbitVhost() { node_.ask("DELETE", "/vhosts/" + path()); }
  RabbitVhost(const RabbitVhost&) = delete;
  RabbitVhost& operator=(const RabbitVhost&) = delete;

  void tag(const std::string& tag) {
    node_.ask("PUT", "/users/gameday", Json::object({{"password", kPassword}, {"tags", tag}}));
  }
  void allow(const std::string& configure, const std::string& write, const std::string& read) {
    node_.ask("PUT", "/permissions/" + path() + "/gameday",
              Json::object({{"configure", configure}, {"write", write}, {"read", read}}));
  }
  void make(const std::string& queue, const Json& arguments = Json::object(), bool durable = true) {
    node_.ask("PUT", "/queues/" + path() + "/" + queue,
              Json::object({{"durable", durable}, {"arguments", arguments}}));
  }
  void drop(const std::string& queue) { node_.ask("DELETE", "/queues/" + path() + "/" + queue); }
  void publish(const std::string& body, const Json& properties = Json::object(),
               const std::string& exchange = "amq.default", const std::string& key = "orders",
               bool arrives = true) {
    const Json routed = node_.ask("POST", "/exchanges/" + path() + "/" + exchange + "/publish",
                                  Json::object({{"properties", properties},
                                                {"routing_key", key},
                                                {"payload", body},
                                                {"payload_encoding", "string"}}));
    EXPECT_EQ(routed.boolean("routed", false), arrives);
  }
  void bind(const std::string& exchange, const std::string& key, const Json& arguments) {
    node_.ask("POST", "/bindings/" + path() + "/e/" + exchange + "/q/orders",
              Json::object({{"routing_key", key}, {"arguments", arguments}}));
  }
  // What waits, as somebody sees it who takes it and puts it back.
  [[nodiscard]] Json::Array messages(const std::string& queue = "orders") {
    const Json all = node_.ask(
        "POST", "/queues/" + path() + "/" + queue + "/get",
        Json::object({{"count", 100000}, {"ackmode", "ack_requeue_true"}, {"encoding", "auto"}}));
    return all.is_array() ? all.items() : Json::Array{};
  }
  // Their bodies, in order: "a b c"; "no queue" where there is none.
  [[nodiscard]] std::string bodies(const std::string& queue = "orders") {
    if (!exists(queue)) return "no queue";
    std::string all;
    for (const Json& message : messages(queue)) {
      all += (all.empty() ? "" : " ") + message.text("payload");
    }
    return all;
  }
  [[nodiscard]] bool exists(const std::string& queue = "orders") {
    return look(queue).text("name") == queue;
  }
  [[nodiscard]] Json look(const std::string& queue = "orders") {
    return node_.ask("GET", "/queues/" + path() + "/" + queue);
  }
  // Of the queue to others than the exchange that every queue is bound to.
  [[nodiscard]] Json::Array bindings(const std::string& queue = "orders") {
    Json::Array found;
    const Json all = node_.ask("GET", "/queues/" + path() + "/" + queue + "/bindings");
    if (!all.is_array()) return found;
    for (const Json& binding : all.items()) {
      if (!binding.text("source").empty()) found.push_back(binding);
    }
    return found;
  }
  // The names of exchanges that deeds have left.
  [[nodiscard]] std::string marks() {
    std::string all;
    const Json exchanges = node_.ask("GET", "/exchanges/" + path());
    for (const Json& exchange : exchanges.items()) {
      if (exchange.text("name").starts_with("gameday")) all += exchange.text("name") + " ";
    }
    return all;
  }
  // As the administrator: what others do to the queue.
  Json ask(const std::string& method, const std::string& path_in_vhost, const Json& body = {}) {
    return node_.ask(method, path_in_vhost, body);
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string path() const { return percent_encoded(name_); }
  // The user's password is a secret of the environment.
  [[nodiscard]] std::string url(const std::string& password = "${env:RABBIT_PASSWORD}") const {
    setenv("RABBIT_PASSWORD", kPassword, 1);
    return "amqp://gameday:" + password + "@" + node_.amqp() + "/" + path();
  }
  [[nodiscard]] Json facet() const {
    return Json::object({{"url", url()},
                         {"queue", "orders"},
                         {"management", node_.management()},
                         {"control", Json(Json::Array{node_.control()})},
                         {"dead_letters", "dead"}});
  }
  [[nodiscard]] RabbitNode& node() { return node_; }

 private:
  RabbitNode& node_;
  std::string name_;
};

}  // namespace gameday
