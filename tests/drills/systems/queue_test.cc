#include "drills/systems/queue.h"

#include "engine/sys/sqlite.h"
#include "tests/drills/shop_queue.h"
#include "tests/hostile_server.h"

namespace gameday {

extern const FacetRow queue_facet;
extern const FacetRow sqlite_facet;
extern const QueueRow http_queue;

namespace {

using namespace std::chrono_literals;

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

// What no queue would answer, and a peer may.
class HostileQueueTest : public testing::Test {
 protected:
  // Neither how deep it is, nor what it is, nor how much it has replayed can be told.
  void expect_no(const std::string& url, const std::string& why, Duration within = 20s) {
    Target target;
    target.name = "orders";
    target.facets = Json::object({{"queue", Json::object({{"url", url + "/orders"}})}});
    world_.set_until({{}, world_.clock().in(within)});
    expect_told(http_queue.depth(target, world_.context()), why);
    expect_told(queue_facet.resolve(target, world_.context()), why);
    expect_told(http_queue.replay(target, world_.clock().now().utc, world_.context()), why);
  }
  template <class Value>
  static void expect_told(const Result<Value>& result, const std::string& why) {
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().text.contains(why)) << result.error().text;
  }

  DeedWorld world_;
};

TEST_F(HostileQueueTest, IsCutOffAndNotFollowedAndLeftInTime) {
  expect_no(EndlessServer().url(), "the answer is longer than ");
  expect_no(AnswerServer(answer_cut_off()).url(), "the answer was cut off");
  expect_no(AnswerServer(packed_answer()).url(), "not JSON at byte 1");
  const CircleServer circle;
  expect_no(circle.url(), "status 302");
  EXPECT_EQ(circle.asked(), 3);
  const AnswerServer silent("");
  const Instant begun = world_.clock().now().boot;
  expect_no(silent.url(), "no answer in time", 100ms);
  EXPECT_LT(world_.clock().now().boot - begun, 5s);
}

// A megabyte is enough to say how many there are.
TEST_F(HostileQueueTest, IsNotReadForLong) {
  const EndlessServer server;
  const auto looks = look_at_queue(server.url(), world_.context());
  ASSERT_FALSE(looks);
  EXPECT_TRUE(looks.error().text.ends_with("the answer is longer than 1048576 bytes"))
      << looks.error().text;
}

TEST_F(HostileQueueTest, DoesNotHoldLessThanNothing) {
  for (const char* body : {"[]", "{}", "{\"messages\": -1, \"replayed\": -1}",
                           "{\"messages\": 1e300, \"replayed\": 1e300}",
                           "{\"messages\": \"0\", \"replayed\": \"0\"}"}) {
    SCOPED_TRACE(body);
    expect_no(AnswerServer(http_answer(200, body)).url(), "");
  }
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
