#include "engine/sys/postgres.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>

#include "tests/drills/postgres_cluster.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(PostgresSettingsTest, AUriAndAConninfoSayTheSame) {
  const auto uri = postgres_settings_of("postgresql://shop@db.example:5433/orders?sslmode=require");
  const auto conninfo =
      postgres_settings_of("host=db.example port=5433 user=shop dbname=orders sslmode=require");
  ASSERT_TRUE(uri && conninfo);
  for (const auto* keyword : {"host", "port", "user", "dbname", "sslmode"}) {
    EXPECT_EQ(setting_of(*uri, keyword), setting_of(*conninfo, keyword)) << keyword;
    EXPECT_NE(setting_of(*uri, keyword), "") << keyword;
  }
  EXPECT_EQ(setting_of(*uri, "password"), "");
}

TEST(PostgresSettingsTest, AReferenceStaysAReference) {
  const auto uri = postgres_settings_of("postgresql://shop:${file:/run/a secret}@/orders");
  ASSERT_TRUE(uri) << uri.error().text;
  EXPECT_EQ(setting_of(*uri, "password"), "${file:/run/a secret}");
  EXPECT_EQ(setting_of(*uri, "user"), "shop");
  const auto conninfo = postgres_settings_of("user=${env:WHO} password='x${env:SECRET}'");
  ASSERT_TRUE(conninfo);
  EXPECT_EQ(setting_of(*conninfo, "user"), "${env:WHO}");
  EXPECT_EQ(setting_of(*conninfo, "password"), "x${env:SECRET}");
}

TEST(PostgresSettingsTest, WhatLibpqDoesNotKnowIsRefused) {
  for (const auto* written : {"no-such-keyword=1", "postgresql://h/d?nothing=1", "host"}) {
    const auto settings = postgres_settings_of(written);
    ASSERT_FALSE(settings) << written;
    EXPECT_EQ(settings.error().code, ErrorCode::invalid);
  }
}

TEST(PostgresSettingsTest, AnArgumentSaysWhereAndNoSecret) {
  EXPECT_EQ(conninfo_of({{"host", "/a b"}, {"password", "secret"}, {"dbname", "it's"}}),
            R"(host='/a b' dbname='it\'s')");
}

TEST(PostgresSettingsTest, NamesAndTextsAreQuoted) {
  EXPECT_EQ(postgres_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(postgres_literal("it's"), "'it''s'");
  EXPECT_EQ(postgres_literal("a\\b'"), " E'a\\\\b'''");
}

TEST(PostgresSettingsTest, AnErrorsSqlstateIsFound) {
  EXPECT_EQ(sqlstate_in("cannot connect: no (SQLSTATE 53300)"), "53300");
  EXPECT_EQ(sqlstate_in("cannot connect"), "");
}

// A variable of the environment, for a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

class DoorOnPostgres : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    char pattern[] = "/tmp/gameday-door-XXXXXX";
    folder_ = mkdtemp(pattern);
    cluster_ = std::make_unique<PostgresCluster>(folder_ + "/pg");
    cluster_->start();
    cluster_->make_shop();
  }
  static void TearDownTestSuite() {
    cluster_.reset();
    std::filesystem::remove_all(folder_);
  }
  Result<Postgres> open(const std::string& written, Duration patience = 20s) {
    const auto settings = postgres_settings_of(written);
    if (!settings) return std::unexpected(settings.error());
    return Postgres::open(*settings, clock_, {stop_.stop(), clock_.in(patience)},
                          {.name = "gameday test", .observer = {}});
  }
  Postgres opened(const std::string& user = "postgres") {
    return open(cluster_->conninfo(user)).value();
  }
  // How long `work` goes on after a stop that comes when it has waited for 50 ms.
  template <class Work>
  Duration after_stop(const Work& work) {
    Instant stopped{};
    std::jthread stopper([&] {
      (void)clock_.sleep({{}, clock_.in(50ms)});
      stopped = clock_.now().boot;
      stop_.request();
    });
    work();
    const Instant ended = clock_.now().boot;
    stopper.join();
    EXPECT_GT(ended, stopped) << "it did not wait";
    return ended - stopped;
  }

  static inline std::string folder_;
  static inline std::unique_ptr<PostgresCluster> cluster_;
  SystemClock clock_;
  StopSource stop_;
};

TEST_F(DoorOnPostgres, ValuesAreTextAndNothingIsNothing) {
  auto session = opened();
  const auto rows = session.ask("SELECT 1, 'two' AS two, NULL, $1::text, true", {"a'b"});
  ASSERT_TRUE(rows) << rows.error().text;
  ASSERT_EQ(rows->rows.size(), 1u);
  EXPECT_EQ(rows->columns[1], "two");
  EXPECT_EQ(rows->integer(0, 0), 1);
  EXPECT_EQ(rows->text(0, 1), "two");
  EXPECT_FALSE(rows->rows[0][2].has_value());
  EXPECT_EQ(rows->text(0, 3), "a'b");
  EXPECT_TRUE(rows->boolean(0, 4));
  EXPECT_EQ(session.ask("SELECT n FROM generate_series(1, 1000) AS n")->rows.size(), 1000u);
  EXPECT_TRUE(session.ask("SELECT 1 WHERE false")->rows.empty());
  EXPECT_EQ(session.version() / 10000, 15);
}

TEST_F(DoorOnPostgres, AnErrorSaysWhereWhatAndItsState) {
  auto session = opened();
  const auto missing = session.ask("SELECT * FROM no_such_table");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().text, "shop at " + cluster_->folder() + ":" + cluster_->port() +
                                      ": relation \"no_such_table\" does not exist (SQLSTATE "
                                      "42P01)");
  EXPECT_EQ(session.sqlstate(), "42P01");
  EXPECT_EQ(session.ask("SELECT FROM WHERE").error().code, ErrorCode::invalid);
  EXPECT_EQ(session.ask("SELECT 1; SELECT 2").error().code, ErrorCode::invalid);
  EXPECT_EQ(session.ask("").error().code, ErrorCode::invalid);
  // The session goes on after an error of the server's.
  EXPECT_TRUE(session.ask("SELECT 1"));
  EXPECT_EQ(session.sqlstate(), "");
  EXPECT_EQ(open(cluster_->conninfo("shop")).value().ask("CREATE ROLE x").error().code,
            ErrorCode::refused);
}

TEST_F(DoorOnPostgres, WhoIsNotLetInIsToldWhy) {
  const auto nobody = open(cluster_->conninfo("nobody"));
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::refused);
  EXPECT_EQ(sqlstate_in(nobody.error().text), "28000") << nobody.error().text;
  EXPECT_TRUE(nobody.error().text.contains("role \"nobody\" does not exist"));
  const auto nowhere = open(cluster_->conninfo("postgres", "nowhere"));
  EXPECT_EQ(nowhere.error().code, ErrorCode::not_found) << nowhere.error().text;
  const auto wrong = open(cluster_->url("shop", "wrong"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(sqlstate_in(wrong.error().text), "28P01") << wrong.error().text;
  EXPECT_FALSE(wrong.error().text.contains("wrong")) << wrong.error().text;
  const auto refused =
      open("host=127.0.0.1 dbname=x user=y port=" + std::to_string(PostgresCluster::free_port()));
  EXPECT_TRUE(refused.error().text.contains("Connection refused")) << refused.error().text;
}

TEST_F(DoorOnPostgres, APasswordComesFromWhereLibpqTakesIt) {
  EXPECT_TRUE(open(cluster_->url("shop", "shop-secret")));
  EXPECT_FALSE(open(cluster_->url("shop", "")));
  {
    const Variable password("PGPASSWORD", "shop-secret");
    EXPECT_TRUE(open(cluster_->url("shop", "")));
  }
  const std::string passfile = folder_ + "/pgpass";
  std::ofstream(passfile) << "127.0.0.1:" << cluster_->port() << ":shop:shop:shop-secret\n";
  chmod(passfile.c_str(), 0600);
  {
    const Variable file("PGPASSFILE", passfile);
    EXPECT_TRUE(open(cluster_->url("shop", "")));
  }
  const std::string services = folder_ + "/services";
  std::ofstream(services) << "[shop]\nhost=127.0.0.1\nport=" << cluster_->port()
                          << "\nuser=shop\ndbname=shop\npassword=shop-secret\n";
  const Variable file("PGSERVICEFILE", services);
  auto session = open("service=shop");
  ASSERT_TRUE(session) << session.error().text;
  EXPECT_EQ(session->ask("SELECT current_user")->text(0, 0), "shop");
  EXPECT_EQ(setting_of(session->settings(), "host"), "127.0.0.1");
  EXPECT_EQ(setting_of(session->settings(), "port"), cluster_->port());
  EXPECT_EQ(setting_of(session->settings(), "user"), "shop");
  EXPECT_EQ(setting_of(session->settings(), "password"), "");
  EXPECT_EQ(setting_of(session->settings(), "service"), "");
}

TEST_F(DoorOnPostgres, ANameOfAHostIsTriedAtEachOfItsAddresses) {
  auto session =
      open("host=localhost user=shop password=shop-secret dbname=shop port=" + cluster_->port());
  ASSERT_TRUE(session) << session.error().text;
  EXPECT_EQ(setting_of(session->settings(), "host"), "localhost");
  // One that nobody listens on first: the next one of the list answers.
  const std::string dead = std::to_string(PostgresCluster::free_port());
  auto second =
      open("host=localhost,localhost user=shop password=shop-secret dbname=shop port=" + dead +
           "," + cluster_->port());
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_EQ(setting_of(second->settings(), "port"), cluster_->port());
}

TEST_F(DoorOnPostgres, TlsIsAsTheSettingsSay) {
  const auto required = open(cluster_->url("shop", "shop-secret") + "?sslmode=require");
  ASSERT_FALSE(required);
  EXPECT_TRUE(required.error().text.contains("does not support SSL")) << required.error().text;
}

TEST_F(DoorOnPostgres, WhatIsNotCommittedIsNotDone) {
  const auto count = [&] { return cluster_->psql("SELECT count(*) FROM sales.lines"); };
  const std::string before = count();
  {
    auto session = opened();
    ASSERT_TRUE(session.begin(PostgresAccess::read_write));
    EXPECT_EQ(session.change("DELETE FROM sales.lines")->changed, std::stoi(before));
  }
  EXPECT_EQ(count(), before);
  auto session = opened();
  ASSERT_TRUE(session.begin(PostgresAccess::read_write));
  ASSERT_TRUE(session.change("INSERT INTO sales.lines VALUES (1, 'new')"));
  ASSERT_TRUE(session.commit());
  EXPECT_EQ(count(), std::to_string(std::stoi(before) + 1));
}

TEST_F(DoorOnPostgres, ACommitOfWhatHasFailedIsAnError) {
  auto session = opened();
  ASSERT_TRUE(session.begin(PostgresAccess::read_write));
  ASSERT_FALSE(session.ask("SELECT 1/0"));
  const auto done = session.commit();
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().text.contains("rolled back")) << done.error().text;
}

TEST_F(DoorOnPostgres, WhoOnlyReadsCannotWrite) {
  auto session = opened();
  ASSERT_TRUE(session.begin(PostgresAccess::read_only));
  EXPECT_EQ(session.ask("DELETE FROM sales.lines").error().code, ErrorCode::refused);
  EXPECT_EQ(session.sqlstate(), "25006");
}

TEST_F(DoorOnPostgres, AStatementEndsWithTheStopAndWithTheDeadline) {
  auto waiting = opened();
  ASSERT_TRUE(waiting.begin(PostgresAccess::read_only));
  EXPECT_LT(after_stop([&] {
              const auto slept = waiting.ask("SELECT pg_sleep(30)");
              ASSERT_FALSE(slept);
              EXPECT_EQ(slept.error().code, ErrorCode::stopped);
            }),
            200ms);
  stop_ = StopSource();
  auto late = open(cluster_->conninfo(), 300ms);
  ASSERT_TRUE(late && late->begin(PostgresAccess::read_only));
  const auto slept = late->ask("SELECT pg_sleep(30)");
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().code, ErrorCode::timed_out);
}

TEST_F(DoorOnPostgres, TheServerDoesNotGoOnWithoutUs) {
  auto holder = opened();
  ASSERT_TRUE(holder.begin(PostgresAccess::read_write));
  ASSERT_TRUE(holder.change("LOCK TABLE sales.lines"));
  {
    auto session = opened();
    ASSERT_TRUE(session.begin(PostgresAccess::read_write));
    (void)after_stop([&] { EXPECT_FALSE(session.change("DELETE FROM sales.lines")); });
  }
  const Instant end = clock_.in(5s);
  const auto waiting = [&] {
    return cluster_->psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DELETE FROM%'");
  };
  while (waiting() != "0" && clock_.now().boot < end) (void)clock_.sleep({{}, clock_.in(50ms)});
  EXPECT_EQ(waiting(), "0") << "what waited for a lock still waits";
}

TEST_F(DoorOnPostgres, WhoNeverAnswersIsLeftAtTheStop) {
  const Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener.get(), any, size), 0);
  ASSERT_EQ(listen(listener.get(), 4), 0);
  ASSERT_EQ(getsockname(listener.get(), any, &size), 0);
  const std::string silent =
      "host=127.0.0.1 user=x dbname=x port=" + std::to_string(ntohs(address.sin_port));
  EXPECT_LT(after_stop([&] { EXPECT_FALSE(open(silent)); }), 200ms);
  stop_ = StopSource();
  EXPECT_EQ(open(silent, 100ms).error().code, ErrorCode::timed_out);
}

TEST_F(DoorOnPostgres, AnAnswerWithoutBoundsIsRefused) {
  auto session = opened();
  const auto all = session.ask("SELECT repeat('x', 1000000) FROM generate_series(1, 100)");
  ASSERT_FALSE(all);
  EXPECT_TRUE(all.error().text.contains("longer than 16 MiB")) << all.error().text;
}

TEST_F(DoorOnPostgres, EachChangeIsToldOfAndNoQuestion) {
  std::vector<std::string> told;
  const auto settings = postgres_settings_of(cluster_->conninfo());
  auto session = Postgres::open(
      *settings, clock_, {{}, clock_.in(20s)},
      {.name = "gameday", .observer = [&](auto door, Side side) {
         told.push_back(std::string(door) + (side == Side::before ? " before" : " after"));
       }});
  ASSERT_TRUE(session && session->begin(PostgresAccess::read_write));
  ASSERT_TRUE(session->ask("SELECT 1"));
  EXPECT_TRUE(told.empty());
  ASSERT_TRUE(session->change("CREATE TABLE told (x int)"));
  const std::vector<std::string> once{"postgres before", "postgres after"};
  EXPECT_EQ(told, once);
  ASSERT_TRUE(session->commit());
  EXPECT_EQ(told.size(), 4u);
  EXPECT_EQ(cluster_->psql("SELECT application_name FROM pg_stat_activity WHERE query = 'COMMIT'"),
            "gameday");
}

TEST_F(DoorOnPostgres, NoSessionIsLeftOver) {
  {
    auto session = opened();
  }
  const Instant end = clock_.in(5s);
  const auto left = [&] {
    return cluster_->psql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gameday test'");
  };
  while (left() != "0" && clock_.now().boot < end) (void)clock_.sleep({{}, clock_.in(20ms)});
  EXPECT_EQ(left(), "0");
}

}  // namespace
}  // namespace gameday
