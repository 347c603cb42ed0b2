#include "drills/systems/spoken_line.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

class SpokenLineTest : public testing::Test {
 protected:
  SpokenLineTest() {
    int both[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
    ours_ = Descriptor(both[0]);
    fcntl(ours_.get(), F_SETFL, O_NONBLOCK);
    theirs_ = Descriptor(both[1]);
  }
  void they_say(const std::string& text) const {
    EXPECT_EQ(send(theirs_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  DeedContext within(Duration patience) {
    world_.set_until({{}, world_.clock().in(patience)});
    return world_.context();
  }
  Heard hear_for(const std::string& wanted) {
    return hear(ours_, wanted, within(std::chrono::seconds(10)));
  }

  DeedWorld world_;
  Descriptor ours_, theirs_;
};

TEST_F(SpokenLineTest, AllOfItIsSaidToWhoeverListensSlowly) {
  const std::string much(4 << 20, 'x');
  std::size_t came = 0;
  std::thread listener([&] {
    std::string bytes(1 << 16, '\0');
    for (ssize_t got = 1; got > 0 && came < much.size();) {
      (void)poll(nullptr, 0, 1);
      got = recv(theirs_.get(), bytes.data(), bytes.size(), 0);
      came += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
  });
  EXPECT_TRUE(say(ours_, much, within(std::chrono::seconds(30))));
  listener.join();
  EXPECT_EQ(came, much.size());
}

TEST_F(SpokenLineTest, WhoeverDoesNotListenIsNotWaitedForWithoutEnd) {
  const int few = 1;
  setsockopt(ours_.get(), SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
  const auto said = say(ours_, std::string(4 << 20, 'x'), within(milliseconds(100)));
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, ErrorCode::timed_out);
}

TEST_F(SpokenLineTest, WhatIsWantedMayComeInPieces) {
  they_say("+PO");
  std::thread later([&] {
    (void)poll(nullptr, 0, 20);
    they_say("NG\r\nmore");
  });
  const Heard heard = hear_for("PONG");
  later.join();
  EXPECT_EQ(heard.end, "");
  EXPECT_TRUE(heard.text.starts_with("+PONG")) << heard.text;
}

TEST_F(SpokenLineTest, TheEndSaysWhyNoMoreCame) {
  they_say("nothing such");
  shutdown(theirs_.get(), SHUT_WR);
  const Heard closed = hear_for("PONG");
  EXPECT_EQ(closed.text, "nothing such");
  EXPECT_EQ(closed.end, "the peer closed");
}

TEST_F(SpokenLineTest, SoMuchIsHeardAndNoMore) {
  std::thread talker([&] { they_say(std::string(100 << 10, 'x')); });
  const Heard heard = hear_for("PONG");
  EXPECT_EQ(heard.text.size(), std::size_t{64} << 10);
  EXPECT_EQ(heard.end, "the peer sent more");
  std::string rest(64 << 10, '\0');
  (void)recv(ours_.get(), rest.data(), rest.size(), 0);
  talker.join();
}

}  // namespace
}  // namespace gameday
