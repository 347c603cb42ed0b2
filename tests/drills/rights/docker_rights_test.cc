// What a container's faults need, as a user who is not root: to speak to the engine, whose socket
// is for a group, and what a container's network, volume or process takes on this machine. Whoever
// may speak to an engine could be root by it; gameday does not go that way.
#include <sys/stat.h>

#include <map>

#include "tests/drills/container_use.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"

namespace gameday {
namespace {

constexpr const char* kSpeaks =
    "to speak to the Docker engine: be root, or in the group of its socket";
constexpr const char* kHere = "to speak to the Docker engine of this machine";
constexpr const char* kInside = "CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_SYS_PTRACE";
const std::vector<RowNeeds> kNeeds = {
    {"block-container", {kHere, "iptables and ip6tables", kInside}},
    {"delay-container", {kHere, "tc", kInside}},
    {"exhaust-inodes-container", {kHere, "have CAP_SYS_PTRACE", "have CAP_DAC_OVERRIDE"}},
    {"fill-disk-container", {kHere, "have CAP_SYS_PTRACE", "have CAP_DAC_OVERRIDE"}},
    {"kill-container", {kSpeaks}},
    {"limit-container", {kHere, "tc", kInside}},
    {"limit-cpu", {kSpeaks}},
    {"limit-descriptors-container",
     {kHere, "be its user, in its group", "CAP_SYS_RESOURCE and CAP_DAC_READ_SEARCH"}},
    {"limit-memory", {kSpeaks}},
    {"loss-container", {kHere, "iptables and ip6tables", kInside}},
    {"oom-kill", {kSpeaks}},
    {"pause-container", {kSpeaks}},
    {"recreate-container", {kSpeaks}},
    {"reset-container", {kHere, "iptables and ip6tables", kInside}},
    {"restart-loop", {kSpeaks}},
    {"stop-container", {kSpeaks}},
};

// Takes half a MB more again and again, and all the processor time that it gets.
const std::string kLeaks =
    "busybox sh -c '(while :; do :; done) & (while :; do busybox head -c 500000 /dev/zero; "
    "busybox sleep 0.1; done) | busybox tail -c 400000000'";

// Those that want the engine alone.
const std::vector<std::pair<std::string, std::string>> kByTheEngine = {
    {"kill-container", "target: plain"},
    {"stop-container", "target: plain, grace: 100ms"},
    {"pause-container", "target: plain"},
    {"restart-loop", "target: plain, every: 1s"},
    {"limit-memory", "target: plain, leave: 8MiB"},
    {"recreate-container", "target: plain"},
    {"limit-cpu", "target: leaks, leave: 5%"},
    {"oom-kill", "target: leaks, leave: 8MiB"},
};
// Those that want capabilities, all of them.
struct Capable {
  std::string fault, fields;
  std::vector<std::pair<int, std::string>> needed;
};
const std::vector<std::pair<int, std::string>> kInNetworks = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                                              {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
                                                              {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}};
const std::vector<Capable> kByCapabilities = {
    {"block-container", "target: plain", kInNetworks},
    {"loss-container", "target: plain, share: 30%", kInNetworks},
    {"reset-container", "target: plain", kInNetworks},
    {"limit-container", "target: talks, bytes_per_second: 32KiB", kInNetworks},
    {"fill-disk-container",
     "target: plain, path: /data, size: 4MiB",
     {{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}, {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"}}},
    {"exhaust-inodes-container",
     "target: plain, path: /data, count: 50",
     {{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}, {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"}}},
};

class RightsOnDocker : public testing::Test {
 protected:
  RightsOnDocker() {
    std::string pattern = "/tmp/gameday-bind-XXXXXX";
    theirs_ = mkdtemp(pattern.data());
    EXPECT_EQ(chown(theirs_.c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(chmod(socket().c_str(), 0660), 0);
    EXPECT_EQ(stat(socket().c_str(), &door_), 0);
    // Where this machine has no group for it, the engine has left it to that of root, which is for
    // more than this.
    if (door_.st_gid == 0) {
      EXPECT_EQ(chown(socket().c_str(), 0, kDoor), 0);
    }
  }
  ~RightsOnDocker() override {
    if (door_.st_gid == 0) {
      EXPECT_EQ(chown(socket().c_str(), 0, 0), 0);
    }
    std::filesystem::remove_all(theirs_);
  }
  static std::string socket() {
    return TestEngine::host().substr(std::string_view("unix://").size());
  }
  [[nodiscard]] std::vector<gid_t> in_its_group() const {
    return {door_.st_gid == 0 ? kDoor : door_.st_gid};
  }
  // One step, as whoever this process is now.
  void expect(const std::string& fault, const std::string& fields, const std::string& missed = "") {
    SCOPED_TRACE(fault + (missed.empty() ? "" : " without " + missed));
    DeedWorld world;
    std::string system;
    for (const auto& [name, box] : boxes_) {
      system += "  " + name + ": { container: " + box.name() + " }\n";
    }
    RightsCase one(world, system, "  - { fault: " + fault + ", " + fields + ", for: 1s }\n");
    missed.empty() ? one.expect_works() : one.expect_missed(missed);
  }
  // And whoever only looks.
  void expect_probes(const std::string& missed = "") {
    DeedWorld world;
    world.add_target("plain", "container", Json::object({{"name", boxes_.at("plain").name()}}));
    const Json memory = Json::object({{"memory_at_most", "1GiB"}});
    const Json used = Json::object({{"used_at_most", "100%"}});
    const std::vector<std::pair<std::string, Json>> asked{
        {"container", Json::object({{"name", "plain"}, {"expect", memory}})},
        {"disk", Json::object({{"path", "/data"}, {"on", "plain"}, {"expect", used}})}};
    for (const auto& [probe, arguments] : asked) {
      SCOPED_TRACE(probe + (missed.empty() ? "" : " without " + missed));
      const Answer answer = all_rows().probe(probe)->ask(arguments, world.context());
      EXPECT_EQ(answer.ok, missed.empty()) << answer.text;
      EXPECT_TRUE(answer.text.contains(missed)) << answer.text;
    }
  }
  void make(const std::string& name, const std::string& options, const std::string& command = "") {
    boxes_.try_emplace(name, options, command);
  }
  // Without each of its capabilities it is missed by name.
  void expect_each_missed(const Capable& one) {
    for (const auto& [number, name] : one.needed) {
      as_user(kNobody, in_its_group(), without(all_of(one), number),
              [&] { expect(one.fault, one.fields, name); });
    }
  }
  void expect_enough(const Capable& one) {
    as_user(kNobody, in_its_group(), all_of(one), [&] { expect(one.fault, one.fields); });
  }
  static std::vector<int> all_of(const Capable& one) {
    std::vector<int> all;
    for (const auto& [number, name] : one.needed) all.push_back(number);
    return all;
  }
  // All that their engine says of them.
  [[nodiscard]] std::string seen() const {
    std::string all;
    for (const auto& [name, box] : boxes_) all += docker("inspect " + box.name());
    return all;
  }

  static constexpr gid_t kDoor = 23456;

  struct stat door_{};
  std::string theirs_;
  std::map<std::string, TestContainer> boxes_;
};

// One case of all of them: containers and an engine take their time.
TEST_F(RightsOnDocker, AreEnoughAndEachIsMissed) {
  make("plain", "--restart unless-stopped --volume /data");
  make("leaks", "--memory 512m", kLeaks);
  make("talks", "", kTalks);
  const std::string before = seen();
  as_user(kNobody, {}, [&] {
    const std::string door = "its socket is for root and the group";
    for (const auto& [fault, fields] : kByTheEngine) expect(fault, fields, door);
    for (const auto& one : kByCapabilities) expect(one.fault, one.fields, door);
    expect("limit-descriptors-container", "target: plain, leave: 2", door);
    expect_probes(door);
  });
  for (const auto& one : kByCapabilities) expect_each_missed(one);
  EXPECT_EQ(seen(), before);
  for (const auto& one : kByCapabilities) expect_enough(one);
  as_user(kNobody, in_its_group(), [&] {
    expect_probes();
    for (const auto& [fault, fields] : kByTheEngine) expect(fault, fields);
  });
}

// On a kernel that can do it (tests/systems/netem).
using RightsOnNetem = RightsOnDocker;

TEST_F(RightsOnNetem, AreEnoughAndEachIsMissed) {
  make("plain", "");
  const std::string before = seen();
  const Capable delay{"delay-container", "target: plain, latency: 50ms", kInNetworks};
  as_user(kNobody, {},
          [&] { expect(delay.fault, delay.fields, "its socket is for root and the group"); });
  expect_each_missed(delay);
  EXPECT_EQ(seen(), before);
  expect_enough(delay);
}

// A process and a folder of one's own want no capabilities; of another user's process, each of the
// two is missed. Root itself has not CAP_SYS_RESOURCE everywhere: where it has not, that the two
// are enough cannot be tested.
TEST_F(RightsOnDocker, WhatIsOnesOwnWantsNothingBesides) {
  make("own", "--user 65534:65534 --volume " + theirs_ + ":/data");
  as_user(kNobody, in_its_group(), [&] {
    expect("limit-descriptors-container", "target: own, leave: 2");
    expect("fill-disk-container", "target: own, path: /data, size: 4MiB");
    expect("exhaust-inodes-container", "target: own, path: /data, count: 50");
  });
  const std::string limit = "target: own, leave: 2";
  as_user(kSomebodyElse, in_its_group(), {CAP_DAC_READ_SEARCH},
          [&] { expect("limit-descriptors-container", limit, "CAP_SYS_RESOURCE"); });
  as_user(kSomebodyElse, in_its_group(), {CAP_SYS_PTRACE}, [&] {
    expect("fill-disk-container", "target: own, path: /data, size: 4MiB",
           "we may not read and write in " + theirs_);
  });
  if (!can_be_given(CAP_SYS_RESOURCE)) return;
  as_user(kSomebodyElse, in_its_group(), {CAP_SYS_RESOURCE},
          [&] { expect("limit-descriptors-container", limit, "CAP_DAC_READ_SEARCH"); });
  as_user(kSomebodyElse, in_its_group(), {CAP_SYS_RESOURCE, CAP_DAC_READ_SEARCH},
          [&] { expect("limit-descriptors-container", limit); });
}

TEST(DockerRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  expect_told(rows.faults, kNeeds, [](const auto& row) { return row.facet == "container"; });
}

}  // namespace
}  // namespace gameday
