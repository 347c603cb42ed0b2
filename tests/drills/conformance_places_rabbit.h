// A queue of a real RabbitMQ server, for the conformance suite; its cases are named OnRabbit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drills/systems/rabbitmq.h"
#include "tests/drills/conformance_place.h"
#include "tests/drills/rabbit_consumer.h"
#include "tests/drills/rabbit_node.h"

namespace gameday {

class RabbitPlace : public TargetPlace {
 public:
  // With `whole` it is the vhost that is the target, with `consumed` whoever consumes from the
  // queue, which then is empty: for both our user needs to be an administrator.
  RabbitPlace(DeedWorld& world, bool whole, bool consumed) : world_(world), consumed_(consumed) {
    // Counted from when the node is up, which may take its time.
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(5))});
    if (whole || consumed) vhost_.tag("administrator");
    vhost_.make("dead");
    vhost_.bind("amq.topic", "order.*", Json::object());
    // A broker that was stopped has them again.
    const Json lasting = Json::object({{"delivery_mode", 2}});
    for (const char* body : {"a", "b", "c"}) {
      if (!consumed) vhost_.publish(body, lasting);
    }
    come_back();
  }
  ~RabbitPlace() override {
    if (!paused_) return;
    vhost_.node().resume();
    // What was injected before the silence nobody has undone, and others share the node.
    if (!vhost_.node().answers()) tell({"start_app"});
    if (!takes_messages()) tell({"set_vm_memory_high_watermark", "0.4"});
  }
  std::string rabbitmq() const override { return vhost_.facet().dump(); }
  std::string silent_rabbitmq() const override { return silent_facet().dump(); }
  std::string seen() override {
    std::string all = content();
    if (!vhost_.node().answers()) return all;
    if (consumer_) all += " consumed by " + consumer_->port();
    all += " " + vhost_.marks();
    const Json looked = vhost_.look();
    for (const char* name : {"durable", "arguments", "type"}) all += looked.get(name).dump();
    return all;
  }
  std::string content() override {
    if (!vhost_.node().answers()) return "nobody answers";
    come_back();
    std::string all = vhost_.bodies() + "/" + vhost_.bodies("dead");
    for (const Json& binding : vhost_.bindings()) all += binding.dump();
    return all + (takes_messages() ? "" : " takes no messages");
  }
  void fall_silent() override {
    vhost_.node().pause();
    paused_ = true;
  }
  Undo silenced(Undo undo) override {
    const Json facet = silent_facet();
    for (const char* name : {"url", "management"}) undo.arguments.set(name, facet.get(name));
    if (undo.arguments.find("control") != nullptr) {
      undo.arguments.set("control", Json(Json::Array{"sh", "-c", "exec sleep 60"}));
    }
    return undo;
  }

 private:
  Json silent_facet() const {
    Json facet = vhost_.facet();
    facet.set("url",
              "amqp://gameday:${env:RABBIT_PASSWORD}@" + silent_.address() + "/" + vhost_.path());
    return facet.set("management", "http://" + silent_.address());
  }

  void tell(const std::vector<std::string>& words) {
    std::vector<std::string> argv = {vhost_.node().control(), "-q"};
    argv.insert(argv.end(), words.begin(), words.end());
    const auto ended = world_.doors().processes.run(
        {argv, "/", {}}, {{}, world_.clock().in(std::chrono::minutes(2))});
    EXPECT_TRUE(ended && ended->succeeded()) << words.front();
  }
  // As a publisher finds it, whose message no queue is there for.
  bool takes_messages() {
    DeedContext context = world_.context();
    context.until = {{}, world_.clock().in(std::chrono::seconds(3))};
    auto connection = open_rabbit(rabbit_queue_from(vhost_.facet()).value(), context);
    if (!connection) return false;
    const AmqpMessage message{"is it read?", "", "", "nobody's"};
    const Status told = connection->channel()->publish(std::span(&message, 1));
    return !told && told.error().code == ErrorCode::conflict;
  }
  // A consumer that is cut off connects anew. The server tells of it a moment later.
  void come_back() {
    if (!consumed_ || (consumer_ && !consumer_->is_cut_off())) return;
    consumer_.emplace(vhost_, world_);
    const std::string port = ":" + consumer_->port() + " ->";
    const auto told = [&] {
      return vhost_.ask("GET", "/consumers/" + vhost_.path()).dump().contains(port);
    };
    vhost_.node().wait_until(told);
  }

  DeedWorld& world_;
  const bool consumed_;
  RabbitVhost vhost_;
  std::optional<RabbitConsumer> consumer_;
  SilentPeer silent_;
  bool paused_ = false;
};

}  // namespace gameday
