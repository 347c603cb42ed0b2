#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow kill_backends_fault;

namespace {

class KillBackendsOnPostgres : public PostgresFaultTest {
 protected:
  KillBackendsOnPostgres() : PostgresFaultTest(kill_backends_fault) {}
  static Json sessions(const std::string& user = "any", const std::string& application = "any") {
    return Json::object({{"user", user}, {"application", application}});
  }
  Postgres client(const std::string& user, const std::string& application = "shop") {
    const auto settings = postgres_settings_of(cluster_.conninfo(user));
    return Postgres::open(*settings, world_.clock(), context().until,
                          {.name = application, .observer = {}})
        .value();
  }
  void grant_signalling() {
    (void)target_as("drill", "GRANT pg_signal_backend, pg_read_all_stats TO drill");
  }
};

TEST_F(KillBackendsOnPostgres, TheSessionsOfAUserEndAndNoOthers) {
  grant_signalling();
  cluster_.change("CREATE ROLE other LOGIN");
  auto first = client("shop"), second = client("shop", "worker"), other = client("other");
  const Undo undo = prepared(sessions("shop"));
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  const Proof proof = prove(undo);
  EXPECT_TRUE(proof.held);
  EXPECT_EQ(proof.text, "the 2 sessions of user shop, application any are gone");
  EXPECT_FALSE(first.ask("SELECT 1"));
  EXPECT_FALSE(second.ask("SELECT 1"));
  EXPECT_TRUE(other.ask("SELECT 1"));
  EXPECT_TRUE(client("shop").ask("SELECT 1")) << "whoever comes back is let in";
  expect_undone(undo);
}

TEST_F(KillBackendsOnPostgres, TheSessionsOfAnApplicationEnd) {
  (void)target(cluster_.conninfo());
  auto front = client("shop", "front"), worker = client("shop", "worker");
  const Undo undo = prepared(sessions("any", "worker"));
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
  EXPECT_TRUE(front.ask("SELECT 1"));
  EXPECT_FALSE(worker.ask("SELECT 1"));
}

TEST_F(KillBackendsOnPostgres, NoneOfOursEnds) {
  (void)target(cluster_.conninfo());
  auto shop = client("shop"), ours = client("postgres", "gameday another-drill");
  const Undo undo = prepared(sessions());
  EXPECT_EQ(undo.arguments.items("sessions").size(), 1u);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(ours.ask("SELECT 1"));
  EXPECT_FALSE(shop.ask("SELECT 1"));
}

TEST_F(KillBackendsOnPostgres, WithoutASessionThereIsNothingToEnd) {
  (void)target(cluster_.conninfo());
  expect_refused(prepare(sessions("shop")), "has no session of user shop");
}

TEST_F(KillBackendsOnPostgres, WhoMayNotIsFoundOutBefore) {
  (void)target_as("drill");
  expect_refused(may(sessions("shop")), "we may not end sessions of user shop");
  cluster_.change("GRANT pg_signal_backend TO drill");
  expect_refused(may(sessions("shop")), "we may not end sessions");
  cluster_.change("GRANT pg_read_all_stats TO drill");
  EXPECT_TRUE(may(sessions("shop")));
  // Once the superuser's own, who has just granted it, is gone.
  EXPECT_TRUE(eventually([&] { return may(sessions()).has_value(); }));
  {
    auto root = client("postgres", "psql");
    expect_refused(may(sessions()), "there are such of a superuser");
  }
  expect_refused(may(sessions("postgres")), "we may not end sessions of user postgres");
  cluster_.change("REVOKE pg_signal_backend, pg_read_all_stats FROM drill; GRANT shop TO drill");
  EXPECT_TRUE(may(sessions("shop")));
  expect_refused(may(sessions()), "we may not end sessions");
  // With that right alone it works.
  auto shop = client("shop");
  const Undo undo = prepared(sessions("shop"));
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
}

}  // namespace
}  // namespace gameday
