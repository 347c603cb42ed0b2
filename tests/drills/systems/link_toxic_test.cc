#include "drills/systems/link_toxic.h"

#include "tests/drills/link_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

Result<Json> measured(const LinkInForce& link, const Json&, const DeedContext&) {
  return Json("as " + link.name);
}
Result<Json> too_slow(const LinkInForce&, const Json&, const DeedContext& context) {
  TRY_OK(context.doors.clock.sleep({{}, context.until.deadline}));
  return fail(ErrorCode::timed_out, "too slow");
}
Result<Json> impossible(const LinkInForce&, const Json&, const DeedContext&) {
  return fail(ErrorCode::failed, "cannot be measured");
}
Result<Shown> as_toxic_says(const LinkInForce&, const Json& toxic, const DeedContext&) {
  return Shown{toxic.boolean("well", false), "was looked at", {}};
}

class LinkToxicTest : public testing::Test {
 protected:
  Result<Undo> prepare(Measure measure, const Json& toxic) {
    return prepare_toxic(deed_, toxic, measure, world_.context());
  }
  Json delay() const { return Json::object({{"latency_s", 0.1}, {"jitter_s", 0.0}}); }

  DeedWorld world_;
  Deed deed_{
      .id = "step",
      .kind = "delay",
      .target = "",
      .arguments = Json::object({{"region", "eu-west"}, {"latency", "250ms"}, {"size", "2kB"}})};
};

TEST_F(LinkToxicTest, FieldsAreReadInTheToxicsUnits) {
  EXPECT_EQ(seconds_of(deed_, "latency"), 0.25);
  EXPECT_EQ(bytes_of(deed_, "size"), 2000);
}

TEST_F(LinkToxicTest, WhatWasMeasuredBeforehandIsKeptWithItsLink) {
  const RunningLink one(world_, "one", "eu-west");
  const RunningLink two(world_, "two", "eu-west");
  const Undo undo = prepare(measured, delay()).value();
  const auto& links = undo.arguments.items("links");
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(link_from(links[0])->before.text(), "as one");
  EXPECT_EQ(link_from(links[1])->before.text(), "as two");
}

TEST_F(LinkToxicTest, WhatCannotBeMeasuredInASecondIsNotKnown) {
  const RunningLink one(world_, "one", "eu-west");
  const Instant begun = world_.clock().now().boot;
  const Undo undo = prepare(too_slow, delay()).value();
  EXPECT_TRUE(link_from(undo.arguments.items("links").front())->before.is_null());
  EXPECT_LT(world_.clock().now().boot - begun, 5s);
  EXPECT_EQ(prepare(impossible, delay()).error().text, "cannot be measured");
}

TEST_F(LinkToxicTest, EveryLinkMustShowIt) {
  const RunningLink one(world_, "one", "eu-west");
  RunningLink two(world_, "two", "eu-west");
  const Undo undo = prepare(nullptr, Json(delay()).set("well", true)).value();
  ASSERT_TRUE(add_toxic(deed_, undo, world_.context()));
  const Proof both = prove_toxic(undo, as_toxic_says, world_.context()).value();
  EXPECT_TRUE(both.held);
  EXPECT_EQ(both.text, "link one was looked at; link two was looked at");
  two.end();
  const Proof one_alone = prove_toxic(undo, as_toxic_says, world_.context()).value();
  EXPECT_FALSE(one_alone.held);
  EXPECT_EQ(one_alone.text, "link one was looked at; link two has no delay in its way");
  EXPECT_EQ(one_alone.facts, Json::object({{"one", true}, {"two", false}}));
}

TEST_F(LinkToxicTest, AToxicThatIsGoneIsNotRenewedAndNothingToRemove) {
  RunningLink one(world_, "one", "eu-west");
  const Undo undo = prepare(nullptr, delay()).value();
  EXPECT_EQ(renew_toxic(undo, world_.context()).error().code, ErrorCode::not_found);
  EXPECT_TRUE(remove_toxic(undo, world_.context()));
  one.end();
  EXPECT_TRUE(remove_toxic(undo, world_.context()));
  EXPECT_TRUE(toxic_gone(undo, world_.context())->held);
}

}  // namespace
}  // namespace gameday
