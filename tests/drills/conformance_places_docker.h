// A container on a real engine, as a target of the conformance suite.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <regex>
#include <string>

#include "tests/drills/conformance_place.h"
#include "tests/drills/container_use.h"
#include "tests/drills/docker_fixture.h"
#include "tests/drills/silent_peer.h"

namespace gameday {

// With what has to be put back as it was: a restart policy, a network of its own with an alias and
// a fixed address, a volume that is named and one that is not.
class ContainerPlace : public TargetPlace {
 public:
  ContainerPlace(DeedWorld& world, std::string_view fault) : world_(world), box_(made(fault)) {}
  std::string container() const override { return box_.name(); }
  std::string seen() override {
    return content() + box_.is(" {{.Id}} {{.State.StartedAt}} {{.Created}}");
  }
  std::string content() override {
    std::string all = box_.is(
        "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.Config.Env}} "
        "{{.NetworkSettings.Networks}}{{range .NetworkSettings.Networks}}{{.IPAddress}} "
        "{{len .Aliases}}{{end}}");
    all += quota_of(box_) + memory_limits_of(box_) + " " +
           docker("exec " + box_.name() + " busybox ls -A /data", true) +
           told("sed -n '/open files/p' /proc/" + box_.is("{{.State.Pid}}") + "/limits", true);
    const std::string enter = "nsenter --net=/proc/" + box_.is("{{.State.Pid}}") + "/ns/net ";
    all += told(enter + "iptables -S; " + enter + "ip6tables -S; " + enter + "tc qdisc show", true);
    // The engine tells mounts in any order.
    auto mounts = split(box_.is("{{range .Mounts}}{{.Name}}:{{.Destination}} {{end}}"), ' ');
    std::ranges::sort(mounts);
    all += " " + join(mounts, " ");
    // Maps of pointers print as addresses; what is pointed to follows them.
    all = std::regex_replace(all, std::regex("0x[0-9a-f]+"), "");
    for (const auto& entry : std::filesystem::directory_iterator(world_.private_folder())) {
      if (entry.path().extension() == ".lease") all += " a lease";
    }
    return all;
  }
  void fall_silent() override { setenv("DOCKER_HOST", ("tcp://" + silent_.address()).c_str(), 1); }
  Undo silenced(Undo undo) override {
    const Json endpoint = Json::object({{"host", "tcp://" + silent_.address()}});
    Json several = Json::array();
    for (Json one : undo.arguments.items("containers")) several.push(one.set("endpoint", endpoint));
    if (!several.items().empty()) undo.arguments.set("containers", std::move(several));
    undo.arguments.set("endpoint", endpoint);
    return undo;
  }

 private:
  // What is held up must have something to do.
  [[nodiscard]] TestContainer made(std::string_view fault) const {
    return TestContainer("--restart unless-stopped --network-alias box --network " +
                             network_.name() + " --ip " + own_addresses() + "9 --volume " +
                             volume_.name() + ":/data --volume /more --env PLACE=conformance",
                         fault == "limit-cpu"         ? kBusy
                         : fault == "oom-kill"        ? kGrows
                         : fault == "limit-container" ? kTalks
                                                      : "");
  }

  DeedWorld& world_;
  const TestPart network_{"network", "--subnet " + own_addresses() + "0/24"};
  const TestPart volume_{"volume"};
  const TestContainer box_;
  SilentPeer silent_;
  std::optional<OtherHost> other_;
};

}  // namespace gameday
