// Restores of Redis whose runner dies: what it has begun goes by the undo alone, and no server of
// its own stays.
#include <csignal>

#include "drills/systems/folder_work.h"
#include "tests/drills/restores/redis_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class DeathsOnRedis : public RedisRestoreTest {
 protected:
  // What the keys are and hold, in all databases: what content() tells, in one question.
  std::string keys() const {
    return redis_.shell(
        "printf 'INFO keyspace\\nDUMP a\\nDUMP list\\nDUMP session:2\\n"
        "EXPIRETIME session:2\\nGET session:1\\n' | redis-cli -s " +
        redis_.socket() + " --no-raw | sed 's/,avg_ttl=[0-9]*//g'");
  }
  // Its child is killed with it, in the same moment or the next.
  bool nobody_works() {
    const Until end{{}, world_.clock().in(5s)};
    while (!at_work_in(world_.private_folder(), context()).empty()) {
      if (!world_.clock().pause(5ms, end)) return false;
    }
    return true;
  }
};

TEST_F(DeathsOnRedis, DyingAnywhereLeavesTheOldOrTheNewAndUndoPutsTheOldBack) {
  const BackupTaken taken = backup();
  redis_.cli("DEL list");
  redis_.cli("SET a later");
  const std::string old = keys();
  int points = 0, exchanged = 0;
  for (bool died = true; died; ++points) {
    const std::string mark = "point-" + std::to_string(points);
    const Undo undo = prepared(mark);
    died = world_.dies_at(points, [&] {
      static_cast<void>(redis_restore.restore_place(target(), taken, undo, context(mark)));
    });
    ASSERT_TRUE(nobody_works()) << "point " << points;
    const bool there = redis_.cli("GET a") == "1";
    ASSERT_EQ(redis_.cli("EXISTS list"), there ? "1" : "0") << "point " << points;
    exchanged += there ? 1 : 0;
    for (int time = 0; time < 2; ++time) {
      const auto undone = redis_restore.undo(undo, context(mark));
      ASSERT_TRUE(undone) << "point " << points << ": " << undone.error().text;
      ASSERT_TRUE(redis_restore.gone(undo, context(mark))->held) << "point " << points;
      ASSERT_EQ(keys(), old) << "point " << points;
    }
    ASSERT_TRUE(redis_restore.close(undo, false, context(mark)));
    ASSERT_EQ(left_over(), "") << "point " << points;
  }
  EXPECT_GT(points, 15);
  EXPECT_GT(exchanged, 1);
}

TEST_F(DeathsOnRedis, AnUndoThatDiesIsUndoneByTheNext) {
  const BackupTaken taken = backup();
  redis_.cli("SET a later");
  const std::string old = keys();
  int points = 0;
  for (bool died = true; died; ++points) {
    const std::string mark = "point-" + std::to_string(points);
    const Undo undo = prepared(mark);
    ASSERT_TRUE(redis_restore.restore_place(target(), taken, undo, context(mark)));
    died =
        world_.dies_at(points, [&] { static_cast<void>(redis_restore.undo(undo, context(mark))); });
    const auto undone = redis_restore.undo(undo, context(mark));
    ASSERT_TRUE(undone) << "point " << points << ": " << undone.error().text;
    ASSERT_TRUE(redis_restore.gone(undo, context(mark))->held) << "point " << points;
    ASSERT_EQ(keys(), old) << "point " << points;
    ASSERT_TRUE(redis_restore.close(undo, false, context(mark)));
    ASSERT_EQ(left_over(), "") << "point " << points;
  }
  EXPECT_GT(points, 10);
}

// Killed while its scratch server is at work, which has a great deal to load.
TEST_F(DeathsOnRedis, AKilledRunnerLeavesNoScratchServer) {
  const BackupTaken taken = backup();
  const Deed deed{"step", "restore", "sessions", Json::object()};
  const Undo undo = redis_restore.prepare_scratch(deed, taken, context()).value();
  const pid_t child = fork();
  if (child == 0) {
    DeedWorld own;
    const DeedContext here{own.doors(), world_.system(),         world_.secrets(),         "drill",
                           "drill-1",   world_.private_folder(), {{}, own.clock().in(30s)}};
    const auto scratch = scratch_cluster_from(undo.arguments.get("scratch")).value();
    const auto wait = [&](Redis&, const RedisContent&) -> Status {
      return own.clock().pause(30s, here.until);
    };
    static_cast<void>(
        load_aside({RedisFiles::Kind::rdb, taken.id}, {"", "7.0"}, scratch, here, wait));
    _exit(0);
  }
  const Until end{{}, world_.clock().in(20s)};
  while (at_work_in(world_.private_folder(), context()).empty() && world_.clock().pause(5ms, end)) {
  }
  ASSERT_FALSE(at_work_in(world_.private_folder(), context()).empty());
  EXPECT_FALSE(redis_restore.gone(undo, context())->held);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(nobody_works());
  EXPECT_FALSE(redis_restore.gone(undo, context())->held) << "its folder is there";
  EXPECT_TRUE(redis_restore.undo(undo, context()));
  EXPECT_TRUE(redis_restore.gone(undo, context())->held);
  EXPECT_EQ(left_over(), "");
}

// One that outlived its runner is ended by the undo.
TEST_F(DeathsOnRedis, AScratchServerThatIsStillThereIsEnded) {
  const BackupTaken taken = backup();
  const Deed deed{"step", "restore", "sessions", Json::object()};
  const Undo undo = redis_restore.prepare_scratch(deed, taken, context()).value();
  const auto scratch = scratch_cluster_from(undo.arguments.get("scratch")).value();
  ASSERT_TRUE(make_scratch(scratch, context()));
  const auto server = world_.doors().processes.start_detached(
      {{"redis-server", "--port", "0", "--unixsocket", "s", "--save", ""}, scratch.data(), {}},
      world_.file("log"));
  ASSERT_TRUE(server);
  EXPECT_TRUE(redis_restore.undo(undo, context()));
  EXPECT_FALSE(world_.doors().processes.alive(*server));
  EXPECT_TRUE(redis_restore.gone(undo, context())->held);
}

}  // namespace
}  // namespace gameday
