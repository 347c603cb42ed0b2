// A deed's world with a PostgreSQL server in it, and a role of gameday's own there.
#pragma once

#include "drills/systems/postgres.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

class PostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_.start();
    cluster_.make_shop();
    std::filesystem::create_directories(world_.private_folder());
    world_.set_until({{}, world_.clock().in(std::chrono::seconds(30))});
  }

  // A target `database` of that role. `rights`: what it is granted, as a superuser would.
  Target& target_as(const std::string& role, const std::string& rights = "") {
    cluster_.change("CREATE ROLE " + role + " LOGIN; " + rights);
    return target(cluster_.conninfo(role));
  }
  Target& target(const std::string& connection) {
    world_.system().targets.clear();
    return world_.add_target("database", "postgres", Json::object({{"connection", connection}}));
  }
  static Deed deed(const FaultRow& row, const Json& arguments = Json::object()) {
    return {"step", std::string(row.name), "database", arguments};
  }
  DeedContext context(const std::string& mark = "drill-1") { return world_.context(mark); }
  std::string psql(const std::string& sql, const std::string& database = "shop") const {
    return cluster_.psql(sql, database);
  }
  template <class T>
  static void expect_refused(const T& result, const std::string& part,
                             ErrorCode code = ErrorCode::refused) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().text;
    EXPECT_TRUE(result.error().text.contains(part)) << result.error().text;
  }
  bool eventually(const std::function<bool()>& holds) {
    const Instant end = world_.clock().in(std::chrono::seconds(5));
    while (!holds()) {
      if (world_.clock().now().boot > end) return false;
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(20))});
    }
    return true;
  }

  DeedWorld world_;
  PostgresCluster cluster_{world_.file("pg")};
};

// A fault on it, done and undone.
class PostgresFaultTest : public PostgresTest {
 protected:
  explicit PostgresFaultTest(const FaultRow& row) : row_(row) {}

  Result<Undo> prepare(const Json& arguments, const std::string& mark = "drill-1") {
    arguments_ = arguments;
    return row_.prepare(deed(row_, arguments), context(mark));
  }
  Undo prepared(const Json& arguments, const std::string& mark = "drill-1") {
    auto undo = prepare(arguments, mark);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Status inject(const Undo& undo, const std::string& mark = "drill-1") {
    return row_.inject(deed(row_, arguments_), undo, context(mark));
  }
  Proof prove(const Undo& undo) {
    auto proof = row_.prove(deed(row_, arguments_), undo, context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    auto proof = row_.gone(undo, context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  void expect_undone(const Undo& undo) {
    const auto done = row_.undo(undo, context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  }
  Status may(const Json& arguments) { return row_.may(deed(row_, arguments), context()); }

  const FaultRow& row_;
  Json arguments_ = Json::object();
};

}  // namespace gameday
