// The transport of blocking clients, which are made up here: what each does is told by the drill.
#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "engine/load/request_pattern.h"
#include "engine/load/transport.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Seen {
  std::atomic<int> connected{0}, open{0};
};

// "slow" waits until it is stopped, "broken" loses its connection; all else is done at once.
class MadeClient : public LoadClient {
 public:
  MadeClient(Seen& seen, const Clock& clock, Until until)
      : seen_(seen), clock_(clock), until_(std::move(until)) {
    ++seen_.connected;
    ++seen_.open;
  }
  ~MadeClient() override { --seen_.open; }
  Written write(const WriteNames& names) override {
    EXPECT_FALSE(until_.stop.requested());
    if (names.drill == "slow") (void)clock_.sleep(until_);
    if (names.drill == "broken") return {SampleOutcome::unknown, false};
    if (names.drill == "refused") return {SampleOutcome::refused};
    return {SampleOutcome::ok};
  }

 private:
  Seen& seen_;
  const Clock& clock_;
  const Until until_;
};

class ClientTransportTest : public testing::Test {
 protected:
  void make(std::size_t most) {
    auto made =
        make_client_transport(clock_, most, [this](const Until& until) { return connect_(until); });
    transport_ = std::move(*made);
  }
  void send(std::size_t ticket, const std::string& drill, Duration patience = seconds(20)) {
    patterns_.push_back(
        std::make_unique<RequestPattern>(LoadRequest(), drill, "checkout", 7, secrets_));
    EXPECT_TRUE(transport_->send({ticket, 0, patterns_.back().get(), clock_.in(patience)}));
  }
  // Until all have been answered.
  void gather() {
    const Instant end = clock_.in(seconds(30));
    while (transport_->in_flight() > 0 && clock_.now().boot < end) {
      transport_->work(end, [this](const TransportAnswer& a) { answers_[a.ticket] = a; });
    }
  }
  SampleOutcome outcome(std::size_t ticket) { return answers_.at(ticket).outcome; }

  SystemClock clock_;
  Seen seen_;
  std::function<Result<std::unique_ptr<LoadClient>>(const Until&)> connect_ =
      [this](const Until& until) -> Result<std::unique_ptr<LoadClient>> {
    return std::make_unique<MadeClient>(seen_, clock_, until);
  };
  Secrets secrets_;
  std::vector<std::unique_ptr<RequestPattern>> patterns_;
  std::map<std::size_t, TransportAnswer> answers_;
  std::unique_ptr<Transport> transport_;
};

TEST_F(ClientTransportTest, OpensConnectionsAsTheyAreNeeded) {
  make(8);
  EXPECT_EQ(seen_.connected, 0);
  for (std::size_t seq = 0; seq < 20; ++seq) {
    send(seq, seq % 2 == 0 ? "good" : "refused");
    gather();
  }
  EXPECT_EQ(seen_.connected, 1) << "one after another, all go over the same";
  EXPECT_EQ(outcome(18), SampleOutcome::ok);
  EXPECT_EQ(outcome(19), SampleOutcome::refused);
}

TEST_F(ClientTransportTest, IsFullWhenEachConnectionWaits) {
  make(2);
  send(0, "slow", milliseconds(300));
  EXPECT_FALSE(transport_->full());
  send(1, "slow", milliseconds(300));
  EXPECT_TRUE(transport_->full());
  EXPECT_EQ(transport_->in_flight(), 2U);
  gather();
  EXPECT_EQ(transport_->in_flight(), 0U);
}

// What was asked for and not answered may have been done.
TEST_F(ClientTransportTest, WhatIsNotAnsweredInTimeIsUnknown) {
  make(1);
  const Instant began = clock_.now().boot;
  send(0, "slow", milliseconds(200));
  gather();
  EXPECT_EQ(outcome(0), SampleOutcome::unknown);
  EXPECT_GE(answers_[0].end - began, milliseconds(200));
  EXPECT_LT(answers_[0].end - began, seconds(5));
  // The next one has a connection of its own.
  while (transport_->full()) (void)clock_.sleep({Stop(), clock_.in(milliseconds(1))});
  send(1, "good");
  gather();
  EXPECT_EQ(outcome(1), SampleOutcome::ok);
  EXPECT_EQ(seen_.connected, 2);
}

TEST_F(ClientTransportTest, WhatBreaksAConnectionGetsAnotherOne) {
  make(1);
  send(0, "broken");
  gather();
  EXPECT_EQ(outcome(0), SampleOutcome::unknown);
  EXPECT_EQ(seen_.open, 0);
  send(1, "good");
  gather();
  EXPECT_EQ(outcome(1), SampleOutcome::ok);
}

TEST_F(ClientTransportTest, WithoutAConnectionNothingWasSent) {
  connect_ = [](const Until&) { return fail(ErrorCode::failed, "nobody is there"); };
  make(1);
  send(0, "good");
  gather();
  EXPECT_EQ(outcome(0), SampleOutcome::not_sent);
  EXPECT_LT(answers_[0].sent, answers_[0].end) << "we tried, and that is not our lateness";
}

TEST_F(ClientTransportTest, WhoStillConnectsHasSentNothing) {
  connect_ = [this](const Until& until) -> Result<std::unique_ptr<LoadClient>> {
    return std::unexpected(clock_.sleep(until).error());
  };
  make(1);
  send(0, "good", milliseconds(200));
  gather();
  EXPECT_EQ(outcome(0), SampleOutcome::not_sent);
}

TEST_F(ClientTransportTest, EndsThoseThatStillWait) {
  make(2);
  send(0, "slow");
  while (seen_.open == 0) (void)clock_.sleep({Stop(), clock_.in(milliseconds(1))});
  const Instant began = clock_.now().boot;
  transport_.reset();
  EXPECT_LT(clock_.now().boot - began, seconds(5));
  EXPECT_EQ(seen_.open, 0);
}

TEST_F(ClientTransportTest, ClosesConnectionsThatAreNotUsed) {
  make(1);
  send(0, "good");
  gather();
  EXPECT_EQ(seen_.open, 1);
  const Instant end = clock_.in(seconds(20));
  while (seen_.open > 0 && clock_.now().boot < end) {
    (void)clock_.sleep({Stop(), clock_.in(milliseconds(50))});
  }
  EXPECT_EQ(seen_.open, 0);
}

TEST_F(ClientTransportTest, WakesWhoWorks) {
  make(1);
  std::thread waker([this] {
    (void)clock_.sleep({Stop(), clock_.in(milliseconds(50))});
    transport_->wake();
  });
  const Instant began = clock_.now().boot;
  transport_->work(clock_.in(seconds(20)), [](const TransportAnswer&) {});
  EXPECT_LT(clock_.now().boot - began, seconds(10));
  waker.join();
}

TEST(ClientsFor, AreAsManyAsAStallNeedsWithinReason) {
  EXPECT_EQ(clients_for(5, seconds(1)), 7U);
  EXPECT_EQ(clients_for(5, seconds(2)), 12U);
  EXPECT_EQ(clients_for(0.1, milliseconds(100)), 3U);
  EXPECT_EQ(clients_for(1000, seconds(1)), 32U);
}

}  // namespace
}  // namespace gameday
