// A drill's door: who is let in, what is taken, and that everybody is answered.
#include "engine/runtime/door.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "engine/proxy/ask.h"
#include "engine/proxy/unix_socket.h"

namespace gameday {
namespace {

class DoorTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/gameday-door-XXXXXX";
    folder_ = mkdtemp(pattern);
    setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // No other run of this test has it, and no drill.
  static std::string own(const std::string& name) { return name + std::to_string(getpid()); }
  std::unique_ptr<DrillDoor> open(const std::string& drill) {
    auto door = DrillDoor::open(drill, inbox_, clock_, files_);
    EXPECT_TRUE(door.has_value()) << door.error().text;
    return std::move(*door);
  }
  Result<Json> ask(const std::string& path, const Json& request) {
    return ask_control(path, request, "the drill", clock_,
                       {Stop(), clock_.in(std::chrono::seconds(5))});
  }
  // Answers the next request as the runner would, with who asked.
  std::jthread answering() {
    return std::jthread([this] {
      auto message = inbox_.take(std::chrono::seconds(5));
      ASSERT_TRUE(message.has_value());
      const auto& asked = std::get<Asked>(*message);
      asked.answer->set_value(Json::object({{"who", to_json(asked.who)}}));
    });
  }

  std::string folder_;
  Inbox inbox_;
  SystemClock clock_;
  Files files_;
};

TEST_F(DoorTest, TellsTheRunnerWhoAsks) {
  const auto door = open(own("A"));
  const auto runner = answering();
  const auto answer = ask(door->path(), Json::object({{"op", "status"}, {"who", "somebody"}}));
  ASSERT_TRUE(answer.has_value()) << answer.error().text;
  EXPECT_EQ(answer->get("who").integer("uid", -1), geteuid());
  EXPECT_EQ(answer->get("who").text("name"), user_name(geteuid()));
  EXPECT_EQ(answer->get("who").text("via"), "socket");
}

TEST_F(DoorTest, IsFoundByTheStartOfItsDrill) {
  const auto door = open(own("FIND"));
  const auto found = find_door(own("FIND").substr(0, own("FIND").size() - 1));
  ASSERT_TRUE(found.has_value()) << found.error().text;
  EXPECT_EQ(found->path, door->path());
  EXPECT_TRUE(found->ours);
  const auto other = find_door("no-such-drill");
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::not_found);
}

TEST_F(DoorTest, OfSeveralHasToBeNamed) {
  const auto one = open(own("SEVERAL") + "-1");
  const auto two = open(own("SEVERAL") + "-2");
  const auto found = find_door(own("SEVERAL"));
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::conflict);
  EXPECT_NE(found.error().text.find(own("SEVERAL") + "-2"), std::string::npos);
}

TEST_F(DoorTest, OfARunnerThatDiedIsNotFound) {
  const std::string drill = own("DEAD");
  std::string path;
  {
    path = open(drill)->path();
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  // As a killed process leaves it: bound once, and nobody listens.
  const auto address = unix_address(path);
  const Descriptor bound(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(bound.get(), address->get(), address->size()), 0);
  EXPECT_FALSE(find_door(drill).has_value());
  std::filesystem::remove(path);
}

TEST_F(DoorTest, IsForItsUserAndTheGroupAlone) {
  const auto door = open(own("MODE"));
  struct stat found{};
  ASSERT_EQ(stat(door->path().c_str(), &found), 0);
  const group* operators = getgrnam("gameday");
  EXPECT_EQ(found.st_mode & 0777U, operators != nullptr ? 0660U : 0600U);
  if (operators != nullptr) {
    EXPECT_EQ(found.st_gid, operators->gr_gid);
  }
}

// A request that the kernel would not have let in is the kernel's to refuse.
TEST_F(DoorTest, LetsNoStrangerIn) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const auto door = open(own("STRANGER"));
  const pid_t child = fork();
  if (child == 0) {
    if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(3);
    const auto address = unix_address(door->path());
    const int stranger = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool in = connect(stranger, address->get(), address->size()) == 0;
    _exit(in ? 1 : errno == EACCES ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "0x100: it was let in";
}

TEST_F(DoorTest, AnswersThoseWhoWaitWhenTheDrillEnds) {
  auto door = open(own("END"));
  std::jthread asker([this, path = door->path()] {
    const auto answer = ask(path, Json::object({{"op", "status"}}));
    EXPECT_FALSE(answer.has_value());
  });
  auto message = inbox_.take(std::chrono::seconds(5));
  ASSERT_TRUE(message.has_value());
  door.reset();
}

TEST(DoorRequest, OfTheTerminalAnswersAndNothingElse) {
  const auto refused = typed_request("  refuse  gate   not today \n");
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->op, DoorOp::answer);
  EXPECT_EQ(refused->what, Answered::What::refused);
  EXPECT_EQ(refused->step, "gate");
  EXPECT_EQ(refused->text, "not today");
  EXPECT_EQ(typed_request("ack")->what, Answered::What::acknowledged);
  EXPECT_EQ(typed_request("approve")->what, Answered::What::approved);
  for (const char* line : {"", "stop", "acknowledge", "status"}) {
    EXPECT_FALSE(typed_request(line).has_value()) << line;
  }
}

TEST(DoorRequest, TakesNoMoreThanAJournalShould) {
  const auto note = [](const std::string& text) {
    return door_request(Json::object({{"op", "note"}, {"text", text}}));
  };
  ASSERT_TRUE(note(" the pager went off ").has_value());
  EXPECT_EQ(note(" the pager went off ")->text, "the pager went off");
  EXPECT_TRUE(note(std::string(2000, 'x')).has_value());
  EXPECT_FALSE(note(std::string(2001, 'x')).has_value());
  EXPECT_FALSE(note("  ").has_value());
  EXPECT_FALSE(door_request(Json::object({{"op", "explode"}})).has_value());
  EXPECT_FALSE(door_request(Json()).has_value());
}

}  // namespace
}  // namespace gameday
