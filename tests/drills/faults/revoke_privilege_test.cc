#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow revoke_privilege_fault;

namespace {

class RevokePrivilegeOnPostgres : public PostgresFaultTest {
 protected:
  RevokePrivilegeOnPostgres() : PostgresFaultTest(revoke_privilege_fault) {}
  void SetUp() override {
    PostgresFaultTest::SetUp();
    cluster_.change(
        "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA sales TO clerk; GRANT SELECT, INSERT ON "
        "sales.orders "
        "TO clerk; GRANT DELETE ON sales.orders TO clerk WITH GRANT OPTION");
    (void)target_as("drill", "GRANT shop TO drill");
  }
  static Json taking(const std::string& privilege, const std::string& role = "clerk") {
    return Json::object({{"role", role}, {"privilege", privilege}, {"table", "sales.orders"}});
  }
  std::string state() const {
    return psql(
        "SELECT relacl::text, obj_description(oid) FROM pg_class WHERE oid = "
        "'sales.orders'::regclass");
  }
  std::string as_clerk(const std::string& sql) const { return cluster_.psql(sql, "shop", "clerk"); }
};

TEST_F(RevokePrivilegeOnPostgres, TheStatementFailsAndThenWorksAsBefore) {
  cluster_.change("COMMENT ON TABLE sales.orders IS 'it''s ours'");
  const std::string before = state();
  const Undo undo = prepared(taking("INSERT"));
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
  EXPECT_EQ(prove(undo).text, "clerk has no INSERT on \"sales\".\"orders\"");
  EXPECT_FALSE(gone(undo).held);
  EXPECT_TRUE(as_clerk("INSERT INTO sales.orders (key) VALUES ('n')").contains("denied"));
  EXPECT_EQ(as_clerk("SELECT count(*) FROM sales.orders"), "50");
  expect_undone(undo);
  EXPECT_EQ(as_clerk("INSERT INTO sales.orders (key) VALUES ('n') RETURNING 1"), "1");
  EXPECT_EQ(psql("SELECT obj_description('sales.orders'::regclass)"), "it's ours");
  EXPECT_EQ(state().size(), before.size());
  expect_undone(undo);
}

TEST_F(RevokePrivilegeOnPostgres, TheGrantOptionComesBackToo) {
  const Undo undo = prepared(taking("DELETE"));
  ASSERT_TRUE(inject(undo));
  expect_undone(undo);
  EXPECT_EQ(psql("SELECT has_table_privilege('clerk', 'sales.orders', 'DELETE WITH GRANT OPTION'), "
                 "has_table_privilege('clerk', 'sales.orders', 'INSERT WITH GRANT OPTION')"),
            "t|f");
}

TEST_F(RevokePrivilegeOnPostgres, WhatWouldShowNothingIsRefused) {
  expect_refused(prepare(taking("TRUNCATE")), "has not been granted TRUNCATE");
  expect_refused(prepare(taking("INSERT", "nobody")), "does not exist", ErrorCode::not_found);
  cluster_.change("GRANT SELECT ON sales.orders TO public");
  const Undo undo = prepared(taking("SELECT"));
  expect_refused(inject(undo), "by another way too");
  EXPECT_EQ(as_clerk("SELECT count(*) FROM sales.orders"), "50");
  expect_undone(undo);
}

TEST_F(RevokePrivilegeOnPostgres, WhatSomebodyElseHasTakenStaysTaken) {
  const Undo never = prepared(taking("INSERT"));
  cluster_.change("REVOKE INSERT ON sales.orders FROM clerk");
  expect_undone(never);
  EXPECT_TRUE(gone(never).facts.boolean("superseded", false));
  EXPECT_TRUE(as_clerk("INSERT INTO sales.orders (key) VALUES ('n')").contains("denied"));
}

TEST_F(RevokePrivilegeOnPostgres, WhatHasAnotherNameByNowIsGivenBackToo) {
  const Undo undo = prepared(taking("INSERT"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("ALTER ROLE clerk RENAME TO cashier; ALTER TABLE sales.orders RENAME TO sold");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(psql("SELECT has_table_privilege('cashier', 'sales.sold', 'INSERT'), "
                 "obj_description('sales.sold'::regclass)"),
            "t|");
}

// Who it is that took it, nothing tells then.
TEST_F(RevokePrivilegeOnPostgres, ATableWhoseCommentSomebodyHasChangedIsNotSaidToBeBack) {
  const Undo undo = prepared(taking("DELETE"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("COMMENT ON TABLE sales.orders IS 'the orders'");
  ASSERT_TRUE(row_.undo(undo, context()));
  const Proof seen = gone(undo);
  EXPECT_FALSE(seen.held) << "it may not delete";
  const std::string back = "GRANT DELETE ON TABLE sales.orders TO \"clerk\" WITH GRANT OPTION";
  EXPECT_TRUE(seen.text.ends_with(back)) << seen.text;
  cluster_.change(back);
  EXPECT_TRUE(gone(undo).held);
  ASSERT_TRUE(row_.close(undo, false, context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(RevokePrivilegeOnPostgres, TwoDrillsDoNotMix) {
  const Undo undo = prepared(taking("INSERT"));
  ASSERT_TRUE(inject(undo));
  expect_refused(prepare(taking("SELECT"), "drill-2"), "has the mark of a drill",
                 ErrorCode::conflict);
  expect_undone(undo);
}

TEST_F(RevokePrivilegeOnPostgres, WhoMayNotIsFoundOutBefore) {
  EXPECT_TRUE(may(taking("INSERT")));
  (void)target_as("other",
                  "GRANT USAGE ON SCHEMA sales TO other; GRANT SELECT ON sales.orders TO "
                  "other");
  expect_refused(may(taking("INSERT")), "we are no member of the owner of");
}

}  // namespace
}  // namespace gameday
