#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow revoke_login_fault;

namespace {

class RevokeLoginOnPostgres : public PostgresFaultTest {
 protected:
  RevokeLoginOnPostgres() : PostgresFaultTest(revoke_login_fault) {}
  static Json role(const std::string& name, const std::string& how = "nologin",
                   bool ends_sessions = false) {
    return Json::object({{"role", name}, {"how", how}, {"end_sessions", ends_sessions}});
  }
  Result<Postgres> log_in(const std::string& user) {
    return Postgres::open(*postgres_settings_of(cluster_.conninfo(user)), world_.clock(),
                          context().until);
  }
  std::string state() const {
    return psql(
        "SELECT rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid') FROM "
        "pg_roles WHERE rolname = 'shop'");
  }
};

TEST_F(RevokeLoginOnPostgres, NobodyGetsInAndThenAsBefore) {
  (void)target_as("drill", "ALTER ROLE drill CREATEROLE; COMMENT ON ROLE shop IS 'it''s the shop'");
  const std::string before = state();
  const Undo undo = prepared(role("shop"));
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(prove(undo).text, "the server lets nobody in as shop");
  EXPECT_TRUE(prove(undo).held);
  EXPECT_FALSE(gone(undo).held);
  expect_refused(log_in("shop"), "not permitted to log in");
  expect_undone(undo);
  EXPECT_EQ(state(), before);
  EXPECT_TRUE(log_in("shop"));
  expect_undone(undo);
  EXPECT_EQ(state(), before);
}

TEST_F(RevokeLoginOnPostgres, AConnectionLimitComesBackAsItWas) {
  (void)target_as("drill", "ALTER ROLE drill CREATEROLE; ALTER ROLE shop CONNECTION LIMIT 7");
  const std::string before = state();
  const Undo undo = prepared(role("shop", "connection-limit"));
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
  expect_refused(log_in("shop"), "too many connections for role");
  expect_undone(undo);
  EXPECT_EQ(state(), before);
}

TEST_F(RevokeLoginOnPostgres, SessionsGoOnUnlessTheyAreEnded) {
  (void)target_as("drill", "ALTER ROLE drill CREATEROLE; GRANT pg_signal_backend TO drill");
  auto client = log_in("shop");
  const Undo kept = prepared(role("shop"));
  ASSERT_TRUE(inject(kept));
  EXPECT_TRUE(prove(kept).held);
  EXPECT_TRUE(prove(kept).text.ends_with("1 sessions of it go on")) << prove(kept).text;
  EXPECT_TRUE(client->ask("SELECT 1"));
  expect_undone(kept);
  const Undo ended = prepared(role("shop", "nologin", true));
  ASSERT_TRUE(inject(ended));
  EXPECT_TRUE(prove(ended).held) << prove(ended).text;
  EXPECT_FALSE(client->ask("SELECT 1"));
  expect_undone(ended);
}

TEST_F(RevokeLoginOnPostgres, WhatSomebodyElseHasDoneSinceStays) {
  (void)target_as("drill", "ALTER ROLE drill CREATEROLE");
  const Undo never = prepared(role("shop"));
  cluster_.change("ALTER ROLE shop NOLOGIN");
  expect_undone(never);
  EXPECT_TRUE(state().starts_with("f|")) << "what others have revoked is theirs";
  cluster_.change("ALTER ROLE shop LOGIN");
  const Undo undo = prepared(role("shop"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("COMMENT ON ROLE shop IS 'put right by hand'; ALTER ROLE shop LOGIN");
  expect_undone(undo);
  EXPECT_EQ(state(), "t|-1|put right by hand");
  cluster_.change(
      "REVOKE ALL ON DATABASE shop FROM shop; ALTER DATABASE shop OWNER TO postgres; "
      "DROP OWNED BY shop CASCADE; DROP ROLE shop");
  expect_undone(undo);
}

TEST_F(RevokeLoginOnPostgres, ARoleThatHasAnotherNameByNowIsLetIn) {
  (void)target_as("drill", "ALTER ROLE drill CREATEROLE; COMMENT ON ROLE shop IS 'the shop'");
  const std::string before = state();
  const Undo undo = prepared(role("shop"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("ALTER ROLE shop RENAME TO store; CREATE ROLE shop NOLOGIN");
  EXPECT_FALSE(gone(undo).held);
  EXPECT_TRUE(gone(undo).text.contains("the role store")) << gone(undo).text;
  ASSERT_TRUE(row_.undo(undo, context()));
  EXPECT_EQ(psql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'shop'"), "f") << "theirs";
  cluster_.change("DROP ROLE shop; ALTER ROLE store RENAME TO shop");
  expect_undone(undo);
  EXPECT_EQ(state(), before);
}

// Who it is that keeps it out, nothing tells then.
TEST_F(RevokeLoginOnPostgres, OneWhoseCommentSomebodyHasChangedIsNotSaidToBeBack) {
  (void)target_as("drill", "ALTER ROLE drill CREATEROLE; ALTER ROLE shop CONNECTION LIMIT 7");
  for (const std::string how : {"nologin", "connection-limit"}) {
    const Undo undo = prepared(role("shop", how));
    ASSERT_TRUE(inject(undo));
    cluster_.change("COMMENT ON ROLE shop IS 'the shop'");
    ASSERT_TRUE(row_.undo(undo, context()));
    EXPECT_FALSE(gone(undo).held) << "nobody can log in";
    const std::string back = how == "nologin" ? "LOGIN" : "CONNECTION LIMIT 7";
    EXPECT_TRUE(gone(undo).text.ends_with("ALTER ROLE \"shop\" " + back)) << gone(undo).text;
    cluster_.change("ALTER ROLE shop " + back);
    EXPECT_TRUE(gone(undo).held);
    ASSERT_TRUE(row_.close(undo, false, context()));
    EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
  }
}

TEST_F(RevokeLoginOnPostgres, WhatWouldShowNothingIsRefused) {
  (void)target_as("drill", "ALTER ROLE drill CREATEROLE");
  expect_refused(prepare(role("nobody")), "does not exist", ErrorCode::not_found);
  expect_refused(prepare(role("drill")), "is gameday's own");
  expect_refused(prepare(role("pg_monitor")), "cannot log in as it is");
  expect_refused(prepare(role("postgres", "connection-limit")), "heeds no connection limit");
  const Undo undo = prepared(role("shop"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("ALTER ROLE shop LOGIN");
  expect_refused(prepare(role("shop")), "has the mark of a drill", ErrorCode::conflict);
}

TEST_F(RevokeLoginOnPostgres, WhoMayNotIsFoundOutBefore) {
  (void)target_as("drill");
  expect_refused(may(role("shop")), "we may not alter the role shop");
  const Undo undo = prepared(role("shop"));
  EXPECT_EQ(inject(undo).error().code, ErrorCode::refused);
  EXPECT_TRUE(log_in("shop"));
  cluster_.change("ALTER ROLE drill CREATEROLE");
  EXPECT_TRUE(may(role("shop")));
  expect_refused(may(role("postgres")), "we may not alter the role postgres");
  expect_refused(may(role("shop", "nologin", true)), "we may not end the sessions of shop");
  cluster_.change("GRANT pg_signal_backend TO drill");
  EXPECT_TRUE(may(role("shop", "nologin", true)));
}

}  // namespace
}  // namespace gameday
