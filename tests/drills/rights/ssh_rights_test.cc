// What faults on a machine behind ssh need of whoever logs in there, who is not root: an account of
// these tests alone, on an sshd of theirs.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"
#include "tests/drills/ssh_fixture.h"

namespace gameday {
namespace {

constexpr const char* kByKey = "to log in by a key";
const std::vector<RowNeeds> kNeeds = {
    {"block-remote", {kByKey, "there iptables and ip6tables: root, or CAP_NET_ADMIN"}},
    {"fill-disk-remote", {kByKey, "as who may write into the folder"}},
    {"kill-remote", {kByKey, "as who may signal the process", "run its start command"}},
    {"pause-remote", {kByKey, "as who may signal the process"}},
};
constexpr uid_t kLogin = 23457;

// What these tests change of /etc is this process's alone.
struct OwnMounts {
  OwnMounts() {
    EXPECT_EQ(unshare(CLONE_NEWNS), 0) << "this test must be allowed to do so";
    EXPECT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  }
};
struct OwnAccount {
  explicit OwnAccount(const DeedWorld& world) {
    std::ofstream(world.file("passwd"))
        << std::ifstream("/etc/passwd").rdbuf() << "gdlogin:*:23457:23457::/:/bin/sh\n";
    EXPECT_EQ(mount(world.file("passwd").c_str(), "/etc/passwd", nullptr, MS_BIND, nullptr), 0);
    // Keys are read as whoever logs in.
    EXPECT_EQ(chmod(world.file("").c_str(), 0711), 0);
    EXPECT_EQ(chmod(world.file("passwd").c_str(), 0644), 0);
    std::filesystem::create_directory(world.file("home"));
    EXPECT_EQ(chown(world.file("home").c_str(), kLogin, kLogin), 0);
  }
};

class SshRights {
 public:
  SshRights() {
    machine_.configure("user", "", "gdlogin");
    std::ofstream(file("up")) << "#!/bin/sh\nsetsid sh -c 'echo $$ >" + file("shop.pid") +
                                     "; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &\n";
    EXPECT_EQ(chmod(file("up").c_str(), 0755), 0);
    run({"setpriv", "--reuid", "23457", "--regid", "23457", "--clear-groups", file("up")});
    EXPECT_TRUE(eventually([&] { return pid(file("shop.pid")) > 0; }));
    std::filesystem::create_directory(spool());
    EXPECT_EQ(mount("tmpfs", spool().c_str(), "tmpfs", 0, "size=16m,uid=23457"), 0);
  }
  ~SshRights() {
    if (pid(file("shop.pid")) > 0) kill(-pid(file("shop.pid")), SIGKILL);
    umount2(spool().c_str(), MNT_DETACH);
    // What a step has left in force would wait there for its time to be over.
    const std::string left = "/tmp/gameday-drill-" + std::to_string(getpid());
    if (pid(left + "/dead-man") > 1) kill(-pid(left + "/dead-man"), SIGKILL);
    std::filesystem::remove_all(left);
  }
  // The same programs, with the right that they need, which a machine's owner has lent them.
  void lend_net_admin() {
    std::filesystem::create_directory(file("bin"));
    for (const char* name : {"iptables", "ip6tables", "iptables-restore", "ip6tables-restore"}) {
      const std::string copy = file("bin/") + name;
      std::filesystem::copy_file(std::filesystem::canonical("/usr/sbin/iptables"), copy);
      EXPECT_EQ(chmod(copy.c_str(), 0755), 0);
      run({"setcap", "cap_net_admin+ep", copy});
    }
  }
  void expect_works(const std::string& fault) {
    SCOPED_TRACE(fault);
    step(fault).expect_works();
  }
  void expect_missed(const std::string& fault, const std::string& words) {
    SCOPED_TRACE(fault + ": " + words);
    const std::string before = seen();
    step(fault).expect_missed(words);
    EXPECT_EQ(seen(), before);
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return world_.file("home/" + name);
  }
  [[nodiscard]] std::string spool() const { return file("spool"); }
  SshMachine& machine() { return machine_; }
  void use_pidfile(const std::string& path) { pidfile_ = path; }

 private:
  RightsCase step(const std::string& fault) {
    return RightsCase(world_,
                      "  edge: { ssh: { to: edge-1, config: " + world_.file("config") +
                          ", pidfile: " + pidfile_ + ", start: [" + file("up") + "] } }\n",
                      "  - { fault: " + fault + ", target: edge, for: 1s }\n");
  }
  [[nodiscard]] std::string seen() {
    std::string all = machine_.netns().rules() + std::to_string(pid(file("shop.pid")));
    for (const auto& entry : std::filesystem::directory_iterator(spool())) {
      all += " " + entry.path().filename().string();
    }
    return all;
  }
  [[nodiscard]] pid_t pid(const std::string& path) {
    const auto text = world_.doors().files.read(path);
    return text ? std::atoi(text->c_str()) : 0;
  }
  void run(const std::vector<std::string>& argv) {
    const auto ended = world_.doors().processes.run({argv, "/", {}}, world_.context().until);
    EXPECT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
  }

  OwnNetns own_;
  OwnMounts mounts_;
  DeedWorld world_;
  OwnAccount account_{world_};
  SshMachine machine_{world_, "SetEnv PATH=" + world_.file("home/bin") + ":/usr/bin:/bin\n"};
  std::string pidfile_ = file("shop.pid");
};

TEST(RightsOnSsh, AreEnoughAndEachIsMissed) {
  SshRights ssh;
  const std::string block = "block-remote, port: 8200";
  const std::string fill = "fill-disk-remote, path: " + ssh.spool() + ", leave: 1MiB";
  const ServerInside four(ssh.machine().netns(), "127.0.0.1:8200");
  ssh.expect_missed(block, "must be root");
  EXPECT_EQ(chmod(ssh.file("up").c_str(), 0644), 0);
  ssh.expect_missed("kill-remote", "we may not run " + ssh.file("up"));
  EXPECT_EQ(chmod(ssh.file("up").c_str(), 0755), 0);
  EXPECT_EQ(chmod(ssh.spool().c_str(), 0555), 0);
  ssh.expect_missed(fill, "we may not write into " + ssh.spool());
  EXPECT_EQ(chmod(ssh.spool().c_str(), 0755), 0);
  std::ofstream(ssh.file("ours.pid")) << getpid() << "\n";
  ssh.use_pidfile(ssh.file("ours.pid"));
  for (const char* fault : {"kill-remote", "pause-remote"}) {
    ssh.expect_missed(fault, "we may not signal process " + std::to_string(getpid()));
  }
  ssh.use_pidfile(ssh.file("shop.pid"));
  ssh.machine().configure("stranger", "", "gdlogin");
  for (const auto& fault : {block, fill, std::string("kill-remote"), std::string("pause-remote")}) {
    ssh.expect_missed(fault, "lets none of our keys in");
  }
  ssh.machine().configure("user", "", "gdlogin");
  ssh.lend_net_admin();
  for (const auto& fault : {block, fill, std::string("kill-remote"), std::string("pause-remote")}) {
    ssh.expect_works(fault);
  }
}

TEST(SshRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  expect_told(rows.faults, kNeeds, [](const auto& row) { return row.facet == "ssh"; });
}

}  // namespace
}  // namespace gameday
