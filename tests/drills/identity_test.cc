#include "engine/runtime/identity.h"

#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FacetRow postgres_facet;

namespace {

const std::array kFacets{&postgres_facet};
const Rows kRows{kFacets, {}, {}, {}, {}};

class IdentityOnPostgres : public PostgresTest {};

// A server that came to the same address meanwhile keeps what it has.
TEST_F(IdentityOnPostgres, AnUndoIsNotDoneToAnotherServerAtItsAddress) {
  Target& named = target(cluster_.conninfo());
  named.identity = psql("SELECT system_identifier FROM pg_control_system()");
  const auto found = [&] {
    auto instance = postgres_facet.resolve(named, context());
    EXPECT_TRUE(instance) << instance.error().text;
    return std::vector<FacetFound>{{&postgres_facet, instance.value_or(Instance{})}};
  };
  ASSERT_TRUE(is_what_it_must_be(named, found()));
  Undo undo{"revoke-login", Json::object(), must_be(named, found())};
  EXPECT_EQ(undo.must_be.text("identity"), named.identity);
  EXPECT_TRUE(is_still(undo, kRows, context()));

  PostgresCluster other(world_.file("other"));
  other.start();
  other.make_shop();
  named.facets.set("postgres", Json::object({{"connection", other.conninfo()}}));
  const Status begun = is_what_it_must_be(named, found());
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::conflict);

  undo.must_be.set("facets", named.facets);
  const Status is = is_still(undo, kRows, context());
  ASSERT_FALSE(is);
  EXPECT_TRUE(is.error().text.contains("and must be " + named.identity)) << is.error().text;

  other.stop();
  EXPECT_TRUE(is_still(undo, kRows, context())) << "nothing answers: the undo itself finds out";
}

// Which waits for it: nobody is to wait long for who stands still.
TEST_F(IdentityOnPostgres, WhoStandsStillIsNotWaitedFor) {
  Target& named = target(cluster_.conninfo());
  named.identity = psql("SELECT system_identifier FROM pg_control_system()");
  auto instance = postgres_facet.resolve(named, context());
  ASSERT_TRUE(instance) << instance.error().text;
  const Undo undo{"pause", Json::object(), must_be(named, {{&postgres_facet, *instance}})};
  const auto all = make_processes(world_.clock());
  ASSERT_TRUE(all->signal(cluster_.server(), SIGSTOP));
  const Instant began = world_.clock().now().boot;
  EXPECT_TRUE(is_still(undo, kRows, context()));
  EXPECT_LT(world_.clock().now().boot - began, std::chrono::seconds(3));
  ASSERT_TRUE(all->signal(cluster_.server(), SIGCONT));
}

}  // namespace
}  // namespace gameday
