#include "engine/load/tell_socket.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace gameday {
namespace {

using std::chrono::milliseconds;

Descriptor connect_to(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  return socket;
}
void say(const Descriptor& socket, const std::string& text) {
  EXPECT_EQ(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

class TellSocketTest : public testing::Test {
 protected:
  TellSocketTest() : socket_(TellSocket::listen(name_)) {}

  void hear() {
    for (int turns = 0; turns < 5; ++turns) {
      socket_->work(clock_.in(milliseconds(20)), -1, clock_,
                    {[this](int teller, std::string_view line) {
                       heard_.push_back(std::to_string(teller) + ":" + std::string(line));
                     },
                     [this](int teller) { heard_.push_back(std::to_string(teller) + " left"); }});
    }
  }

  const std::string name_ = "gameday-test-" + std::to_string(getpid());
  SystemClock clock_;
  Result<TellSocket> socket_;
  std::vector<std::string> heard_;
};

TEST_F(TellSocketTest, HearsLinesOfEachUntilItLeaves) {
  ASSERT_TRUE(socket_) << socket_.error().text;
  Descriptor first = connect_to(name_);
  const Descriptor second = connect_to(name_);
  say(first, "hello\nhalf a ");
  say(second, "there\n");
  hear();
  say(first, "line\n");
  hear();
  EXPECT_EQ(heard_, (std::vector<std::string>{"0:hello", "1:there", "0:half a line"}));
  first.reset();
  hear();
  EXPECT_EQ(heard_.back(), "0 left");
  EXPECT_FALSE(socket_->empty());
  socket_->say_to_all("end\n");
  char word[8] = {};
  EXPECT_EQ(read(second.get(), word, sizeof word), 4);
}

TEST_F(TellSocketTest, ALineWithoutEndIsNotKept) {
  ASSERT_TRUE(socket_) << socket_.error().text;
  const Descriptor teller = connect_to(name_);
  say(teller, std::string(100'000, 'x'));
  hear();
  EXPECT_EQ(heard_, (std::vector<std::string>{"0 left"}));
  EXPECT_TRUE(socket_->empty());
}

TEST_F(TellSocketTest, ItsNameIsOfOneAtATime) {
  ASSERT_TRUE(socket_);
  EXPECT_FALSE(TellSocket::listen(name_));
  EXPECT_FALSE(TellSocket::listen(std::string(200, 'x')));
}

TEST_F(TellSocketTest, HearsNobodyElse) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ASSERT_TRUE(socket_) << socket_.error().text;
  const pid_t child = fork();
  if (child == 0) {
    if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(3);
    const Descriptor teller = connect_to(name_);
    const char words[] = "hello\n";
    (void)!send(teller.get(), words, sizeof words - 1, MSG_NOSIGNAL);
    _exit(teller ? 0 : 4);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  hear();
  EXPECT_TRUE(heard_.empty()) << heard_.front();
}

}  // namespace
}  // namespace gameday
