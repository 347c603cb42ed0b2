// A deed's world with a real Redis server in it, and a fault of a row done to it step by step.
#pragma once

#include "drills/systems/redis.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/redis_process.h"
#include "tests/drills/row_fault.h"

namespace gameday {

class RedisTest : public testing::Test {
 protected:
  void SetUp() override {
    redis_.fill();
    std::filesystem::create_directories(world_.private_folder());
    aim(redis_.facet());
  }
  // From now on the target `sessions` is this.
  Target& aim(const Json& facet) {
    world_.system().targets.clear();
    return world_.add_target("sessions", "redis", facet);
  }
  DeedContext context(const std::string& mark = "drill-1") {
    world_.set_until({{}, world_.clock().in(std::chrono::seconds(30))});
    return world_.context(mark);
  }
  // Takes a right away from the user that gameday is.
  void take(const std::string& right) { redis_.cli("ACL SETUSER gameday '-" + right + "'"); }
  template <class T>
  static void expect_error(const T& result, ErrorCode code, const std::string& part) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().text;
    EXPECT_TRUE(result.error().text.contains(part)) << result.error().text;
  }

  DeedWorld world_;
  RedisProcess redis_{world_.file("redis")};
};

class RedisFaultTest : public RowFault<RedisTest> {
 protected:
  explicit RedisFaultTest(const FaultRow& row) : RowFault(row, "sessions") {}
  // Another server, which was there all the time, answers at the deed's address from now on.
  Undo elsewhere(Undo undo, const RedisProcess& other) {
    Json server = undo.arguments.get("server");
    undo.arguments.set("server", server.set("address", other.socket()));
    // Its start must not be taken for one after the deed.
    undo.arguments.set("prepared", rfc3339(world_.clock().now().utc + std::chrono::seconds(60)));
    return undo;
  }
};

}  // namespace gameday
