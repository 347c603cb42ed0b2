// What looks at this machine: doctor, and marks that drills have left on it.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <set>

#include "engine/base/digest.h"
#include "engine/proxy/client.h"
#include "tests/cli/cli_fixture.h"

namespace gameday {
namespace {

constexpr std::string_view kMark = "01JD2Z8Q6V4N7Y3M5K9T1W0XRA-3";

class MachineCommands : public CliTest {
 protected:
  // With a process and a link that nobody else has.
  void write_playbook(const std::string& listen) const {
    write("p.yaml",
          "gameday: 1\nname: marks\nsummary: Marks are found.\nowner: somebody\nsystem:\n"
          "  west: { process: { pidfile: west.pid } }\n"
          "  links:\n    way: { listen: \"" +
              listen + "\", to: \"127.0.0.1:9\", region: r }\n" +
              "limits: { targets: 1 }\nprobes:\n"
              "  answers: { http: \"http://127.0.0.1:9/\", every: 1s, timeout: 500ms }\n"
              "timeline:\n  - steady_state: { for: 1s, probes: [answers] }\n"
              "  - { fault: kill, target: west, for: 1s }\n");
  }

  static int free_port() {
    const Descriptor made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* bytes = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(made.get(), bytes, size), 0);
    EXPECT_EQ(getsockname(made.get(), bytes, &size), 0);
    return ntohs(address.sin_port);
  }

  [[nodiscard]] Json discovered() const {
    const Ran ran = run({"revert", "--discover", "p.yaml", "--json"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    return document(ran);
  }
};

TEST_F(MachineCommands, DoctorLooksAtEachPartAndSaysYesWhereDrillsCanRun) {
  const Ran ran = run({"doctor", "--json"});
  const Json found = document(ran);
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_TRUE(found.boolean("can_run", false));
  std::set<std::string> names;
  for (const auto& check : found.items("checks")) {
    names.insert(check.text("name"));
    EXPECT_NE(check.text("found"), "") << check.text("name");
    EXPECT_NE(check.boolean("ok", false), check.text("advice") != "") << check.text("name");
  }
  for (const char* name : {"cgroup",        "locks",
                           "links",         "network namespaces",
                           "iptables",      "ip6tables",
                           "netem",         "tbf",
                           "device mapper", "time namespaces",
                           "libfaketime",   "pidfd",
                           "store",         "git",
                           "free space",    "processes",
                           "kernel",        "libraries",
                           "freezer",       "cgroup memory",
                           "cgroup cpu",    "descriptors",
                           "clock",         "mount namespaces",
                           "fuse"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_NE(run({"doctor"}).out.find("drills on processes can run here"), std::string::npos);
  EXPECT_FALSE(Files().exists(file("state")));
}

TEST_F(MachineCommands, DoctorSaysNoWithoutAPlaceForTheStore) {
  unsetenv("HOME");
  unsetenv("XDG_STATE_HOME");
  const Ran ran = run({"doctor"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("NO   store: there is no place for the store"), std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("can NOT run here"), std::string::npos);
}

// On a machine from which something was taken away: what the script does to its own mounts and
// limits is gone with it.
class PoorMachine : public MachineCommands {
 protected:
  [[nodiscard]] Json doctor_after(const std::string& taking) const {
    std::vector<std::string> argv = {"unshare", "--mount"};
    if (geteuid() != 0) argv.push_back("--map-root-user");
    for (const char* word : {"sh", "-c"}) argv.emplace_back(word);
    argv.push_back("set -e; " + taking + "; exec " GAMEDAY_BINARY " doctor --json");
    const Ran ran = run_program(argv);
    const Json found = document(ran);
    EXPECT_EQ(ran.code, found.boolean("can_run", false) ? 0 : 1) << ran.err;
    return found;
  }
  static Json line(const Json& found, std::string_view name) {
    for (const auto& check : found.items("checks")) {
      if (check.text("name") == name) return check;
    }
    ADD_FAILURE() << "no line " << name;
    return {};
  }
  static void expect_no(const Json& found, std::string_view name, std::string_view text) {
    const Json check = line(found, name);
    EXPECT_FALSE(check.boolean("ok", true)) << check.dump();
    EXPECT_TRUE(check.text("found").contains(text)) << check.dump();
    EXPECT_NE(check.text("advice"), "") << check.dump();
  }
};

TEST_F(PoorMachine, WithoutPrograms) {
  const Json found = doctor_after(
      "mount -t tmpfs none /usr/sbin; [ -L /sbin ] || mount -t tmpfs none /sbin; PATH=" + folder_);
  for (const char* name : {"git", "ssh", "iptables", "ip6tables", "netem", "tbf"}) {
    expect_no(found, name, "not installed");
    EXPECT_TRUE(line(found, name).text("advice").contains("apt-get install")) << name;
  }
}

// As of a kernel that was built without them: the program says so, and `iptables -S` works.
TEST_F(PoorMachine, WithoutWhatLosesAndResetsPackets) {
  write("iptables",
        "#!/bin/sh\ncase \"$*\" in *statistic*|*tcp-reset*) echo missing kernel module; exit 4;; "
        "esac\n");
  ASSERT_EQ(chmod(file("iptables").c_str(), 0755), 0);
  const Json found = doctor_after("PATH=" + folder_ + ":$PATH");
  for (const char* name : {"iptables statistic", "iptables tcp-reset"}) {
    expect_no(found, name, "missing kernel module");
    EXPECT_TRUE(line(found, name).text("advice").contains("modprobe")) << name;
    EXPECT_TRUE(line(found, std::string("ip6") + (name + 2)).boolean("ok", false)) << name;
  }
  EXPECT_TRUE(line(found, "iptables").boolean("ok", false));
  EXPECT_EQ(line(found, "iptables tcp-reset").items("faults").size(), 2U);
}

TEST_F(PoorMachine, WithoutFaketime) {
  const Json found = doctor_after(
      "for folder in /usr/lib/*/faketime; do [ ! -d $folder ] || mount -t tmpfs none $folder; "
      "done");
  expect_no(found, "libfaketime", "not installed");
  EXPECT_TRUE(line(found, "libfaketime").text("advice").contains("apt-get install faketime"));
  EXPECT_EQ(line(found, "libfaketime").items("faults").size(), 1u);
}

TEST_F(PoorMachine, WithThePathOfAnOrdinaryUser) {
  const Json found = doctor_after("PATH=/usr/bin:/bin");
  const Json wider = doctor_after("PATH=/usr/bin:/bin:/usr/sbin:/sbin");
  for (const char* name : {"iptables", "ip6tables", "netem", "tbf"}) {
    EXPECT_FALSE(line(found, name).text("found").contains("not installed")) << name;
    EXPECT_EQ(line(found, name), line(wider, name));
  }
}

TEST_F(PoorMachine, WithoutControlGroups) {
  const Json found = doctor_after("mount -t tmpfs none /sys/fs/cgroup");
  expect_no(found, "cgroup", "none is mounted");
  for (const char* name : {"freezer", "cgroup memory", "cgroup cpu"}) {
    EXPECT_FALSE(line(found, name).boolean("ok", true)) << line(found, name).dump();
  }
  EXPECT_TRUE(found.boolean("can_run", false)) << "drills do without";
}

TEST_F(PoorMachine, WithoutDevices) {
  const Json found = doctor_after(
      "mount -t tmpfs none /mnt; : >/mnt/null; mount --bind /dev/null /mnt/null; "
      "mount --bind /mnt /dev");
  expect_no(found, "fuse", "No such file");
  expect_no(found, "device mapper", "No such file");
}

TEST_F(PoorMachine, WithAStoreThatHasNoRoom) {
  ASSERT_TRUE(Files().make_folder(file("state")));
  const Json found = doctor_after("mount -t tmpfs -o size=1m none " + file("state"));
  expect_no(found, "free space", "1 MiB in");
  EXPECT_FALSE(found.boolean("can_run", true));
}

TEST_F(PoorMachine, WithAStoreThatCannotBeWritten) {
  ASSERT_TRUE(Files().make_folder(file("state")));
  const Json found = doctor_after("mount -t tmpfs -o ro none " + file("state"));
  expect_no(found, "store", "read-only");
  EXPECT_FALSE(found.boolean("can_run", true));
}

TEST_F(PoorMachine, WithFewDescriptors) {
  expect_no(doctor_after("ulimit -n 100"), "descriptors", "100 may be open at once");
}

TEST_F(PoorMachine, WithoutProcesses) {
  const Json found = doctor_after("mount -t tmpfs none /proc");
  EXPECT_FALSE(line(found, "processes").boolean("ok", true));
  EXPECT_FALSE(found.boolean("can_run", true));
}

TEST_F(PoorMachine, WithoutRights) {
  if (geteuid() != 0) return;  // then every other line has said so already
  ASSERT_EQ(chmod(folder_.c_str(), 0777), 0);
  const Json found = doctor_after("exec setpriv --reuid 65534 --regid 65534 --clear-groups " +
                                  std::string(GAMEDAY_BINARY) + " doctor --json");
  expect_no(found, "network namespaces", "not permitted");
  expect_no(found, "mount namespaces", "not permitted");
  EXPECT_EQ(line(found, "processes").text("found"), "those of user 65534 alone");
}

TEST_F(PoorMachine, OnlyFaultsThatThereAreAreSaidToBeLess) {
  const Json found = doctor_after("mount -t tmpfs none /sys/fs/cgroup");
  const Ran explained = run({"explain"});
  const std::string known = explained.out;
  for (const auto& check : found.items("checks")) {
    for (const auto& fault : check.items("faults")) {
      EXPECT_TRUE(known.contains("\n  " + fault.text() + " ") ||
                  known.contains("\n  " + fault.text() + "\n"))
          << fault.text();
    }
  }
}

TEST_F(MachineCommands, DiscoverFindsNothingWhereNothingIs) {
  write_playbook("127.0.0.1:" + std::to_string(free_port()));
  const Json found = discovered();
  for (const char* kind : {"processes", "toxics", "locks"}) {
    EXPECT_TRUE(found.items(kind).empty()) << kind;
  }
  EXPECT_EQ(found.items("not_looked_at").size(), 2u);
  const Ran text = run({"revert", "--discover", "p.yaml"});
  EXPECT_NE(text.out.find("no mark was found"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("not looked at: toxics of link way"), std::string::npos) << text.out;
  EXPECT_EQ(run({"revert", "--discover", "gone.yaml"}).code, 2);
}

TEST_F(MachineCommands, DiscoverFindsAProcessThatCarriesAMark) {
  write_playbook("127.0.0.1:" + std::to_string(free_port()));
  setenv("GAMEDAY_MARK", std::string(kMark).c_str(), 1);
  const pid_t child = start({"sleep", "60"}, "/dev/null");
  unsetenv("GAMEDAY_MARK");
  write("west.pid", std::to_string(child) + "\n");
  const Json found = discovered();
  const bool marked = found.items("processes").size() == 1;
  EXPECT_TRUE(marked) << found.dump();
  if (marked) {
    const Json& process = found.items("processes").front();
    EXPECT_EQ(process.text("target"), "west");
    EXPECT_EQ(process.integer("pid", 0), child);
    EXPECT_EQ(process.text("mark"), kMark);
    EXPECT_EQ(process.text("drill"), kMark.substr(0, 26));
  }
  EXPECT_EQ(kill(child, 0), 0) << "it must not be touched";
  kill(child, SIGKILL);
  EXPECT_EQ(ended(child), 128 + SIGKILL);
}

TEST_F(MachineCommands, DiscoverFindsALockFileAndWhetherItIsHeld) {
  write_playbook("127.0.0.1:" + std::to_string(free_port()));
  const Json plan = document(run({"plan", "p.yaml", "--json"})).get("plan");
  std::string name;
  for (const auto& lock : plan.items("locks")) {
    if (lock.text().starts_with("process:")) name = lock.text();
  }
  ASSERT_NE(name, "");
  const std::string path = "gameday/target-" + sha256(name).substr(7, 20) + ".lock";
  ASSERT_TRUE(Files().make_folder(file("gameday")));
  write(path, "01JD2Z8Q6V4N7Y3M5K9T1W0XRA /srv/a store.db\n");
  const auto lock = [this] {
    const Json found = discovered();
    EXPECT_EQ(found.items("locks").size(), 1u) << found.dump();
    return found.items("locks").empty() ? Json() : found.items("locks").front();
  };
  const Json left = lock();
  EXPECT_EQ(left.text("drill"), "01JD2Z8Q6V4N7Y3M5K9T1W0XRA");
  EXPECT_EQ(left.text("store"), "/srv/a store.db");
  EXPECT_FALSE(left.boolean("held", true));
  const auto held = Files().lock(file(path));
  ASSERT_TRUE(held);
  EXPECT_TRUE(lock().boolean("held", false));
}

TEST_F(MachineCommands, DiscoverFindsAToxicOnALink) {
  const std::string listen = "127.0.0.1:" + std::to_string(free_port());
  write_playbook(listen);
  const auto control = proxy_control_path(listen);
  ASSERT_TRUE(control);
  ASSERT_TRUE(Files().make_folder(std::filesystem::path(*control).parent_path().string()));
  const pid_t proxy =
      start({GAMEDAY_BINARY, "proxy", "--name", "way", "--listen", listen, "--to", "127.0.0.1:9"},
            file("proxy.log"));
  const SystemClock clock;
  const Until until{Stop(), clock.in(std::chrono::seconds(20))};
  const Json add =
      Json::object({{"op", "add"}, {"kind", "block"}, {"mark", kMark}, {"lease_s", 2}});
  Result<Json> added = ask_proxy(*control, add, clock, until);
  while (!added && added.error().code == ErrorCode::not_found &&
         clock.now().boot < until.deadline) {
    ASSERT_TRUE(clock.pause(std::chrono::milliseconds(10), until));
    added = ask_proxy(*control, add, clock, until);
  }
  ASSERT_TRUE(added) << added.error().text;
  // On a slow machine the lease ends before anybody looks: it is begun again until it is seen.
  Json found = discovered();
  while (found.items("toxics").empty() && clock.now().boot < until.deadline) {
    ASSERT_TRUE(ask_proxy(*control, add, clock, until));
    found = discovered();
  }
  EXPECT_EQ(found.items("toxics").size(), 1u);
  EXPECT_EQ(found.items("toxics").front().text("link"), "way");
  EXPECT_EQ(found.items("toxics").front().text("mark"), kMark);
  EXPECT_TRUE(ask_proxy(*control, Json::object({{"op", "shutdown"}}), clock, until));
  EXPECT_EQ(ended(proxy), 0);
}

TEST_F(MachineCommands, RevertWithoutAStoreFindsNothingAndMakesNone) {
  EXPECT_EQ(run({"revert", "--list"}).out, "nothing is left\n");
  EXPECT_TRUE(document(run({"revert", "--list", "--json"})).items("open").empty());
  const Json done = document(run({"revert", "--json"}));
  EXPECT_TRUE(done.boolean("ok", false));
  EXPECT_EQ(run({"revert", "01JD"}).code, 2);
  EXPECT_FALSE(Files().exists(file("state")));
}

}  // namespace
}  // namespace gameday
