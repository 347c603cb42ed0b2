// A container on a real engine, as a target of the conformance suite.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
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
  ContainerPlace(DeedWorld& world, std::string_view fault)
      : world_(world),
        network_("network", "--subnet " + address(fault, 0) + "/26"),
        box_(made(fault)) {}
  // What is held up must have something to do.
  static std::string work_for(std::string_view fault) {
    if (fault == "limit-cpu") return kBusy;
    if (fault == "oom-kill") return kGrows;
    return fault == "limit-container" ? kTalks : "";
  }
  std::string container() const override { return box_.name(); }
  std::string seen() override {
    std::string instance;
    const std::string all = looked_at(instance);
    return all + " " + instance;
  }
  std::string content() override {
    std::string instance;
    return looked_at(instance);
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
  // What stays the same in another instance of it, which `instance` tells from others. The engine
  // is asked once: each question starts a program.
  std::string looked_at(std::string& instance) const {
    const auto parts = split(
        box_.is("{{.State.Pid}}|{{range .Mounts}}{{.Name}}:{{.Destination}} {{end}}|"
                "{{.Id}} {{.State.StartedAt}} {{.Created}}|"
                "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.Config.Env}} "
                "{{range $name, $on := .NetworkSettings.Networks}}{{$name}} {{$on.IPAddress}} "
                "{{$on.IPAMConfig}} {{len $on.Aliases}}{{end}}"),
        '|');
    if (parts.size() < 4) return "no such container";
    const std::string& pid = parts[0];
    instance = parts[2];
    std::string all = parts[3] + quota_of(pid) + memory_limits_of(pid) + " " +
                      told("ls -A /proc/" + pid + "/root/data; sed -n '/open files/p' /proc/" +
                               pid + "/limits; nsenter --net=/proc/" + pid +
                               "/ns/net sh -c 'iptables -S; ip6tables -S; tc qdisc show'",
                           true);
    // The engine tells mounts in any order.
    auto mounts = split(parts[1], ' ');
    std::ranges::sort(mounts);
    all += " " + join(mounts, " ");
    for (const auto& entry : std::filesystem::directory_iterator(world_.private_folder())) {
      if (entry.path().extension() == ".lease") all += " a lease";
    }
    return all;
  }
  // Those with other work have other addresses, as several may be there at once.
  static std::string address(std::string_view fault, int number) {
    const std::string work = work_for(fault);
    const int quarter = work == kBusy ? 1 : work == kGrows ? 2 : work == kTalks ? 3 : 0;
    return own_addresses() + std::to_string(64 * quarter + number);
  }
  [[nodiscard]] TestContainer made(std::string_view fault) const {
    return TestContainer("--restart unless-stopped --network-alias box --network " +
                             network_.name() + " --ip " + address(fault, 9) + " --volume " +
                             volume_.name() + ":/data --volume /more --env PLACE=conformance",
                         work_for(fault));
  }

  DeedWorld& world_;
  const TestPart network_;
  const TestPart volume_{"volume"};
  const TestContainer box_;
  SilentPeer silent_;
  std::optional<OtherHost> other_;
};

}  // namespace gameday
