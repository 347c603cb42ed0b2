#include "engine/load/bound_transport.h"

#include <gtest/gtest.h>

#include "tests/engine/load/made_transport.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

class BoundTransportTest : public testing::Test {
 protected:
  BoundTransport made(std::uint64_t most) {
    auto inner = std::make_unique<MadeTransport>(clock_);
    inner_ = inner.get();
    return {std::move(inner), clock_, most};
  }
  Status send(BoundTransport& transport, std::size_t ticket) {
    return transport.send({ticket, ticket, nullptr, clock_.now_.boot});
  }
  void work(BoundTransport& transport, Duration length) {
    transport.work(clock_.now_.boot + length,
                   [this](const TransportAnswer& answer) { answers_.push_back(answer); });
  }

  SetClock clock_;
  MadeTransport* inner_ = nullptr;
  std::vector<TransportAnswer> answers_;
};

TEST_F(BoundTransportTest, CarriesSoManyAndIsDoneOnceEachHasEnded) {
  BoundTransport transport = made(3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(transport.full());
    EXPECT_TRUE(send(transport, i));
  }
  EXPECT_TRUE(transport.full());
  EXPECT_FALSE(transport.done());
  work(transport, milliseconds(10));
  EXPECT_TRUE(transport.done());
  EXPECT_FALSE(transport.full());  // who sends is told
  const auto refused = send(transport, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::stopped);
  EXPECT_EQ(inner_->sent_.size(), 3U);
}

TEST_F(BoundTransportTest, WithoutABoundItCarriesAll) {
  BoundTransport transport = made(0);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_TRUE(send(transport, i));
  work(transport, milliseconds(10));
  EXPECT_EQ(answers_.size(), 100U);
  EXPECT_FALSE(transport.done());
  EXPECT_FALSE(transport.full());
}

TEST_F(BoundTransportTest, WhatIsGivenUpEndsUnknownAtThatTimeAndNothingMoreIsSent) {
  BoundTransport transport = made(0);
  EXPECT_TRUE(send(transport, 0));
  work(transport, milliseconds(10));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].outcome, SampleOutcome::ok);
  // Two that nobody answers.
  inner_->most_ = 2;
  EXPECT_TRUE(send(transport, 0));
  EXPECT_TRUE(send(transport, 1));
  inner_->waiting_.clear();
  inner_->full_ = true;
  const Instant at = clock_.now_.boot + milliseconds(500);
  transport.give_up(at);
  work(transport, std::chrono::seconds(60));
  EXPECT_EQ(clock_.now_.boot, at);
  ASSERT_EQ(answers_.size(), 3U);
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_EQ(answers_[i].outcome, SampleOutcome::unknown);
    EXPECT_EQ(answers_[i].end, at);
  }
  EXPECT_TRUE(transport.gave_up());
  EXPECT_EQ(transport.in_flight(), 0U);
  EXPECT_FALSE(transport.full());
  EXPECT_FALSE(send(transport, 0));
}

TEST_F(BoundTransportTest, AnAnswerBeforeItIsTimeIsAnAnswer) {
  BoundTransport transport = made(0);
  EXPECT_TRUE(send(transport, 0));
  transport.give_up(clock_.now_.boot + milliseconds(500));
  work(transport, std::chrono::seconds(60));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].outcome, SampleOutcome::ok);
  EXPECT_FALSE(transport.gave_up());
}

}  // namespace
}  // namespace gameday
