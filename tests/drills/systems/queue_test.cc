#include "drills/systems/queue.h"

#include "engine/sys/sqlite.h"
#include "tests/drills/shop_queue.h"

namespace gameday {

extern const FacetRow queue_facet;
extern const FacetRow sqlite_facet;
extern const QueueRow http_queue;

namespace {

class QueueTest : public testing::Test {
 protected:
  Target& target() {
    return world_.add_target("orders", "queue", Json::object({{"url", queue_.url()}}));
  }
  DeedWorld world_;
  ShopQueue queue_{world_};
};

TEST_F(QueueTest, TellsItsDepthAndReplaysWhatItKeeps) {
  const Utc start = world_.clock().now().utc;
  queue_.publish({"d-1", "d-2"});
  EXPECT_EQ(http_queue.depth(target(), world_.context()), 2);
  queue_.consume_one();
  queue_.consume_one();
  EXPECT_EQ(http_queue.depth(target(), world_.context()), 0);
  EXPECT_EQ(http_queue.replay(target(), start, world_.context()), 2);
  EXPECT_EQ(http_queue.depth(target(), world_.context()), 2);
}

TEST_F(QueueTest, ADroppedQueueIsNotAnEmptyOne) {
  ASSERT_TRUE(queue_.ask("DELETE", ""));
  EXPECT_EQ(http_queue.depth(target(), world_.context()).error().code, ErrorCode::not_found);
  EXPECT_EQ(queue_facet.resolve(target(), world_.context()).error().code, ErrorCode::not_found);
}

TEST_F(QueueTest, IsKnownByItsUrl) {
  const auto found = queue_facet.resolve(target(), world_.context());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity, "queue:" + queue_.url());
  EXPECT_EQ(found->facts.integer("messages", -1), 0);
}

TEST_F(QueueTest, WhatIsNoQueueIsRefused) {
  Target& other = target();
  std::string url = queue_.url();
  url.replace(url.rfind("/orders"), 7, "/metrics");
  other.facets = Json::object({{"queue", Json::object({{"url", url}})}});
  EXPECT_FALSE(queue_facet.resolve(other, world_.context()));
  queue_.end();
  EXPECT_FALSE(http_queue.depth(target(), world_.context()));
}

TEST(SqliteFacet, IsKnownByItsCanonicalPath) {
  DeedWorld world;
  auto database = Database::open(world.file("store.db"), {.mode = DatabaseMode::create});
  ASSERT_TRUE(database->execute("CREATE TABLE t(x)"));
  std::filesystem::create_symlink(world.file("store.db"), world.file("link.db"));
  const Target& target = world.add_target(
      "store", "sqlite",
      Json::object(
          {{"path",
            world.file("../" +
                       std::filesystem::path(world.file("x")).parent_path().filename().string() +
                       "/link.db")}}));
  const auto found = sqlite_facet.resolve(target, world.context());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->identity, "sqlite:" + world.file("store.db"));
  EXPECT_EQ(found->facts.integer("tables", 0), 1);
}

TEST(SqliteFacet, AFileThatIsNoDatabaseIsRefused) {
  DeedWorld world;
  ASSERT_TRUE(world.doors().files.write(world.file("text.db"), std::string(5000, 'x')));
  EXPECT_EQ(
      sqlite_facet
          .resolve(world.add_target("a", "sqlite", Json::object({{"path", world.file("text.db")}})),
                   world.context())
          .error()
          .code,
      ErrorCode::corrupt);
  EXPECT_EQ(
      sqlite_facet
          .resolve(world.add_target("b", "sqlite", Json::object({{"path", world.file("none")}})),
                   world.context())
          .error()
          .code,
      ErrorCode::not_found);
}

}  // namespace
}  // namespace gameday
