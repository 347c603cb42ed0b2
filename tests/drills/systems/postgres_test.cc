#include "drills/systems/postgres.h"

#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FacetRow postgres_facet;

namespace {

TEST(PostgresFacetTest, APlainPasswordIsRefused) {
  for (const auto* written : {"postgresql://shop:secret@h/d", "host=h password=secret"}) {
    const auto settings = postgres_settings(written);
    ASSERT_FALSE(settings) << written;
    EXPECT_EQ(settings.error().code, ErrorCode::refused);
    EXPECT_FALSE(settings.error().text.contains("secret@")) << settings.error().text;
  }
  Target target{.name = "db", .facets = {}, .region = "", .identity = "", .place = {}};
  target.facets = Json::object({{"postgres", Json::object({{"password", "secret"}})}});
  EXPECT_FALSE(postgres_settings(target));
  target.facets = Json::object({{"postgres", Json::object({{"password", "${env:SECRET}"}})}});
  EXPECT_EQ(setting_of(*postgres_settings(target), "password"), "${env:SECRET}");
}

TEST(PostgresFacetTest, AFieldGoesBeforeTheConnection) {
  Target target{.name = "db", .facets = {}, .region = "", .identity = "", .place = {}};
  target.facets = Json::object(
      {{"postgres",
        Json::object({{"connection", "host=a dbname=x"}, {"host", "b"}, {"port", 7}})}});
  const auto settings = postgres_settings(target);
  EXPECT_EQ(setting_of(*settings, "host"), "b");
  EXPECT_EQ(setting_of(*settings, "port"), "7");
  EXPECT_EQ(setting_of(*settings, "dbname"), "x");
}

TEST(PostgresFacetTest, AnUndoWithoutAConnectionIsCorrupt) {
  EXPECT_EQ(connection_in({"some-fault", Json::object()}).error().code, ErrorCode::corrupt);
}

class FacetOnPostgres : public PostgresTest {};

TEST_F(FacetOnPostgres, AnInstanceIsTheClustersDatabase) {
  const Target& target = target_as("drill");
  const auto instance = postgres_facet.resolve(target, context());
  ASSERT_TRUE(instance) << instance.error().text;
  const std::string identifier = psql("SELECT system_identifier FROM pg_control_system()");
  EXPECT_EQ(instance->identity, "postgres:" + identifier + "/shop");
  EXPECT_EQ(instance->facts.text("timeline"), "1");
  EXPECT_FALSE(instance->facts.boolean("in_recovery", true));
  EXPECT_TRUE(instance->facts.text("version").starts_with("15."));
  EXPECT_EQ(instance->facts.text("user"), "drill");
  EXPECT_TRUE(postgres_facet.may(target, context()));
}

TEST_F(FacetOnPostgres, WithoutTheIdentifierItIsKnownByItsAddressAndSaysSo) {
  const Target& target =
      target_as("drill", "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
  const auto instance = postgres_facet.resolve(target, context());
  ASSERT_TRUE(instance) << instance.error().text;
  EXPECT_EQ(instance->identity, "postgres:" + cluster_.folder() + ":" + cluster_.port() + "/shop");
  EXPECT_TRUE(instance->shown.contains("pg_control_system() is not permitted to drill"));
  EXPECT_EQ(instance->facts.text("known_by"), "address");
}

TEST_F(FacetOnPostgres, WhoIsNotLetInHoldsNoRight) {
  const Target& target = target_as("drill", "ALTER ROLE drill NOLOGIN");
  expect_refused(postgres_facet.may(target, context()), "not permitted to log in");
  EXPECT_FALSE(postgres_facet.resolve(target, context()));
}

TEST_F(FacetOnPostgres, AnUndoFindsTheServerAgainWithoutThePlaybook) {
  setenv("GAMEDAY_TEST_SECRET", "shop-secret", 1);
  target("postgresql://shop:${env:GAMEDAY_TEST_SECRET}@127.0.0.1:" + cluster_.port() + "/shop");
  FaultRow row{};
  row.name = "none";
  auto opened = open_for(deed(row), context());
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_FALSE(opened->connection.dump().contains("shop-secret")) << opened->connection.dump();
  EXPECT_EQ(opened->connection.text("password"), "${env:GAMEDAY_TEST_SECRET}");
  world_.system().targets.clear();
  const Undo undo{"none", Json::object({{"connection", opened->connection}})};
  auto again = open_for(undo, context());
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->ask("SELECT current_user")->text(0, 0), "shop");
  EXPECT_EQ(psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                 "'gameday drill-1'"),
            "2");
  unsetenv("GAMEDAY_TEST_SECRET");
}

TEST_F(FacetOnPostgres, AStandbyIsTheSameClusterInRecovery) {
  PostgresCluster primary(world_.file("primary"));
  PostgresCluster standby(world_.file("standby"), primary);
  primary.start();
  standby.start();
  target(standby.conninfo("postgres", "postgres"));
  const auto instance = postgres_facet.resolve(world_.system().targets.front(), context());
  ASSERT_TRUE(instance) << instance.error().text;
  EXPECT_TRUE(instance->facts.boolean("in_recovery", false));
  EXPECT_TRUE(instance->shown.ends_with("in recovery"));
  EXPECT_EQ(
      instance->identity,
      "postgres:" + primary.psql("SELECT system_identifier FROM pg_control_system()", "postgres") +
          "/postgres");
}

}  // namespace
}  // namespace gameday
