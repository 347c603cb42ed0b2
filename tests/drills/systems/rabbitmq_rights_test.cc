#include "drills/systems/rabbitmq_rights.h"

#include "tests/drills/deed_world.h"
#include "tests/drills/rabbit_node.h"

namespace gameday {
namespace {

class RabbitRightsOnRabbit : public testing::Test {
 protected:
  RabbitVhost vhost_;  // first: a node takes its time, and the world has a deadline
  DeedWorld world_;
};

// With each right taken away it is missed, and nothing was touched by looking.
TEST_F(RabbitRightsOnRabbit, EachRightThatFaultsNeedIsLookedFor) {
  world_.add_target("jobs", "rabbitmq", vhost_.facet());
  const auto may = [&] {
    using enum RabbitRight;
    return may_rabbit<configure_queue, write_queue, read_queue, read_bound, configure_marks,
                      write_marks, read_marks, write_default>(
        {.id = "", .kind = "", .target = "jobs"}, world_.context());
  };
  vhost_.publish("a");
  const std::string ours = "^(orders|gameday\\..*)$";
  const std::string write = "^(orders|gameday\\..*|amq\\.default)$";
  vhost_.allow(ours, write, ours);
  const auto all = may();
  EXPECT_TRUE(all) << all.error().text;
  for (const auto& [configure, writing, reading] :
       {std::tuple{"^gameday\\..*$", write.c_str(), ours.c_str()},
        std::tuple{"^orders$", write.c_str(), ours.c_str()},
        std::tuple{ours.c_str(), "^(gameday\\..*|amq\\.default)$", ours.c_str()},
        std::tuple{ours.c_str(), "^(orders|amq\\.default)$", ours.c_str()},
        std::tuple{ours.c_str(), ours.c_str(), ours.c_str()},
        std::tuple{ours.c_str(), write.c_str(), "^gameday\\..*$"},
        std::tuple{ours.c_str(), write.c_str(), "^orders$"}}) {
    vhost_.allow(configure, writing, reading);
    const auto lacking = may();
    ASSERT_FALSE(lacking) << configure << " " << writing << " " << reading;
    EXPECT_EQ(lacking.error().code, ErrorCode::refused) << lacking.error().text;
  }
  EXPECT_EQ(vhost_.bodies(), "a");
  EXPECT_TRUE(vhost_.bindings().empty());
  EXPECT_EQ(vhost_.marks(), "");
  // Whoever makes the queue again binds it again to what it was bound to.
  vhost_.bind("amq.topic", "order.*", Json::object());
  vhost_.allow(ours, write, ours);
  ASSERT_FALSE(may());
  EXPECT_NE(may().error().text.find("amq.topic"), std::string::npos) << may().error().text;
  vhost_.allow(ours, write, "^(orders|gameday\\..*|amq\\.topic)$");
  EXPECT_TRUE(may());
  EXPECT_EQ(vhost_.bindings().size(), 1u);
}

// A policy is not asked for rights when a queue is made again, but who makes another queue with the
// same way for its dead letters is.
TEST_F(RabbitRightsOnRabbit, WhereDeadLettersGoIsLookedForWhoeverSaysIt) {
  world_.add_target("jobs", "rabbitmq", vhost_.facet());
  const Deed deed{.id = "", .kind = "", .target = "jobs"};
  const auto may = [&] { return may_rabbit<RabbitRight::write_way>(deed, world_.context()); };
  const auto may_by_itself = [&] {
    return may_rabbit<RabbitRight::write_own_way>(deed, world_.context());
  };
  vhost_.allow("^$", "^$", "^gameday\\..*$");
  EXPECT_TRUE(may()) << "they go nowhere";
  const auto refused = [](const Status& held) {
    return !held && held.error().code == ErrorCode::refused &&
           held.error().text.contains("write amq.fanout");
  };
  vhost_.ask(
      "PUT", "/policies/" + vhost_.path() + "/way",
      Json::object({{"pattern", "^orders$"},
                    {"definition", Json::object({{"dead-letter-exchange", "amq.fanout"}})}}));
  vhost_.node().wait_until([&] { return refused(may()); });
  EXPECT_TRUE(refused(may()));
  EXPECT_TRUE(may_by_itself());
  vhost_.drop("orders");
  vhost_.make("orders", Json::object({{"x-dead-letter-exchange", "amq.fanout"}}));
  EXPECT_TRUE(refused(may()));
  EXPECT_TRUE(refused(may_by_itself()));
  vhost_.allow("^$", "^amq\\.fanout$", "^gameday\\..*$");
  EXPECT_TRUE(may());
  EXPECT_TRUE(may_by_itself());
}

}  // namespace
}  // namespace gameday
