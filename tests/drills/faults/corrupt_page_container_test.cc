// Of a server that is in a container, whose data directory is in a volume.
#include "drills/systems/postgres_page.h"
#include "tests/drills/docker_fixture.h"
#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow corrupt_page_fault;

namespace {

class CorruptPageOnDocker : public PostgresFaultTest {
 protected:
  CorruptPageOnDocker() : PostgresFaultTest(corrupt_page_fault) { (void)TestEngine::host(); }
  void SetUp() override {
    cluster_.with_checksums();
    PostgresFaultTest::SetUp();
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(2))});
    cluster_.stop();
  }
  // The server of the cluster's files, with this machine's own programs.
  std::string options(const std::string& more) const {
    return more + " --user $(id -u postgres):$(id -g postgres) --volume " + cluster_.folder() +
           ":/srv --volume /usr:/usr:ro --volume /lib:/lib:ro --volume /lib64:/lib64:ro "
           "--volume /etc/passwd:/etc/passwd:ro";
  }
  std::string server() const {
    return cluster_.program("postgres") + " -D /srv/data -k /srv -c listen_addresses= -p " +
           cluster_.port();
  }
  void aim(const TestContainer& box, const std::string& folder = "/srv/data") {
    Target& at = target(cluster_.conninfo());
    at.facets.set("container", Json::object({{"name", box.name()}}));
    at.facets.set("postgres-data", Json::object({{"folder", folder}}));
    EXPECT_TRUE(eventually([&] { return rows() == kRows; })) << rows();
  }
  static Json of(const std::string& relation) { return Json::object({{"relation", relation}}); }
  std::string rows() const { return psql("SELECT count(*), sum(price) FROM sales.orders"); }
  std::string copy() const { return world_.private_folder() + "/drill-1.page"; }
  void expect_bitten(const Undo& undo) {
    const Proof bitten = prove(undo);
    EXPECT_TRUE(bitten.held) << bitten.text;
    EXPECT_TRUE(bitten.text.contains("invalid page in block 0 of relation base/")) << bitten.text;
    EXPECT_TRUE(rows().contains("invalid page")) << rows();
    EXPECT_FALSE(gone(undo).held);
  }

  static constexpr std::string_view kRows = "50|1275.00";
};

TEST_F(CorruptPageOnDocker, ThePageCannotBeReadAndComesBackWithTheSameContainer) {
  const TestContainer box(options("--stop-signal SIGINT --restart unless-stopped"), server());
  aim(box);
  EXPECT_TRUE(may(of("sales.orders")));
  const Undo undo = prepared(of("sales.orders"));
  EXPECT_FALSE(prove(undo).held) << "nothing was done yet";
  EXPECT_TRUE(gone(undo).held);
  const std::string started = box.started();
  ASSERT_TRUE(inject(undo));
  EXPECT_NE(box.started(), started) << "it was not restarted to read it";
  expect_bitten(undo);
  expect_undone(undo);
  EXPECT_EQ(rows(), kRows);
  EXPECT_EQ(box.is("{{.Id}}"), box.id());
  ASSERT_TRUE(row_.close(undo, false, context()));
  EXPECT_EQ(box.policy(), "unless-stopped");
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

// SIGTERM, which an engine sends by itself, has a server wait for those who are connected.
TEST_F(CorruptPageOnDocker, AServerThatWaitsForItsClientsEndsInOrderToo) {
  const TestContainer box(options(""), server());
  aim(box);
  auto held = Postgres::open(*postgres_settings_of(cluster_.conninfo()), world_.clock(),
                             {{}, world_.clock().in(std::chrono::hours(1))});
  ASSERT_TRUE(held);
  const Undo undo = prepared(of("sales.by_item"));
  const auto done = inject(undo);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  expect_undone(undo);
  EXPECT_EQ(rows(), kRows);
}

TEST_F(CorruptPageOnDocker, WhatIsNotInAVolumeOfItsOwnIsRefused) {
  const TestContainer box(options(""), server());
  aim(box, "/elsewhere");
  expect_refused(prepare(of("sales.orders")), "is in none of its volumes", ErrorCode::unsupported);
  aim(box);
  const TestContainer other("--volume " + cluster_.folder() + ":/theirs");
  expect_refused(prepare(of("sales.orders")), "with another container that runs");
}

TEST_F(CorruptPageOnDocker, AContainerThatGoesWhenItEndsIsRefused) {
  const TestContainer box(options("--rm"), server());
  aim(box);
  expect_refused(may(of("sales.orders")), "was started with --rm");
  expect_refused(prepare(of("sales.orders")), "was started with --rm");
  EXPECT_EQ(rows(), kRows);
}

// Whenever whoever does it dies, the undo puts it right.
TEST_F(CorruptPageOnDocker, HalfOfItIsUndoneToo) {
  const TestContainer box(options("--stop-signal SIGINT --restart always"), server());
  aim(box);
  for (int change = 0;; ++change) {
    const Undo undo = prepared(of("sales.orders"), "drill-" + std::to_string(change));
    const bool died = world_.dies_at(change, [&] { (void)inject(undo); });
    expect_undone(undo);
    EXPECT_EQ(rows(), kRows);
    EXPECT_EQ(box.policy(), "always");
    if (!died) break;
    ASSERT_LT(change, 40);
  }
}

}  // namespace
}  // namespace gameday
