// What is done to this machine by a user of it: rules of packets take a capability or two, files
// take that they are ours, and a stressor, a command and a proxy of one's own take nothing.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/drills/link_fixture.h"
#include "tests/drills/netns_fixture.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"
#include "tests/drills/shop_queue.h"

namespace gameday {
namespace {

constexpr const char* kReadAndWrite = "to read and write in the folder";
constexpr const char* kProxies = "the links' proxies";
const std::vector<RowNeeds> kNeeds = {
    {"command", {"what the commands themselves need"}},
    {"dns", {"to read and write the file", "CAP_SYS_ADMIN and CAP_SYS_CHROOT"}},
    {"exhaust", {"none"}},
    {"exhaust-inodes", {kReadAndWrite}},
    {"fill-disk", {kReadAndWrite}},
    {"block", {kProxies, "run as the same user"}},
    {"delay", {kProxies, "run as the same user"}},
    {"limit", {kProxies, "run as the same user"}},
    {"loss-link", {kProxies, "run as the same user"}},
    {"reset", {kProxies, "run as the same user"}},
    {"slice", {kProxies, "run as the same user"}},
};

// A playbook's system is never without a part.
constexpr const char* kNone = "  page: { http: \"http://127.0.0.1:1/\" }\n";
constexpr const char* kLets = "the queue's interface lets this machine";
const std::vector<std::pair<std::string, std::string>> kOfQueues = {
    {"purge-queue", ""},
    {"drop-queue", ""},
    {"poison", ", count: 3"},
    {"delay-messages", ", count: 500, by: 100ms"},
    {"duplicate-messages", ", count: 500"},
    {"reorder-messages", ", count: 500, window: 10"},
};

void works(const std::string& system, const std::string& step) {
  SCOPED_TRACE(step);
  DeedWorld world;
  RightsCase(world, system, "  - { " + step + " }\n").expect_works();
}
void missed(const std::string& system, const std::string& step, const std::string& words) {
  SCOPED_TRACE(step);
  DeedWorld world;
  RightsCase(world, system, "  - { " + step + " }\n").expect_missed(words);
}

// In this process alone: a folder of nobody's, and what is mounted below it.
std::string own_folder() {
  std::string pattern = "/tmp/gameday-own-XXXXXX";
  const std::string folder = mkdtemp(pattern.data());
  EXPECT_EQ(unshare(CLONE_NEWNS), 0) << "this test must be allowed to do so";
  EXPECT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  EXPECT_EQ(
      mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=16m,nr_inodes=300,uid=65534,gid=65534"), 0);
  // The mount goes with this process, and the folder at once.
  return folder;
}

// A network of this process alone; `up` by a program, as nobody has a library for it.
void own_network() {
  EXPECT_EQ(unshare(CLONE_NEWNET), 0) << "this test must be allowed to do so";
  EXPECT_EQ(std::system("ip link set lo up"), 0);
}

const std::string kBlock = "fault: block, target: machine, port: 8200, for: 1s";
const std::string kReset = "fault: reset-host, target: machine, port: 8200, for: 1s";
const std::string kLimit =
    "fault: limit-host, target: machine, interfaces: [lo], bytes_per_second: 1MiB, for: 1s";
const std::string kLoss = "fault: loss, target: machine, port: 8200, share: 30%, for: 1s";

TEST(HostRights, RulesOfPacketsTakeACapabilityOfTheNetwork) {
  const std::string machine = "  machine: { host: own }\n";
  in_child([&] {
    own_network();
    const ServerInside four("/proc/self/ns/net", "127.0.0.1:8200");
    for (const auto& step : {kBlock, kLoss, kReset}) {
      as_user(kNobody, {}, {CAP_NET_ADMIN}, [&] { works(machine, step); });
      as_user(kNobody, {}, [&] { missed(machine, step, "we lack CAP_NET_ADMIN"); });
    }
  });
}

// That the kernel has such queues is tried in a network of its own, which takes the second.
TEST(HostRights, QueuesTakeTwoCapabilities) {
  const std::vector<int> both = {CAP_NET_ADMIN, CAP_SYS_ADMIN};
  const std::string machine = "  machine: { host: own }\n";
  in_child([&] {
    own_network();
    as_user(kNobody, {}, both, [&] { works(machine, kLimit); });
    as_user(kNobody, {}, {CAP_NET_ADMIN},
            [&] { missed(machine, kLimit, "we lack CAP_SYS_ADMIN"); });
    as_user(kNobody, {}, {CAP_SYS_ADMIN},
            [&] { missed(machine, kLimit, "we lack CAP_NET_ADMIN"); });
  });
}

// One that is not ours must be entered, too. Of one family, for the time that it takes.
TEST(HostRights, RulesInAnotherNetworkTakeOneMore) {
  const std::vector<int> both = {CAP_NET_ADMIN, CAP_SYS_ADMIN};
  in_child([&] {
    const std::string folder = own_folder(), there = folder + "/net";
    const std::string step = kBlock + ", addresses: [127.0.0.1]";
    const std::string machine = "  machine: { host: \"" + there + "\" }\n";
    own_network();
    std::ofstream(there) << "";
    EXPECT_EQ(mount("/proc/self/ns/net", there.c_str(), nullptr, MS_BIND, nullptr), 0);
    const ServerInside four("/proc/self/ns/net", "127.0.0.1:8200");
    EXPECT_EQ(unshare(CLONE_NEWNET), 0);
    as_user(kNobody, {}, both, [&] { works(machine, step); });
    as_user(kNobody, {}, {CAP_NET_ADMIN}, [&] { missed(machine, step, "we lack CAP_SYS_ADMIN"); });
    as_user(kNobody, {}, {CAP_SYS_ADMIN}, [&] { missed(machine, step, "we lack CAP_NET_ADMIN"); });
    as_user(kNobody, {}, both, [&] { works(machine, kLimit); });
    as_user(kNobody, {}, {CAP_NET_ADMIN},
            [&] { missed(machine, kLimit, "we lack CAP_SYS_ADMIN"); });
    umount2(folder.c_str(), MNT_DETACH);
    rmdir(folder.c_str());
  });
}

// That a namespace is gone is seen by whoever may see all processes.
TEST(HostRights, ANamespaceThatIsGoneIsLookedForInAllProcesses) {
  DeedWorld roots;
  std::optional<TestNetns> held(std::in_place, roots);
  const auto netns = netns_named(held->path());
  ASSERT_TRUE(netns) << netns.error().text;
  held->close();
  held.reset();
  as_user(kNobody, {}, {CAP_SYS_PTRACE}, [&] {
    const auto found = entrance_to(*netns, DeedWorld().doors());
    EXPECT_TRUE(found && !*found) << (found ? "found" : found.error().text);
  });
  as_user(kNobody, {}, [&] {
    const auto found = entrance_to(*netns, DeedWorld().doors());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::refused);
    EXPECT_TRUE(found.error().text.contains("we lack CAP_SYS_PTRACE")) << found.error().text;
  });
}

TEST(HostRights, AFolderIsReadAndWritten) {
  in_child([] {
    const std::string folder = own_folder();
    const std::string fill = "fault: fill-disk, path: " + folder + ", leave: 1MiB, for: 1s";
    const std::string take = "fault: exhaust-inodes, path: " + folder + ", leave: 10, for: 1s";
    as_user(kNobody, {}, [&] {
      for (const auto& step : {fill, take}) {
        works(kNone, step);
        for (const mode_t mode : {0500U, 0300U, 0600U}) {
          EXPECT_EQ(chmod(folder.c_str(), mode), 0);
          missed(kNone, step, "we may not read and write in " + folder);
        }
        EXPECT_EQ(chmod(folder.c_str(), 0700), 0);
      }
    });
    umount2(folder.c_str(), MNT_DETACH);
    rmdir(folder.c_str());
  });
}

TEST(HostRights, ANameFileIsWrittenAndSeenAsOthersSeeIt) {
  in_child([] {
    const std::string folder = own_folder(), file = folder + "/hosts";
    const std::string step = "fault: dns, names: [store.shop], for: 1s, file: ";
    const std::vector<int> both = {CAP_SYS_ADMIN, CAP_SYS_CHROOT};
    std::ofstream(file) << "127.0.0.1 localhost\n10.0.0.5 store.shop\n";
    EXPECT_EQ(chown(file.c_str(), kNobody, kNobody), 0);
    as_user(kNobody, {}, both, [&] { works(kNone, step + file); });
    as_user(kNobody, {}, without(both, CAP_SYS_ADMIN),
            [&] { missed(kNone, step + file, "we lack CAP_SYS_ADMIN"); });
    as_user(kNobody, {}, without(both, CAP_SYS_CHROOT),
            [&] { missed(kNone, step + file, "we lack CAP_SYS_CHROOT"); });
    as_user(kSomebodyElse, {}, both,
            [&] { missed(kNone, step + file, "we may not write " + file); });
    // The machine's own is what everybody sees; here it is nobody's, and this process's alone.
    EXPECT_EQ(mount(file.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr), 0);
    as_user(kNobody, {}, [&] { works(kNone, step + "/etc/hosts, i_mean: /etc/hosts"); });
    umount2("/etc/hosts", MNT_DETACH);
    umount2(folder.c_str(), MNT_DETACH);
    rmdir(folder.c_str());
  });
}

TEST(HostRights, AStressorAndACommandTakeNothing) {
  setenv("GAMEDAY_PROGRAM", GAMEDAY_BIN_DIR "/../gameday", 1);
  as_user(kNobody, {}, [] {
    works(kNone, "fault: exhaust, memory: 8MiB, descriptors: 20, for: 1s");
    works(kNone,
          "fault: command, do: [touch, maintenance], undo: [rm, -f, maintenance], check: [test, "
          "-e, maintenance], for: 1s");
  });
}

TEST(HostRights, AProxyOfOnesOwnTakesNothing) {
  as_user(kNobody, {}, [] {
    DeedWorld world;
    setenv("XDG_RUNTIME_DIR", world.file("").c_str(), 1);
    RunningLink running(world, "way", "eu-west");
    const Link link = running.link();
    const Listener others;
    const auto at = [&](const std::string& listen) {
      return "  links: { way: { listen: \"" + listen + "\", to: \"" + link.to + "\" } }\n";
    };
    for (const char* fault :
         {"block, link: way", "delay, link: way, latency: 50ms",
          "limit, link: way, bytes_per_second: 32KiB", "reset, link: way",
          "loss, link: way, share: 20%", "slice, link: way, size: 200B, pause: 5ms"}) {
      const std::string step = "fault: " + std::string(fault) + ", for: 1s";
      works(at(link.listen), step);
      // Whoever is there speaks with nobody who is not of their user.
      missed(at(others.address()), step, "something that is no proxy of ours listens on");
      missed(at("127.0.0.1:1"), step, "cannot listen on 127.0.0.1:1");
    }
  });
}

TEST(HostRights, AQueueIsAskedByWhoeverItLets) {
  as_user(kNobody, {}, [] {
    for (const auto& [fault, fields] : kOfQueues) {
      DeedWorld world;
      ShopQueue queue(world);
      queue.publish({"d-1", "d-2", "d-3"});
      works("  orders: { queue: \"" + queue.url() + "\" }\n",
            "fault: " + fault + ", target: orders" + fields + ", for: 1s");
    }
  });
}

TEST(HostRights, AQueueThatLetsNobodyInIsMissedBefore) {
  const Listener listener;
  std::thread server([&] {
    for (const auto& each : kOfQueues) {
      const Peer peer = listener.accept();
      (void)peer.receive(1);
      peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      (void)each;
    }
  });
  for (const auto& [fault, fields] : kOfQueues) {
    missed("  orders: { queue: \"http://" + listener.address() + "/orders\" }\n",
           "fault: " + fault + ", target: orders" + fields + ", for: 1s", "status 403");
  }
  server.join();
}

TEST(HostRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  std::vector<RowNeeds> queues;
  for (const auto& [fault, fields] : kOfQueues) queues.push_back({fault, {kLets}});
  expect_told(rows.faults, queues, [](const auto& row) { return row.facet == "queue"; });
  expect_told(rows.faults, kNeeds,
              [](const auto& row) { return row.facet.empty() || row.facet == "link"; });
  expect_told(rows.actions, {{"command", {"what the two commands need"}}},
              [](const auto& row) { return row.facet.empty() && row.name == "command"; });
  const std::vector<std::string> rules = {"root, or CAP_NET_ADMIN",
                                          "a network namespace that is not ours CAP_SYS_ADMIN"};
  expect_told(rows.faults,
              {{"loss", rules},
               {"reset-host", rules},
               {"limit-host", {"tc", "root, or CAP_NET_ADMIN and CAP_SYS_ADMIN"}}},
              [](const auto& row) { return row.facet == "host"; });
  for (const auto& right : rules) {
    EXPECT_TRUE(rows.fault("block")->other_way->rights.contains(right));
  }
}

}  // namespace
}  // namespace gameday
