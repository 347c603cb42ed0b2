// A primary and a standby that follows it, as targets `primary` and `standby` of a deed's world.
#pragma once

#include "tests/drills/deed_world.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

class PostgresPairTest : public testing::Test {
 protected:
  void SetUp() override {
    // Each takes the other's place: what one has room for, the other must have.
    primary_.set("max_connections=100");
    primary_.start();
    primary_.make_shop();
    standby_.start();
    ASSERT_TRUE(follows(standby_, "10"));
    std::filesystem::create_directories(world_.private_folder());
    world_.set_until({{}, world_.clock().in(std::chrono::seconds(60))});
    aim();
  }
  // By their sockets, where everybody is trusted.
  void aim(const std::string& user = "postgres") {
    world_.system().targets.clear();
    for (const auto& [name, cluster] : {std::pair{"primary", &primary_}, {"standby", &standby_}}) {
      world_.add_target(name, "postgres", Json::object({{"connection", cluster->conninfo(user)}}));
    }
  }
  bool follows(const PostgresCluster& cluster, const std::string& lines) {
    return eventually([&] { return cluster.psql("SELECT count(*) FROM sales.lines") == lines; });
  }
  bool eventually(const std::function<bool()>& holds) {
    const Instant end = world_.clock().in(std::chrono::seconds(10));
    while (!holds()) {
      if (world_.clock().now().boot > end) return false;
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(20))});
    }
    return true;
  }
  static Deed deed(const ActionRow& row, const std::string& target,
                   const Json& arguments = Json::object()) {
    return {"step", "action", target, arguments, std::string(row.name)};
  }
  Proof proof(const ActionRow& row, const Deed& wanted) {
    Proof seen;
    eventually([&] {
      auto proof = row.prove(wanted, world_.context());
      seen = proof ? std::move(*proof) : Proof{false, proof.error().text};
      return seen.held;
    });
    return seen;
  }
  template <class T>
  static void expect_refused(const T& result, const std::string& part,
                             ErrorCode code = ErrorCode::refused) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().text;
    EXPECT_TRUE(result.error().text.contains(part)) << result.error().text;
  }

  DeedWorld world_;
  PostgresCluster primary_{world_.file("primary"), std::vector<std::string>{"--data-checksums"}};
  PostgresCluster standby_{world_.file("standby"), primary_};
};

}  // namespace gameday
