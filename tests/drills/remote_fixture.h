// What faults on a machine behind ssh are tested on: that machine, a process there that a command
// starts again, and a filesystem of its own.
#pragma once

#include <sys/mount.h>

#include <csignal>

#include "drills/systems/remote.h"
#include "tests/drills/ssh_fixture.h"

namespace gameday {

class RemoteFaultOnSsh : public testing::Test {
 protected:
  explicit RemoteFaultOnSsh(const FaultRow& row) : row_(row) {
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(3))});
    machine_.write("up", "#!/bin/sh\nsetsid sh -c 'echo $$ >" + pidfile() +
                             "; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &\n");
    std::filesystem::permissions(world_.file("up"), std::filesystem::perms::owner_all);
    up();
    world_.add_target("edge", "ssh", facet());
  }
  ~RemoteFaultOnSsh() override {
    if (pid() > 0) kill(-pid(), SIGKILL);
  }
  std::string pidfile() const { return world_.file("shop.pid"); }
  pid_t pid() const {
    const auto text = files_.read(pidfile());
    return text ? std::atoi(text->c_str()) : 0;
  }
  void up() {
    EXPECT_TRUE(
        world_.doors().processes.run({{world_.file("up")}, "/", {}}, world_.context().until));
    EXPECT_TRUE(eventually([&] { return pid() > 0; }));
  }
  char state() const {
    const auto stat = files_.read("/proc/" + std::to_string(pid()) + "/stat");
    const char letter = stat ? (*stat)[stat->rfind(')') + 2] : '-';
    return letter == 'Z' ? '-' : letter;
  }
  Json facet() const {
    Json start = Json::array();
    start.push(world_.file("up"));
    return Json::object({{"to", "edge-1"},
                         {"config", machine_.host().config},
                         {"pidfile", pidfile()},
                         {"start", start},
                         {"dead_man", "60s"}});
  }
  void set_facet(const Json& facet) {
    world_.system().targets.front().facets = Json::object({{"ssh", facet}});
  }
  std::string folder() const { return "/run/gameday-" + mark_; }

  Result<Undo> prepare(Json arguments = Json::object()) {
    deed_.arguments = std::move(arguments);
    deed_.arguments.set("lasts_s", lasts_s_);
    return row_.prepare(deed_, world_.context(mark_));
  }
  Status inject(const Undo& undo) { return row_.inject(deed_, undo, world_.context()); }
  Undo injected(Json arguments = Json::object()) {
    const auto undo = prepare(std::move(arguments));
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    const auto done = inject(undo.value_or(Undo{}));
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo.value_or(Undo{});
  }
  Proof seen(Result<Proof> proof) const {
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  Proof proof(const Undo& undo) { return seen(row_.prove(deed_, undo, world_.context())); }
  Proof gone(const Undo& undo) { return seen(row_.gone(undo, world_.context())); }
  void expect_undone(const Undo& undo) {
    const auto done = row_.undo(undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_FALSE(std::filesystem::exists(folder()));
  }
  template <class Condition>
  bool in_time(const Condition& condition) {
    for (int look = 0; look < 300; ++look) {
      if (condition()) return true;
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(100))});
    }
    return false;
  }

  const FaultRow& row_;
  const Files files_;
  OwnNetns own_;
  DeedWorld world_;
  SshMachine machine_{world_};
  const std::string mark_ = "test-" + std::to_string(getpid());
  double lasts_s_ = 60;
  Deed deed_{.id = "step", .kind = "remote", .target = "edge", .arguments = Json::object()};
};

}  // namespace gameday
