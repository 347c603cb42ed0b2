// A Redis server with a pidfile is killed as any process is.
#include "tests/drills/redis_fixture.h"

namespace gameday {

extern const FaultRow kill_fault;

namespace {

class KillOnRedis : public RedisFaultTest {
 protected:
  KillOnRedis() : RedisFaultTest(kill_fault) {}
  static std::vector<std::string> settings(const std::string& folder, const std::string& title) {
    return {"--pidfile",     folder + "/pid", "--appendonly",     "yes",
            "--appendfsync", "always",        "--set-proc-title", title};
  }
  void aim_at(const std::string& folder) {
    world_.system().targets.clear();
    world_.add_target("sessions", "process", Json::object({{"pidfile", folder + "/pid"}}));
  }
  // Whoever is there now is nobody's.
  void end(const std::string& folder) const {
    redis_.shell("kill -KILL $(cat " + folder + "/pid)");
  }
};

TEST_F(KillOnRedis, ItIsStartedAgainAsItWasWithWhatItKeepsOnDisk) {
  const std::string folder = world_.file("lasting");
  const RedisProcess lasting(folder, settings(folder, "no"));
  aim_at(folder);
  lasting.cli("SET a kept");
  const std::string run_id = lasting.run_id();
  const Undo undo = prepared();
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  EXPECT_NE(lasting.cli("PING"), "PONG");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  const Instant limit = world_.clock().in(std::chrono::seconds(10));
  while (lasting.cli("PING") != "PONG" && world_.clock().now().boot < limit) continue;
  EXPECT_EQ(lasting.cli("GET a"), "kept");
  EXPECT_NE(lasting.run_id(), run_id) << "it is another process";
  end(folder);
}

// As it comes it writes a title over its arguments, and would be started again with none of them.
TEST_F(KillOnRedis, OneThatHidesHowItWasStartedIsRefused) {
  const std::string folder = world_.file("titled");
  const RedisProcess titled(folder, settings(folder, "yes"));
  aim_at(folder);
  expect_error(prepare(), ErrorCode::refused, "shows a title in place of the arguments");
  EXPECT_EQ(titled.cli("PING"), "PONG");
}

}  // namespace
}  // namespace gameday
