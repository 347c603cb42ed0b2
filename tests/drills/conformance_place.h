// What a row of the conformance suite is tried on: a target, and a peer that never answers.
#pragma once

#include <set>
#include <string>

#include "tests/drills/deed_world.h"
#include "tests/drills/silent_peer.h"

namespace gameday {

// One real target. In a playbook it has the name that the rows' examples give it.
class TargetPlace {
 public:
  virtual ~TargetPlace() = default;
  // What stands in the playbook for it: what is not there keeps the plain one.
  [[nodiscard]] virtual std::string pidfile() const { return "west.pid"; }
  [[nodiscard]] virtual std::string database() const { return "store.db"; }
  [[nodiscard]] virtual std::string queue() const { return "http://127.0.0.1:1/orders"; }
  [[nodiscard]] virtual std::string postgres() const { return "host=127.0.0.1 port=4 dbname=no"; }
  [[nodiscard]] virtual std::string standby() const { return postgres(); }
  // What else stands in the playbook for that target.
  [[nodiscard]] virtual std::string postgres_data() const { return ""; }
  // Of a queue of RabbitMQ: its facet as JSON, and the same where nobody ever answers.
  [[nodiscard]] virtual std::string rabbitmq() const {
    return R"({"url": "amqp://127.0.0.1:1", "queue": "q", "management": "http://127.0.0.1:1"})";
  }
  [[nodiscard]] virtual std::string silent_rabbitmq() const { return rabbitmq(); }
  [[nodiscard]] virtual std::string redis() const { return "\"127.0.0.1:1\""; }
  [[nodiscard]] virtual std::string s3() const {
    return R"({"endpoint": "http://127.0.0.1:1", "bucket": "none"})";
  }
  [[nodiscard]] virtual std::string link() const {
    return R"({ listen: "127.0.0.1:2", to: "127.0.0.1:3", region: eu-west })";
  }
  [[nodiscard]] virtual std::string ssh() const { return "no-such"; }
  [[nodiscard]] virtual std::string container() const { return "no-such"; }
  // The row's example, aimed at this target where its fields give an address.
  [[nodiscard]] virtual std::string aimed(std::string example) const { return example; }
  [[nodiscard]] virtual std::string netns() const { return "own"; }
  // Everything that a user of the target could see: equal before and after, nothing was touched.
  [[nodiscard]] virtual std::string seen() = 0;
  // Whatever comes back may be another instance: `seen` without what tells instances apart.
  [[nodiscard]] virtual std::string content() { return seen(); }
  // From now on whoever is asked for this target takes the question and never answers.
  virtual void fall_silent() {}
  // The same undo aimed at a peer that never answers; as it is where nobody is asked.
  [[nodiscard]] virtual Undo silenced(Undo undo) { return undo; }
};

}  // namespace gameday
