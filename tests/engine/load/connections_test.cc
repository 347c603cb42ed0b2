// The connections of the transports of HTTP: kept, let go, opened on demand, and as many as may be.
#include <thread>

#include "tests/engine/load/transport_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ConnectionsTest : public TransportTest {};
// What libcurl does in a way of its own: it may say of a request that it was sent that was not, and
// takes what comes between for the next answer.
class OwnConnectionsTest : public TransportTest {};
// Of who is not woken for each answer.
class BatchedConnectionsTest : public TransportTest {};

TEST_P(ConnectionsTest, KeepsItsConnectionAndOpensAnotherOneWhileItIsBusy) {
  std::size_t one = 0;
  const FarEnd far = heard(one);
  far.say(kYes);
  EXPECT_EQ(end_of(one), "ok 200");
  const auto two = send(asking());
  work(milliseconds(20));
  EXPECT_FALSE(far.hear().empty());
  EXPECT_FALSE(somebody_connects());
  const auto three = send(asking());
  const FarEnd other = accepted();
  work(milliseconds(20));
  EXPECT_FALSE(other.hear().empty());
  other.say(kYes);
  EXPECT_EQ(end_of(three), "ok 200");
  far.say(kYes);
  EXPECT_EQ(end_of(two), "ok 200");
}

TEST_P(ConnectionsTest, AConnectionThatIsClosedAfterTheAnswerIsNotUsedAgain) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_TRUE(far.has_ended());
  std::size_t next = 0;
  FarEnd other = heard(next);
  other.say("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  other.close();
  EXPECT_EQ(end_of(next), "ok 200");
}

TEST_P(ConnectionsTest, OneThatEndedWithoutWorkIsLetGo) {
  std::size_t seq = 0;
  FarEnd far = heard(seq);
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  far.close();
  work(milliseconds(20));
  std::size_t next = 0;
  const FarEnd other = heard(next);
  other.say(kYes);
  EXPECT_EQ(end_of(next), "ok 200");
}

// Nothing of the request was taken, so that another connection may have it.
TEST_P(OwnConnectionsTest, OneThatWasResetWithoutWorkIsNotAskedAgain) {
  std::size_t seq = 0;
  FarEnd far = heard(seq);
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  far.reset();
  (void)clock_.sleep({Stop(), clock_.in(milliseconds(20))});
  std::size_t next = 0;
  const FarEnd other = heard(next);
  other.say(kYes);
  EXPECT_EQ(end_of(next), "ok 200");
}

TEST_P(OwnConnectionsTest, OneThatSaysWhatNobodyAskedForIsLetGo) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  far.say(kYes);
  work(milliseconds(20));
  std::size_t next = 0;
  const FarEnd other = heard(next);
  other.say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end_of(next), "ok 201");
}

TEST_P(OwnConnectionsTest, WhereNobodyCanConnectNothingIsSent) {
  PlainHttp nowhere;
  auto& address = reinterpret_cast<sockaddr_in&>(nowhere.address.bytes);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  address.sin_port = htons(80);
  nowhere.address.size = sizeof address;
  auto made = made_by(GetParam(), 4, nowhere);
  ASSERT_TRUE(made);
  transport_ = std::move(*made);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(end_of(send(asking())), "not_sent 0");
}

// More bytes at once than the kernel has been given room for.
TEST_P(ConnectionsTest, ManyLongAnswersAtOnceAreAllTaken) {
  constexpr std::size_t kMany = 50;
  if (is_uring(GetParam())) {
    transport_ = *make_uring_transport(clock_, kMany, to_, 4);
  } else {
    make(kMany);
  }
  std::vector<std::size_t> sent;
  std::vector<FarEnd> all;
  for (std::size_t i = 0; i < kMany; ++i) {
    sent.push_back(send(asking()));
    all.push_back(accepted());
  }
  work(milliseconds(20));
  const std::string body(20000, 'x');
  for (const FarEnd& far : all) {
    far.say("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + body);
  }
  for (const std::size_t seq : sent) EXPECT_EQ(end_of(seq), "ok 200");
}

// It counts from when the answer had come, not from when we looked.
TEST_P(BatchedConnectionsTest, AnAnswerThatLayThereHasItsOwnTime) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  const Instant said = clock_.now().boot;
  far.say(kYes);
  (void)clock_.sleep({Stop(), clock_.in(milliseconds(100))});
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_GE(answers_[seq].end, said);
  EXPECT_LT(answers_[seq].end - said, milliseconds(60));
}

TEST_P(OwnConnectionsTest, WhoAcceptsAndNeverAnswersCostsNothingButTime) {
  // Who shakes hands pays for its part of it.
  const std::size_t many = is_tls(GetParam()) ? 200 : 2000;
  listen(listener_.get(), static_cast<int>(many));
  make(many);
  const TransportRequest request = asking();
  const Instant begun = clock_.now().boot;
  for (std::size_t i = 0; i < many; ++i) {
    EXPECT_TRUE(transport_->send({i, i, request.pattern, begun + milliseconds(800 + i / 20)}));
  }
  EXPECT_TRUE(transport_->full());
  const Duration before = thread_cpu_time();
  work(milliseconds(1200) - (clock_.now().boot - begun));
  EXPECT_LT(thread_cpu_time() - before, milliseconds(500));
  ASSERT_EQ(answers_.size(), many);
  for (const auto& [ticket, answer] : answers_) {
    EXPECT_EQ(answer.outcome,
              is_tls(GetParam()) ? SampleOutcome::not_sent : SampleOutcome::unknown);
    EXPECT_GE(answer.end, begun + milliseconds(800 + ticket / 20));
  }
  EXPECT_EQ(transport_->in_flight(), 0U);
}

// Nobody takes its connection: it is made, and nothing but the kernel has the request, or what is
// said before one.
TEST_P(ConnectionsTest, AllThatItMayHaveIsFullAndGivenBackInTime) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(transport_->full());
    TransportRequest request = asking();
    request.give_up = clock_.in(milliseconds(150));
    (void)send(request);
  }
  EXPECT_TRUE(transport_->full());
  const std::string end = is_tls(GetParam()) ? "not_sent 0" : "unknown 0";
  for (std::size_t seq = 1; seq <= 4; ++seq) EXPECT_EQ(end_of(seq), end);
  EXPECT_FALSE(transport_->full());
  EXPECT_EQ(transport_->in_flight(), 0U);
}

TEST_P(ConnectionsTest, WhoIsWokenAmongManyReturnsSoon) {
  make(100);
  for (int i = 0; i < 100; ++i) (void)send(asking());
  work(milliseconds(50));
  std::jthread waking([&] {
    (void)clock_.sleep({Stop(), clock_.in(milliseconds(50))});
    transport_->wake();
  });
  const Instant begun = clock_.now().boot;
  work(milliseconds(1));
  EXPECT_LT(clock_.now().boot - begun, milliseconds(500));
}

INSTANTIATE_TEST_SUITE_P(Each, ConnectionsTest, testing::ValuesIn(kinds_here()), name_of_kind);
INSTANTIATE_TEST_SUITE_P(Each, OwnConnectionsTest, testing::ValuesIn(kinds_here(Kind::epoll)),
                         name_of_kind);
INSTANTIATE_TEST_SUITE_P(Each, BatchedConnectionsTest, testing::ValuesIn(kinds_here(Kind::uring)),
                         name_of_kind);
// Where the kernel refuses io_uring there are none of these.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BatchedConnectionsTest);

}  // namespace
}  // namespace gameday
