// A machine that is reached through ssh, for tests: a real sshd in a network namespace of its own,
// at the other end of a cable, with keys of its own. The test itself moves into a namespace too, so
// that nothing of this machine's own network is touched.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "drills/systems/ssh.h"
#include "engine/base/text.h"
#include "tests/drills/netns_fixture.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

// Before anything of the test starts a thread: what is started later is in there with it.
struct OwnNetns {
  OwnNetns() { EXPECT_EQ(unshare(CLONE_NEWNET), 0) << "this test must be allowed to do so"; }
};

class SshMachine {
 public:
  // `more` are lines of its sshd_config.
  explicit SshMachine(DeedWorld& world, const std::string& more = "") : world_(world) {
    const auto here = [&](std::vector<std::string> words) {
      words.insert(words.begin(), "ip");
      expect_run(words);
    };
    std::filesystem::create_directories(world.private_folder());
    here({"link", "set", "lo", "up"});
    here({"link", "add", "east", "type", "veth", "peer", "name", "west"});
    here({"link", "set", "west", "netns", far_.path()});
    here({"addr", "add", "10.77.0.1/24", "dev", "east"});
    here({"addr", "add", "fd77::1/64", "dev", "east", "nodad"});
    here({"link", "set", "east", "up"});
    far_.ip({"addr", "add", "10.77.0.2/24", "dev", "west"});
    far_.ip({"addr", "add", "fd77::2/64", "dev", "west", "nodad"});
    far_.ip({"link", "set", "west", "up"});
    for (const char* key : {"host", "other", "user", "stranger"}) {
      expect_run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", world.file(key)});
    }
    std::filesystem::copy_file(world.file("user.pub"), world.file("allowed"));
    std::filesystem::create_directories("/run/sshd");
    // What bash runs at a login of this account, unless it believes that another shell has done so,
    // is of this machine, and takes its time. Of two such lines the first one counts.
    write("sshd", "HostKey " + world.file("host") +
                      "\nPort 22\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
                      "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                      "MaxStartups 100\nAuthorizedKeysFile " +
                      world.file("allowed") + "\n" + more + "SetEnv SHLVL=2\n");
    know("host");
    configure("user");
    start();
  }
  ~SshMachine() { stop(); }
  SshMachine(const SshMachine&) = delete;
  SshMachine& operator=(const SshMachine&) = delete;

  // Its own key, or another one, is the one that is known of it.
  void know(const std::string& key) {
    write("known", "edge-1 " + world_.doors().files.read(world_.file(key + ".pub")).value());
  }
  // The user's configuration: by which key we come, as whom, and where it is.
  void configure(const std::string& key, const std::string& more = "",
                 const std::string& user = "root") {
    write("config", "Host edge-1\n  HostName 10.77.0.2\n  HostKeyAlias edge-1\n  User " + user +
                        "\n" + more + "  IdentitiesOnly yes\n  IdentityFile " + world_.file(key) +
                        "\n  UserKnownHostsFile " + world_.file("known") +
                        "\n  GlobalKnownHostsFile /dev/null\n");
  }
  void start() {
    const auto started = world_.doors().processes.start_detached(
        {{"nsenter", "--net=" + far_.path(), "--", "/usr/sbin/sshd", "-D", "-e", "-f",
          world_.file("sshd")},
         "/",
         {}},
        world_.file("sshd.log"));
    EXPECT_TRUE(started) << (started ? "" : started.error().text);
    if (started) server_ = *started;
    EXPECT_TRUE(eventually(
        [&] { return ClientInside("/proc/self/ns/net", "10.77.0.2:22").state() == "connected"; }));
  }
  void stop() {
    (void)world_.doors().processes.signal(server_, SIGKILL);
    (void)world_.doors().processes.wait_gone(server_, world_.context().until);
  }

  [[nodiscard]] SshHost host() const { return {"edge-1", world_.file("config")}; }
  [[nodiscard]] const TestNetns& netns() const { return far_; }
  [[nodiscard]] std::string fingerprint(const std::string& key = "host") const {
    const auto ended = world_.doors().processes.run(
        {{"ssh-keygen", "-l", "-f", world_.file(key + ".pub")}, "/", {}}, world_.context().until);
    return ended ? split(ended->output, ' ').at(1) : ended.error().text;
  }
  void write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(world_.doors().files.write(world_.file(name), text, 0600));
  }

 private:
  void expect_run(const std::vector<std::string>& argv) const {
    const auto ended = world_.doors().processes.run({argv, "/", {}}, world_.context().until);
    EXPECT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
  }

  DeedWorld& world_;
  TestNetns far_{world_};
  ProcessId server_;
};

}  // namespace gameday
