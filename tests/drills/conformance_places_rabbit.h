// A queue of a real RabbitMQ server, for the conformance suite; its cases are named OnRabbit.
#pragma once

#include <string>

#include "tests/drills/conformance_place.h"
#include "tests/drills/rabbit_node.h"

namespace gameday {

class RabbitPlace : public TargetPlace {
 public:
  explicit RabbitPlace(DeedWorld&) {
    vhost_.make("dead");
    vhost_.bind("amq.topic", "order.*", Json::object());
    for (const char* body : {"a", "b", "c"}) vhost_.publish(body);
  }
  ~RabbitPlace() override {
    if (paused_) vhost_.node().resume();
  }
  std::string rabbitmq() const override { return vhost_.facet().dump(); }
  std::string silent_rabbitmq() const override { return silent_facet().dump(); }
  std::string seen() override {
    std::string all = content() + " " + vhost_.marks();
    const Json looked = vhost_.look();
    for (const char* name : {"durable", "arguments", "type"}) all += looked.get(name).dump();
    return all;
  }
  std::string content() override {
    std::string all = vhost_.bodies() + "/" + vhost_.bodies("dead");
    for (const Json& binding : vhost_.bindings()) all += binding.dump();
    return all;
  }
  void fall_silent() override {
    vhost_.node().pause();
    paused_ = true;
  }
  Undo silenced(Undo undo) override {
    const Json facet = silent_facet();
    for (const char* name : {"url", "management"}) undo.arguments.set(name, facet.get(name));
    return undo;
  }

 private:
  Json silent_facet() const {
    Json facet = vhost_.facet();
    facet.set("url",
              "amqp://gameday:${env:RABBIT_PASSWORD}@" + silent_.address() + "/" + vhost_.path());
    return facet.set("management", "http://" + silent_.address());
  }

  RabbitVhost vhost_;
  SilentPeer silent_;
  bool paused_ = false;
};

}  // namespace gameday
