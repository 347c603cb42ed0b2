#include <pwd.h>
#include <sys/wait.h>

#include <fstream>
#include <thread>

#include "drills/systems/data_aside.h"
#include "drills/systems/folder_work.h"
#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow lose_data_directory_fault;

namespace {

class LoseDataDirectoryOnPostgres : public PostgresFaultTest {
 protected:
  LoseDataDirectoryOnPostgres() : PostgresFaultTest(lose_data_directory_fault) {}
  ~LoseDataDirectoryOnPostgres() override { cluster_.stop_any(); }
  void SetUp() override {
    PostgresFaultTest::SetUp();
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(2))});
    aim(Json::object({{"folder", cluster_.data()}, {"start", words()}}));
  }
  void aim(const Json& fields) { target(cluster_.conninfo()).facets.set("postgres-data", fields); }
  Json words() const {
    Json list = Json::array();
    for (const auto& word : cluster_.start_words()) list.push(word);
    return list;
  }
  std::string rows() const { return psql("SELECT count(*) FROM sales.orders"); }
  bool is_there() const { return std::filesystem::exists(cluster_.data()); }
  std::string aside(const std::string& mark = "drill-1") const {
    return cluster_.data() + ".gameday-" + mark;
  }
};

TEST_F(LoseDataDirectoryOnPostgres, TheServerDiesAndItsFolderIsGoneAndBothComeBack) {
  const Undo undo = prepared(Json::object());
  EXPECT_FALSE(prove(undo).held) << "nothing was done yet";
  EXPECT_TRUE(gone(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_FALSE(is_there());
  EXPECT_TRUE(at_work_in(cluster_.folder(), context()).empty());
  const Proof bitten = prove(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.ends_with("data is gone, and its server with it")) << bitten.text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(rows(), "50");
  // Its own time: who works for it comes and goes.
  const std::string since = psql("SELECT pg_postmaster_start_time()");
  expect_undone(undo);
  EXPECT_EQ(psql("SELECT pg_postmaster_start_time()"), since) << "it was started once more";
}

TEST_F(LoseDataDirectoryOnPostgres, OneThatOnlyDiedIsStartedAgain) {
  const Undo undo = prepared(Json::object());
  const auto data = data_directory_from(undo.arguments.get("data"));
  ASSERT_TRUE(data);
  ASSERT_TRUE(end_server(*data, ServerEnd::crash, context()));
  EXPECT_FALSE(prove(undo).held) << "its folder is there";
  EXPECT_FALSE(gone(undo).held) << "it does not answer";
  expect_undone(undo);
  EXPECT_EQ(rows(), "50");
}

// Until its parent has, PostgreSQL takes it for one that serves there.
TEST_F(LoseDataDirectoryOnPostgres, OneThatIsNotReapedYetIsWaitedFor) {
  const Undo undo = prepared(Json::object());
  ASSERT_TRUE(inject(undo));
  const passwd* const owner = getpwnam("postgres");
  const uid_t uid = geteuid() == 0 && owner != nullptr ? owner->pw_uid : geteuid();
  const pid_t dead = fork();
  if (dead == 0) _exit(setuid(uid));
  const std::string lock = aside() + "/postmaster.pid";
  std::ifstream was(lock);
  std::string rest;
  std::getline(was, rest);
  std::getline(was, rest, '\0');
  std::ofstream(lock) << dead << "\n" << rest;
  const std::jthread parent([&] {
    (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::seconds(5))});
    (void)waitpid(dead, nullptr, 0);
  });
  expect_undone(undo);
  EXPECT_EQ(rows(), "50");
}

TEST_F(LoseDataDirectoryOnPostgres, WhatSomebodyPutInItsPlaceIsNotTouched) {
  const Undo undo = prepared(Json::object());
  ASSERT_TRUE(inject(undo));
  std::filesystem::create_directory(cluster_.data());
  expect_refused(row_.undo(undo, context()),
                 "stands another one; what was moved aside is " + aside(), ErrorCode::conflict);
  EXPECT_TRUE(std::filesystem::exists(aside() + "/PG_VERSION"));
  std::filesystem::remove(cluster_.data());
  expect_undone(undo);
}

TEST_F(LoseDataDirectoryOnPostgres, WhereNothingIsThereIsNothingToLose) {
  const Undo undo = prepared(Json::object());
  ASSERT_TRUE(inject(undo));
  expect_refused(prepare(Json::object(), "drill-2"), "holds no cluster: there is nothing to lose");
  expect_undone(undo);
  cluster_.stop_any();
  expect_refused(prepare(Json::object(), "drill-3"), "has no server: there is nothing to lose");
}

TEST_F(LoseDataDirectoryOnPostgres, WhatCouldNotComeBackIsRefused) {
  aim(Json::object({{"folder", cluster_.data()}}));
  expect_refused(prepare(Json::object()), "does not say how its server is started",
                 ErrorCode::invalid);
  aim(Json::object({{"folder", "/proc"}, {"start", words()}}));
  expect_refused(prepare(Json::object()), "/proc is a file system of its own",
                 ErrorCode::unsupported);
}

TEST_F(LoseDataDirectoryOnPostgres, ItsCopyGoesAtTheEndUnlessItIsToStay) {
  const Undo undo = prepared(Json::object());
  ASSERT_TRUE(inject(undo));
  ASSERT_TRUE(row_.close(undo, true, context()));
  EXPECT_TRUE(std::filesystem::exists(aside()));
  ASSERT_TRUE(row_.close(undo, false, context()));
  EXPECT_FALSE(std::filesystem::exists(aside()));
  ASSERT_TRUE(row_.close(undo, false, context()));
}

// Whenever whoever does it dies, the undo puts it right.
TEST_F(LoseDataDirectoryOnPostgres, HalfOfItIsUndoneToo) {
  for (int change = 0;; ++change) {
    const Undo undo = prepared(Json::object(), "drill-" + std::to_string(change));
    const bool died = world_.dies_at(change, [&] { (void)inject(undo); });
    expect_undone(undo);
    EXPECT_EQ(rows(), "50");
    if (!died) break;
    ASSERT_LT(change, 40);
  }
}

}  // namespace
}  // namespace gameday
