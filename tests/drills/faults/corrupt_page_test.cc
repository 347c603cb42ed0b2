#include <csignal>
#include <fstream>

#include "drills/systems/postgres_page.h"
#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow corrupt_page_fault;

namespace {

class CorruptPageOnPostgres : public PostgresFaultTest {
 protected:
  CorruptPageOnPostgres() : PostgresFaultTest(corrupt_page_fault) {}
  ~CorruptPageOnPostgres() override { cluster_.stop_any(); }
  void SetUp() override {
    PostgresFaultTest::SetUp();
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(2))});
    place(target(cluster_.conninfo()));
  }
  void place(Target& at) const {
    Json start = Json::array();
    for (const auto& word : cluster_.start_words()) start.push(word);
    at.facets.set("postgres-data", Json::object({{"folder", cluster_.data()}, {"start", start}}));
  }
  static Json of(const std::string& relation, int page = 0) {
    return Json::object({{"relation", relation}, {"page", page}});
  }
  // Every row and every page of it, as the file has them.
  std::string rows() const { return psql("SELECT count(*), sum(price) FROM sales.orders"); }
  std::string copy() const { return world_.private_folder() + "/drill-1.page"; }
  static std::string file_of(const Undo& undo) { return undo.arguments.get("page").text("file"); }
  static std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static void put(const std::string& path, std::streamoff at, const std::string& bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(at);
    file << bytes;
  }
  void expect_bitten_and_mended(const std::string& what) {
    const Undo undo = prepared(of("sales.orders"));
    EXPECT_FALSE(prove(undo).held) << "nothing was done yet";
    EXPECT_TRUE(gone(undo).held);
    ASSERT_TRUE(inject(undo));
    const Proof bitten = prove(undo);
    EXPECT_TRUE(bitten.held) << bitten.text;
    EXPECT_TRUE(bitten.text.contains("invalid page in block 0 of relation base/")) << bitten.text;
    EXPECT_TRUE(rows().contains("invalid page")) << rows() << what;
    EXPECT_FALSE(gone(undo).held);
    expect_undone(undo);
    EXPECT_EQ(rows(), "50|1275.00");
  }
};

TEST_F(CorruptPageOnPostgres, AServerWithoutChecksumsReportsItToo) {
  EXPECT_EQ(psql("SHOW data_checksums"), "off");
  expect_bitten_and_mended(" without checksums");
}

class CorruptPageWithChecksumsOnPostgres : public CorruptPageOnPostgres {
 protected:
  void SetUp() override {
    cluster_.with_checksums();
    CorruptPageOnPostgres::SetUp();
  }
};

TEST_F(CorruptPageWithChecksumsOnPostgres, ThePageCannotBeReadAndComesBack) {
  EXPECT_EQ(psql("SHOW data_checksums"), "on");
  expect_bitten_and_mended(" with checksums");
}

// Of several pages it is the one that was asked for, and the others are read.
TEST_F(CorruptPageOnPostgres, TheOthersOfItsPagesAreRead) {
  cluster_.change(
      "CREATE TABLE sales.long AS SELECT n, repeat('x', 1000) AS x FROM "
      "generate_series(1, 50) AS n");
  const Undo undo = prepared(of("sales.long", 3));
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).text.contains("in block 3 of")) << prove(undo).text;
  EXPECT_EQ(psql("SELECT count(*) > 0 FROM sales.long WHERE ctid < '(3,0)'"), "t");
  EXPECT_TRUE(psql("SELECT count(*) FROM sales.long").contains("invalid page in block 3"));
  EXPECT_TRUE(psql("SELECT count(*) FROM sales.lines").contains("10"));
  expect_undone(undo);
  EXPECT_EQ(bytes_of(file_of(undo)).substr(3 * 8192, 8192), bytes_of(copy())) << "to the byte";
  EXPECT_EQ(psql("SELECT count(*) FROM sales.long"), "50");
}

TEST_F(CorruptPageOnPostgres, OfAnIndexWhoeverMayUseItFails) {
  const Undo undo = prepared(of("sales.by_item"));
  EXPECT_FALSE(prove(undo).held) << "nothing was done yet";
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  EXPECT_TRUE(rows().contains("invalid page")) << rows();
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(rows(), "50|1275.00");
}

// Who mends it by making it anew has done nothing wrong, and what stands there is his.
TEST_F(CorruptPageOnPostgres, WhatSomebodyMadeAnewIsLeftAlone) {
  const Undo undo = prepared(of("sales.by_item"));
  ASSERT_TRUE(inject(undo));
  cluster_.change("REINDEX INDEX sales.by_item");
  EXPECT_FALSE(prove(undo).held);
  expect_undone(undo);
  EXPECT_EQ(rows(), "50|1275.00");
}

TEST_F(CorruptPageOnPostgres, APageThatSomebodyElseDamagedIsNotWrittenOver) {
  const Undo undo = prepared(of("sales.orders"));
  ASSERT_TRUE(inject(undo));
  put(file_of(undo), 100, "others");
  const std::string theirs = bytes_of(file_of(undo));
  ASSERT_TRUE(row_.undo(undo, context()));
  EXPECT_EQ(bytes_of(file_of(undo)), theirs);
  const Proof proof = gone(undo);
  EXPECT_FALSE(proof.held);
  EXPECT_TRUE(proof.text.contains("kept in " + copy())) << proof.text;
  put(file_of(undo), 0, bytes_of(copy()));
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
}

// As where power was lost in the middle.
TEST_F(CorruptPageOnPostgres, HalfAWriteIsOursToo) {
  const Undo undo = prepared(of("sales.orders"));
  ASSERT_TRUE(inject(undo));
  put(file_of(undo), 4096, bytes_of(copy()).substr(4096));
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(rows(), "50|1275.00");
}

TEST_F(CorruptPageOnPostgres, WhatCouldNotBeProvenOrPutBackIsRefused) {
  expect_refused(prepare(of("pg_class")), "pg_catalog.pg_class is of the server itself");
  expect_refused(prepare(of("pg_database")), "is of the server itself");
  expect_refused(prepare(of("sales.dear")), "is neither a table with rows of its own nor");
  cluster_.change("CREATE UNLOGGED TABLE sales.light AS SELECT 1 AS n");
  expect_refused(prepare(of("sales.light")), "kept when the server ends");
  expect_refused(prepare(of("sales.by_item", 1)), "only page 0 is read whenever it is used");
  expect_refused(prepare(of("sales.orders", 9)), "there is no page 9");
  expect_refused(prepare(of("sales.none")), "has no table or index", ErrorCode::not_found);
}

// It would take the page for empty, write rows into it, and what it held be gone for good.
TEST_F(CorruptPageOnPostgres, AServerThatTakesADamagedPageForEmptyIsRefused) {
  for (const std::string whose : {"ROLE shop", "DATABASE shop"}) {
    cluster_.change("ALTER " + whose + " SET zero_damaged_pages = yes");
    expect_refused(prepare(of("sales.orders")), "has zero_damaged_pages on");
    cluster_.change("ALTER " + whose + " SET zero_damaged_pages = off");
    EXPECT_TRUE(prepare(of("sales.orders")));
  }
}

TEST_F(CorruptPageOnPostgres, AnotherServerThanThatOfTheFilesIsRefused) {
  PostgresCluster other(world_.file("other/pg"));
  const std::string mine = cluster_.data();
  Target& at = target(cluster_.conninfo());
  place(at);
  Json data = at.facets.get("postgres-data");
  data.set("folder", other.data());
  at.facets.set("postgres-data", data);
  expect_refused(prepare(of("sales.orders")), "is not the server of " + other.data());
}

// What it replays when it starts could heal the page, or damage it further.
TEST_F(CorruptPageOnPostgres, AServerThatDidNotEndInOrderIsNotTouched) {
  const Undo undo = prepared(of("sales.orders"));
  const std::string before = bytes_of(file_of(undo));
  // One that stands still keeps the server from ending until it is killed.
  auto held = Postgres::open(*postgres_settings_of(cluster_.conninfo()), world_.clock(),
                             {{}, world_.clock().in(std::chrono::hours(1))});
  ASSERT_TRUE(held);
  const auto pid = held->ask("SELECT pg_backend_pid()")->integer(0, 0);
  ASSERT_EQ(kill(static_cast<pid_t>(pid), SIGSTOP), 0);
  expect_refused(inject(undo), "did not end in order", ErrorCode::failed);
  EXPECT_FALSE(std::filesystem::exists(copy()));
  EXPECT_EQ(bytes_of(file_of(undo)), before);
  EXPECT_FALSE(gone(undo).held) << "its server is down";
  expect_undone(undo);
  EXPECT_EQ(rows(), "50|1275.00");
}

TEST_F(CorruptPageOnPostgres, WhoMayNotReadTheTableIsToldBefore) {
  place(
      target_as("drill", "GRANT USAGE ON SCHEMA sales TO drill; GRANT pg_read_all_stats TO drill"));
  expect_refused(may(of("sales.orders")), "we have no SELECT on sales.orders");
  cluster_.change("GRANT SELECT ON sales.orders TO drill");
  EXPECT_TRUE(may(of("sales.orders")));
}

TEST_F(CorruptPageOnPostgres, ItsCopyGoesAtTheEndUnlessItIsToStay) {
  const Undo undo = prepared(of("sales.orders"));
  ASSERT_TRUE(inject(undo));
  expect_undone(undo);
  ASSERT_TRUE(row_.close(undo, true, context()));
  EXPECT_TRUE(std::filesystem::exists(copy()));
  ASSERT_TRUE(row_.close(undo, false, context()));
  EXPECT_FALSE(std::filesystem::exists(copy()));
  ASSERT_TRUE(row_.close(undo, false, context()));
}

// Whenever whoever does it dies, the undo puts it right.
TEST_F(CorruptPageOnPostgres, HalfOfItIsUndoneToo) {
  for (int change = 0;; ++change) {
    const Undo undo = prepared(of("sales.orders"), "drill-" + std::to_string(change));
    const bool died = world_.dies_at(change, [&] { (void)inject(undo); });
    expect_undone(undo);
    EXPECT_EQ(rows(), "50|1275.00");
    if (!died) break;
    ASSERT_LT(change, 40);
  }
}

}  // namespace
}  // namespace gameday
