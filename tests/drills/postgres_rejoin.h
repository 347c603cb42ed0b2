// A pair of servers of which each may become the other's standby, and what a playbook says for
// that.
#pragma once

#include "tests/drills/docker_fixture.h"
#include "tests/drills/postgres_pair.h"

namespace gameday {

extern const ActionRow rejoin_action;

class PostgresRejoinTest : public PostgresPairTest {
 protected:
  PostgresRejoinTest() {
    // pg_rewind wants them of whom it copies from.
    for (auto* cluster : {&primary_, &standby_}) cluster->set("full_page_writes=on");
  }
  void TearDown() override {
    // Those that the actions have started are nobody's children.
    for (const auto* cluster : {&primary_, &standby_}) {
      told("setpriv --reuid postgres --regid postgres --init-groups " +
               PostgresCluster::program("pg_ctl") + " -D " + cluster->data() +
               " -m immediate -w stop",
           true);
    }
  }
  void promote(const PostgresCluster& cluster) {
    cluster.change("SELECT pg_promote()");
    EXPECT_EQ(cluster.psql("SELECT pg_is_in_recovery()"), "f");
  }
  // That `cluster` becomes a standby of `of`, through a slot of that name.
  static Json becoming(const PostgresCluster& cluster, const PostgresCluster& of,
                       const std::string& slot) {
    return Json::object({{"source", of.conninfo("postgres", "postgres")},
                         {"slot", slot},
                         {"data", cluster.data()},
                         {"server_user", "postgres"}});
  }
  Deed rejoining() const {
    return deed(rejoin_action, "primary",
                becoming(primary_, standby_, "west").set("to", "standby"));
  }
  void expect_done(const ActionRow& row, const Deed& wanted) {
    const auto done = row.perform(wanted, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
  }
};

}  // namespace gameday
