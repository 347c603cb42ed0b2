// A machine behind ssh for the conformance suite; its cases are named OnSsh.
#pragma once

#include <sys/mount.h>

#include <csignal>
#include <string>

#include "tests/drills/conformance_place.h"
#include "tests/drills/ssh_fixture.h"

namespace gameday {

class SshPlace : public TargetPlace {
 public:
  explicit SshPlace(DeedWorld& world) : world_(world), machine_(world) {
    std::filesystem::create_directory(spool());
    EXPECT_EQ(mount("tmpfs", spool().c_str(), "tmpfs", 0, "size=16m"), 0);
    machine_.write("up", "#!/bin/sh\nsetsid sh -c 'echo $$ >" + world.file("shop.pid") +
                             "; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &\n");
    std::filesystem::permissions(world.file("up"), std::filesystem::perms::owner_all);
    EXPECT_TRUE(world.doors().processes.run({{world.file("up")}, "/", {}}, world.context().until));
    EXPECT_TRUE(eventually([&] { return pid() > 0; }));
    const auto port = silent_.address().substr(silent_.address().find(':') + 1);
    machine_.write("silent", "Host edge-1\n  HostName 127.0.0.1\n  Port " + port + "\n");
  }
  ~SshPlace() override {
    if (pid() > 0) kill(-pid(), SIGKILL);
    umount2(spool().c_str(), MNT_DETACH);
    // What a case has left in force would wait there for its time to be over.
    for (const auto& entry : std::filesystem::directory_iterator("/run")) {
      if (!is_ours(entry.path().filename().string())) continue;
      const auto dead_man = files_.read(entry.path().string() + "/dead-man");
      if (dead_man && std::atoi(dead_man->c_str()) > 1) {
        kill(-std::atoi(dead_man->c_str()), SIGKILL);
      }
      std::filesystem::remove_all(entry.path());
    }
  }
  std::string ssh() const override {
    return R"({ "to": "edge-1", "config": ")" + machine_.host().config + R"(", "pidfile": ")" +
           world_.file("shop.pid") + R"(", "start": [")" + world_.file("up") + R"("] })";
  }
  std::string aimed(std::string example) const override {
    const std::string path = "/srv/spool";
    const auto at = example.find(path);
    return at == std::string::npos ? example : example.replace(at, path.size(), spool());
  }
  std::string seen() override { return content() + " pid " + std::to_string(pid()); }
  std::string content() override {
    std::string all = machine_.netns().rules() + "state " + state();
    for (const auto& entry : std::filesystem::directory_iterator(spool())) {
      all += " " + entry.path().filename().string();
    }
    for (const auto& entry : std::filesystem::directory_iterator("/run")) {
      const auto name = entry.path().filename().string();
      if (is_ours(name)) all += " " + name;
    }
    return all;
  }
  Undo silenced(Undo undo) override {
    Json remote = undo.arguments.get("remote");
    Json to = remote.get("ssh");
    undo.arguments.set("remote", remote.set("ssh", to.set("config", world_.file("silent"))));
    return undo;
  }
  // Whoever asks now finds the silent one in its place.
  void fall_silent() override {
    machine_.write("config", files_.read(world_.file("silent")).value());
  }

 private:
  static bool is_ours(const std::string& name) {
    return name.starts_with("gameday-" + std::to_string(getpid()) + "drill-");
  }
  std::string spool() const { return world_.file("spool"); }
  pid_t pid() const {
    const auto text = files_.read(world_.file("shop.pid"));
    return text ? std::atoi(text->c_str()) : 0;
  }
  // Whether it runs, or stands still; asleep is running.
  std::string state() const {
    const auto stat = files_.read("/proc/" + std::to_string(pid()) + "/stat");
    if (!stat) return "gone";
    const char letter = (*stat)[stat->rfind(')') + 2];
    return letter == 'T' ? "stopped" : letter == 'Z' ? "gone" : "running";
  }

  OwnNetns own_;
  DeedWorld& world_;
  const Files files_;
  SshMachine machine_;
  SilentPeer silent_;
};

}  // namespace gameday
