#include "drills/systems/postgres_saved.h"
#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow lose_data_postgres_fault;

namespace {

class LoseDataOnPostgres : public PostgresFaultTest {
 protected:
  LoseDataOnPostgres() : PostgresFaultTest(lose_data_postgres_fault) {}
  // The smallest rights for a table as a whole.
  void as_owner() {
    (void)target_as("drill", "GRANT shop TO drill; GRANT CREATE ON DATABASE shop TO drill");
  }
  static Json losing(const std::string& table, const std::string& lose = "table",
                     const std::string& where = "true") {
    return Json::object({{"table", table}, {"lose", lose}, {"where", where}});
  }
  std::string content() const {
    return psql(
               "SELECT md5(string_agg(o::text, ';' ORDER BY id)), count(*) FROM sales.orders AS "
               "o") +
           psql(
               "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
               "WHERE connamespace = 'sales'::regnamespace ORDER BY conname") +
           psql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'sales' ORDER BY 1") +
           psql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gameday%'");
  }
};

TEST_F(LoseDataOnPostgres, ATableIsGoneAndComesBackAsItWas) {
  as_owner();
  const std::string before = content();
  const Undo undo = prepared(losing("sales.orders"));
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
  EXPECT_TRUE(prove(undo).text.contains("has no table \"sales\".\"orders\", which had 50 rows"))
      << prove(undo).text;
  EXPECT_TRUE(psql("SELECT * FROM sales.orders").contains("does not exist"));
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(content(), before);
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('another')");
  EXPECT_EQ(psql("SELECT id FROM sales.orders WHERE key = 'another'"), "51")
      << "its sequence goes on where it was";
  expect_undone(undo);
  EXPECT_EQ(psql("SELECT count(*) FROM sales.orders"), "51");
}

TEST_F(LoseDataOnPostgres, RowsAreGoneAndComeBackAmongNewOnes) {
  (void)target_as("drill",
                  "GRANT USAGE ON SCHEMA sales TO drill; GRANT CREATE ON DATABASE shop TO "
                  "drill; GRANT SELECT, INSERT, DELETE ON sales.orders TO drill");
  EXPECT_TRUE(may(losing("sales.orders", "rows", "id > 30")));
  const std::string before = content();
  const Undo undo = prepared(losing("sales.orders", "rows", "id > 30"));
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
  EXPECT_EQ(psql("SELECT count(*), max(id) FROM sales.orders"), "30|30");
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('meanwhile')");
  EXPECT_TRUE(prove(undo).held);
  expect_undone(undo);
  EXPECT_EQ(psql("SELECT count(*) FROM sales.orders"), "51");
  cluster_.change("DELETE FROM sales.orders WHERE key = 'meanwhile'");
  EXPECT_EQ(content(), before);
}

TEST_F(LoseDataOnPostgres, WhatStandsInItsPlaceIsNotRemoved) {
  as_owner();
  const Undo undo = prepared(losing("sales.lines"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("CREATE TABLE sales.lines (another int)");
  expect_refused(row_.undo(undo, context()), "stands another table of that name",
                 ErrorCode::conflict);
  EXPECT_FALSE(gone(undo).held);
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "0");
  EXPECT_EQ(
      psql("SELECT count(*) FROM " + saved_schema({"", "", "", "drill-1", true, ""}) + ".lines"),
      "10");
}

TEST_F(LoseDataOnPostgres, AKeyThatWasGivenAgainIsNotOverwritten) {
  (void)target(cluster_.conninfo());
  const Undo undo = prepared(losing("sales.orders", "rows", "id > 30"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("INSERT INTO sales.orders (key, item) VALUES ('order-40', 'theirs')");
  const auto undone = row_.undo(undo, context());
  expect_refused(undone, "kept in the schema", ErrorCode::conflict);
  EXPECT_EQ(psql("SELECT item FROM sales.orders WHERE key = 'order-40'"), "theirs");
  EXPECT_FALSE(gone(undo).held);
}

TEST_F(LoseDataOnPostgres, WhatCouldNotBePutBackIsRefused) {
  (void)target(cluster_.conninfo());
  expect_refused(prepare(losing("sales.invoices")), "has no table sales.invoices",
                 ErrorCode::not_found);
  expect_refused(prepare(losing("sales.dear")), "is no table of its own");
  expect_refused(prepare(losing("sales.orders", "rows", "id > 99")), "nothing to lose");
  EXPECT_EQ(prepare(losing("sales.orders", "rows", "no such condition")).error().code,
            ErrorCode::invalid);
  // Rows that others refer to, or that would take others with them, stay where they are.
  const Undo referred = prepared(losing("sales.orders", "rows", "id = 1"));
  expect_refused(inject(referred), "violates foreign key", ErrorCode::conflict);
  cluster_.change(
      "ALTER TABLE sales.lines DROP CONSTRAINT lines_order_id_fkey, ADD FOREIGN KEY "
      "(order_id) REFERENCES sales.orders ON DELETE CASCADE");
  expect_refused(inject(referred), "would go with those of");
  cluster_.change(
      "CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN "
      "OLD; END'; CREATE TRIGGER seen BEFORE DELETE ON sales.lines FOR EACH ROW "
      "EXECUTE FUNCTION noticed()");
  expect_refused(inject(prepared(losing("sales.lines", "rows"), "drill-2"), "drill-2"),
                 "has triggers");
  EXPECT_EQ(psql("SELECT count(*) FROM sales.orders"), "50");
  EXPECT_EQ(psql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gameday%'"), "");
}

TEST_F(LoseDataOnPostgres, WhatIsKeptIsErasedWhenItIsClosed) {
  as_owner();
  const Undo undo = prepared(losing("sales.lines"));
  ASSERT_TRUE(inject(undo));
  ASSERT_TRUE(row_.close(undo, true, context()));
  EXPECT_NE(psql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gameday%'"), "");
  ASSERT_TRUE(row_.close(undo, false, context()));
  EXPECT_EQ(psql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gameday%'"), "");
  ASSERT_TRUE(row_.close(undo, false, context()));
}

TEST_F(LoseDataOnPostgres, WhoMayNotIsFoundOutBefore) {
  (void)target_as("drill",
                  "GRANT USAGE ON SCHEMA sales TO drill; GRANT SELECT ON sales.orders TO "
                  "drill");
  expect_refused(may(losing("sales.orders")), "we may not make a schema");
  cluster_.change("GRANT CREATE ON DATABASE shop TO drill");
  expect_refused(may(losing("sales.orders")), "no member of the owner of");
  expect_refused(may(losing("sales.orders", "rows")), "we have no INSERT on");
  EXPECT_EQ(inject(prepared(losing("sales.orders"))).error().code, ErrorCode::refused);
  cluster_.change("GRANT INSERT, DELETE ON sales.orders TO drill");
  EXPECT_TRUE(may(losing("sales.orders", "rows")));
  cluster_.change("GRANT shop TO drill");
  EXPECT_TRUE(may(losing("sales.orders")));
}

TEST_F(LoseDataOnPostgres, AConditionNeedsRows) {
  Step step;
  step.arguments = losing("sales.orders", "table", "id > 1");
  EXPECT_FALSE(row_.fits(step));
  step.arguments = losing("sales.orders", "rows", "id > 1");
  EXPECT_TRUE(row_.fits(step));
}

}  // namespace
}  // namespace gameday
