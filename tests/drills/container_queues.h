// The queues of a container's network, as tc shows them: at its own end of its cable, and at the
// other one, which is where the tests' engine is.
#pragma once

#include <map>

#include "tests/drills/container_fixture.h"

namespace gameday {

class ContainerQueuesFixture : public ContainerFixture {
 protected:
  using ContainerFixture::ContainerFixture;

  // Others have theirs beside it.
  [[nodiscard]] std::string queues(const TestContainer& box) const {
    const std::string number =
        told(inside(box) + "ip -o link show type veth | sed -E 's/^[^@]*@if([0-9]+):.*/\\1/'");
    return tc(box, "show") +
           told("dev=$(" + at_engine() + "ip -o link | sed -nE 's/^" + number +
                ": ([^@:]+).*/\\1/p'); " + at_engine() + "tc qdisc show dev $dev");
  }
  [[nodiscard]] std::string own_name(const TestContainer& box) const {
    return told(inside(box) + "ip -o link show type veth | sed -E 's/^[0-9]+: ([^@:]+).*/\\1/'");
  }
  std::string tc(const TestContainer& box, const std::string& words) const {
    return told(inside(box) + "tc qdisc " + words);
  }
  // As it was when it was first asked for: an engine takes its time to say so.
  [[nodiscard]] std::string inside(const TestContainer& box) const {
    auto& pid = pids_[box.id()];
    if (pid.empty()) pid = box.is("{{.State.Pid}}");
    return "nsenter --net=/proc/" + pid + "/ns/net ";
  }
  [[nodiscard]] const std::string& at_engine() const { return at_engine_; }

 private:
  // The tests' own engine lives in a network namespace of its own.
  const std::string at_engine_ =
      "nsenter --net=/proc/" +
      told("cat $(dirname " + TestEngine::host().substr(std::string_view("unix://").size()) +
           ")/docker.pid 2>/dev/null || echo self") +
      "/ns/net ";
  mutable std::map<std::string, std::string> pids_;
};

}  // namespace gameday
