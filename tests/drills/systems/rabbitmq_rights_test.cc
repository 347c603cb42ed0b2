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

}  // namespace
}  // namespace gameday
