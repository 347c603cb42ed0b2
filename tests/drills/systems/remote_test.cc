#include "drills/systems/remote.h"

#include <algorithm>

#include "tests/drills/ssh_fixture.h"

namespace gameday {

extern const FacetRow ssh_facet;

namespace {

using namespace std::chrono_literals;

class RemoteOnSsh : public testing::Test {
 protected:
  RemoteOnSsh() {
    world_.set_until({{}, world_.clock().in(3min)});
    world_.add_target("edge", "ssh", facet());
  }
  Json facet() const {
    return Json::object(
        {{"to", "edge-1"}, {"config", machine_.host().config}, {"dead_man", "60s"}});
  }
  Result<Remote> remote(const Json& facet) {
    world_.system().targets.front().facets = Json::object({{"ssh", facet}});
    return remote_named("edge", world_.context());
  }
  RemoteDeed deed(Duration lasts = 60s) {
    auto found = remote(facet());
    EXPECT_TRUE(found) << (found ? "" : found.error().text);
    // What it injects is a file.
    return {found.value_or(Remote{}), mark_, "rm -f '" + harm() + "'", lasts};
  }
  std::string harm() const { return world_.file("harm"); }
  std::string inject() const { return "echo harm >'" + harm() + "'"; }
  bool harmed() const { return std::filesystem::exists(harm()); }
  std::string folder() const { return "/run/gameday-" + mark_; }
  RemoteLook look(const RemoteDeed& deed) {
    const auto seen = look_there(deed.remote, deed.mark, "", {}, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(RemoteLook{});
  }
  bool is_marked(const Remote& remote) {
    const auto marks = marks_there(remote, world_.context());
    EXPECT_TRUE(marks) << (marks ? "" : marks.error().text);
    return marks && std::ranges::find(*marks, mark_) != marks->end();
  }
  void expect_done(const Status& status) {
    EXPECT_TRUE(status) << (status ? "" : status.error().text);
  }

  OwnNetns own_;
  DeedWorld world_;
  SshMachine machine_{world_};
  const std::string mark_ = "test-" + std::to_string(getpid());
};

TEST_F(RemoteOnSsh, SaysWhoItIsAndHowWeCome) {
  const auto found = remote(facet());
  ASSERT_TRUE(found) << found.error().text;
  std::string id = world_.doors().files.read("/etc/machine-id").value();
  EXPECT_EQ(found->id, trimmed(id));
  EXPECT_EQ(found->boot, boot_id());
  EXPECT_EQ(found->host_key, machine_.fingerprint());
  EXPECT_EQ(found->client, "10.77.0.1");
  EXPECT_EQ(found->port, 22);
  EXPECT_EQ(found->grace, 60);
  EXPECT_EQ(to_json(*remote_from(to_json(*found))).dump(), to_json(*found).dump());
  const auto instance = ssh_facet.resolve(world_.system().targets.front(), world_.context());
  EXPECT_EQ(instance->identity, "ssh:" + found->id);
}

TEST_F(RemoteOnSsh, AMachineThatIsNotTheOneThatIsMeantIsRefused) {
  EXPECT_EQ(remote(facet().set("machine_id", "0123")).error().code, ErrorCode::conflict);
  EXPECT_EQ(remote(facet().set("host_key", machine_.fingerprint("other"))).error().code,
            ErrorCode::conflict);
  EXPECT_TRUE(remote(facet().set("host_key", machine_.fingerprint())));
  world_.system().targets.front().facets.set("process", Json::object({{"pidfile", "/x"}}));
  EXPECT_EQ(remote_named("edge", world_.context()).error().code, ErrorCode::invalid)
      << "its process would have been one of this machine's";
}

TEST_F(RemoteOnSsh, NothingIsDoneToAMachineThatHasTakenItsPlace) {
  RemoteDeed other = deed();
  other.remote.id = "0123";
  EXPECT_EQ(do_there(other, inject(), world_.context()).error().code, ErrorCode::conflict);
  EXPECT_EQ(undo_there(other, world_.context()).error().code, ErrorCode::conflict);
  EXPECT_FALSE(harmed());
  EXPECT_FALSE(std::filesystem::exists(folder()));
}

TEST_F(RemoteOnSsh, WhatIsDoneIsWatchedAndUndoneWithAllThatWasLeftThere) {
  const RemoteDeed one = deed();
  expect_done(do_there(one, inject(), world_.context()));
  EXPECT_TRUE(harmed());
  EXPECT_TRUE(look(one).there && look(one).watched);
  EXPECT_TRUE(is_marked(one.remote));
  const auto found = discover_there({"step", "kill-remote", "edge"}, world_.context());
  EXPECT_TRUE(found && found->dump().contains(R"({"where":"edge-1","mark":")" + mark_)) << mark_;
  const std::string dead_man = world_.doors().files.read(folder() + "/dead-man").value();
  expect_done(undo_there(one, world_.context()));
  EXPECT_FALSE(harmed());
  EXPECT_FALSE(look(one).there || look(one).watched);
  const auto is = world_.doors().processes.look(std::stoi(dead_man));
  EXPECT_TRUE(!is || is->zombie) << "its dead man lives on";
  EXPECT_FALSE(is_marked(one.remote));
  expect_done(undo_there(one, world_.context()));
}

TEST_F(RemoteOnSsh, TheDeadManUndoesWhatNobodyElseDoes) {
  RemoteDeed one = deed(0s);
  one.remote.grace = 6;
  expect_done(do_there(one, inject(), world_.context()));
  EXPECT_TRUE(harmed());
  machine_.stop();  // nobody can come any more
  EXPECT_TRUE(eventually([&] { return !harmed() && !std::filesystem::exists(folder()); }));
}

TEST_F(RemoteOnSsh, WithoutItsDeadManNothingIsInjected) {
  const RemoteDeed one = deed();
  // It is killed as soon as its connection ends.
  const auto reaper = world_.doors().processes.start_detached(
      {{"sh", "-c",
        "while :; do m=$(cat " + folder() +
            "/dead-man 2>/dev/null) && [ \"$m\" ] && sleep 0.15 && "
            "kill -9 $m && exit; done"},
       "/",
       {}},
      "/dev/null");
  ASSERT_TRUE(reaper);
  const auto done = do_there(one, inject(), world_.context());
  EXPECT_EQ(done.error().code, ErrorCode::unsupported) << done.error().text;
  EXPECT_FALSE(harmed());
  expect_done(undo_there(one, world_.context()));
}

TEST_F(RemoteOnSsh, WhatArrivesAfterTheUndoDoesNothing) {
  const RemoteDeed one = deed();
  expect_done(do_there(one, "true", world_.context()));
  // It waits for its turn while it is undone.
  const auto undoing = world_.doors().processes.start_detached(
      {{"sh", "-c",
        "exec 9<" + folder() + "/lock; flock 9; : >" + folder() + "/held; i=$(stat -c %i " +
            folder() +
            "/lock); until grep -q -- \"-> FLOCK.*:$i \" /proc/locks; do sleep 0.05; "
            "done; rm -rf " +
            folder()},
       "/",
       {}},
      "/dev/null");
  ASSERT_TRUE(undoing);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(folder() + "/held"); }));
  const auto done = do_there(one, inject(), world_.context());
  EXPECT_FALSE(done);
  EXPECT_FALSE(harmed());
}

TEST_F(RemoteOnSsh, ADeedWhoseConnectionBreaksIsLookedForAndNotAssumed) {
  const RemoteDeed done = deed();
  // It is done, and its end is not told.
  expect_done(do_there(done,
                       inject() + "; (sleep 0.3; kill -9 $PPID) & kill -STOP $PPID; sleep 0.5",
                       world_.context()));
  expect_done(undo_there(done, world_.context()));
  EXPECT_FALSE(harmed());
}

TEST_F(RemoteOnSsh, WhatFailsThereIsAnErrorWithItsReason) {
  const RemoteDeed one = deed();
  const auto failed = do_there(one, "echo 'no such thing'; return 4", world_.context());
  EXPECT_TRUE(failed.error().text.contains("no such thing")) << failed.error().text;
  RemoteDeed stays = one;
  stays.undo = "echo 'cannot undo'; exit 3";
  EXPECT_TRUE(undo_there(stays, world_.context()).error().text.contains("cannot undo"));
  EXPECT_TRUE(look(one).there) << "what is not undone stays known";
  expect_done(undo_there(one, world_.context()));
}

}  // namespace
}  // namespace gameday
