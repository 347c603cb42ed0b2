#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FacetRow rabbitmq_facet;
extern const FaultRow stop_app_fault;

namespace {

class StopAppOnRabbit : public RabbitFixture {
 protected:
  StopAppOnRabbit() : RabbitFixture(stop_app_fault) {
    // No right more than its row says.
    vhost_.allow("^$", "^$", "^$");
  }
  Json& facet() { return facet_; }
  void aim() { world_.system().targets.front().facets = Json::object({{"rabbitmq", facet_}}); }

 private:
  Json facet_ = vhost_.facet();
};

TEST_F(StopAppOnRabbit, CutsEverybodyOffAndLetsThemInAgain) {
  vhost_.publish("lasting", Json::object({{"delivery_mode", 2}}));
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_TRUE(gone(undo).held);
  inject(undo);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  EXPECT_FALSE(vhost_.node().answers()) << "the management API is part of the broker";
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(gone(undo).facts.text("lost"), "");
  }
  EXPECT_EQ(vhost_.bodies(), "lasting") << "the others were not persistent";
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(StopAppOnRabbit, AQueueThatIsNotDurableIsNamedBeforeAndAfter) {
  vhost_.drop("orders");
  vhost_.make("orders", Json::object(), false);
  vhost_.allow("^$", "^$", ".*");
  const auto found = rabbitmq_facet.resolve(world_.system().targets.front(), world_.context());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_NE(found->shown.find("is not durable"), std::string::npos) << found->shown;
  const Undo undo = injected();
  undo_it(undo);
  const Proof after = gone(undo);
  EXPECT_TRUE(after.held);
  const std::string lost = after.facts.text("lost");
  EXPECT_TRUE(lost.contains("queue orders")) << lost;
  EXPECT_TRUE(lost.contains("was not durable")) << lost;
  EXPECT_TRUE(after.text.contains(lost)) << after.text;
  EXPECT_FALSE(vhost_.exists());
}

TEST_F(StopAppOnRabbit, WithoutAWayToTheNodeItSaysSo) {
  facet().erase("control");
  aim();
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::unsupported);
  EXPECT_NE(undo.error().hint.find("docker, exec"), std::string::npos) << undo.error().hint;
  const auto may = row_.may(deed_, world_.context());
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, ErrorCode::refused) << "so that the plan names it";
}

TEST_F(StopAppOnRabbit, AWayToAnotherNodeIsRefused) {
  const std::string other = world_.file("ctl");
  ASSERT_TRUE(world_.doors().files.write(other, "#!/bin/sh\necho '<<\"other\">>'\n", 0700));
  facet().set("control", Json(Json::Array{other}));
  aim();
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::conflict) << undo.error().text;
  ASSERT_TRUE(world_.doors().files.write(other, "#!/bin/sh\necho no right; exit 77\n", 0700));
  const auto may = row_.may(deed_, world_.context());
  ASSERT_FALSE(may);
  EXPECT_NE(may.error().text.find("no right"), std::string::npos) << may.error().text;
}

TEST_F(StopAppOnRabbit, ABrokerThatItHasNotStoppedIsNotStarted) {
  const Undo undo = prepared();
  Undo broken = undo;
  broken.arguments.set("control", Json(Json::Array{"/bin/false"}));
  EXPECT_TRUE(row_.undo(broken, world_.context())) << "nothing is told to the node";
}

}  // namespace
}  // namespace gameday
