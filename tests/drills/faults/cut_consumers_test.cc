#include "tests/drills/rabbit_consumer.h"
#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow cut_consumers_fault;

namespace {

class CutConsumersOnRabbit : public RabbitFixture {
 protected:
  CutConsumersOnRabbit() : RabbitFixture(cut_consumers_fault) {
    // No right more than its row says.
    vhost_.tag("administrator");
    vhost_.allow("^$", "^$", "^$");
  }
  // The server's statistics tell of a consumer's connection a moment later.
  Undo prepared_soon() {
    vhost_.node().wait_until([&] { return prepare().has_value(); });
    return prepared();
  }
};

TEST_F(CutConsumersOnRabbit, TheirConnectionsAreGoneAndWhatTheyHeldWaitsAgain) {
  vhost_.make("other");
  RabbitConsumer consumer(vhost_, world_), bystander(vhost_, world_, "other");
  const Undo undo = prepared_soon();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_FALSE(consumer.is_cut_off());
  inject(undo);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_TRUE(gone(undo).held) << "it is over when it has been done";
  EXPECT_TRUE(consumer.is_cut_off());
  EXPECT_FALSE(bystander.is_cut_off()) << "it consumes from another queue";
  EXPECT_EQ(vhost_.bodies(), "a b c");
  RabbitConsumer again(vhost_, world_);
  EXPECT_TRUE(proof(undo).held) << "one that has come back is another one";
  undo_it(undo);
}

TEST_F(CutConsumersOnRabbit, WithoutConsumersThereIsNoneToCut) {
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::refused);
}

TEST_F(CutConsumersOnRabbit, WhoIsNoAdministratorIsToldBefore) {
  EXPECT_TRUE(row_.may(deed_, world_.context()));
  vhost_.tag("monitoring");
  const auto may = row_.may(deed_, world_.context());
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, ErrorCode::refused);
  EXPECT_NE(may.error().hint.find("administrator"), std::string::npos) << may.error().hint;
}

}  // namespace
}  // namespace gameday
