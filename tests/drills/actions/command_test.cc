// An action by a command: done and proven by two real commands, and what they must keep to.
#include <thread>

#include "tests/drills/deed_world.h"

namespace gameday {

extern const ActionRow command_action;

namespace {

Json words(std::initializer_list<const char*> argv) {
  Json list = Json::array();
  for (const char* word : argv) list.push(word);
  return list;
}

class CommandActionTest : public testing::Test {
 protected:
  Deed deed(const Json& what, const Json& check = words({"true"})) {
    return {"step", "action", "",
            Json::object({{"do", what}, {"check", check}, {"folder", world.file("")}}), "command"};
  }
  Status perform(const Deed& wanted) { return command_action.perform(wanted, world.context()); }
  Result<Proof> prove(const Deed& wanted) { return command_action.prove(wanted, world.context()); }

  DeedWorld world;
};

TEST_F(CommandActionTest, IsDoneInThePlaybooksFolderAndProvenByTheOther) {
  const Deed promote = deed(words({"sh", "-c", "echo new > role"}), words({"grep", "new", "role"}));
  const auto before = prove(promote);
  ASSERT_TRUE(before.has_value());
  EXPECT_FALSE(before->held);
  ASSERT_TRUE(perform(promote));
  EXPECT_TRUE(std::filesystem::exists(world.file("role")));
  const auto after = prove(promote);
  ASSERT_TRUE(after.has_value());
  EXPECT_TRUE(after->held);
  EXPECT_EQ(after->text, "grep exited with 0: new");
}

TEST_F(CommandActionTest, ThatFailsSaysWhatItSaid) {
  const auto done = perform(deed(words({"sh", "-c", "echo no quorum; exit 3"})));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().text, "sh exited with 3: no quorum");
}

TEST_F(CommandActionTest, ThatIsKilledIsNotOneThatExited) {
  const auto done = perform(deed(words({"sh", "-c", "kill -9 $$"})));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().text, "sh ended by signal 9");
}

TEST_F(CommandActionTest, ThatIsNotThereIsAnError) {
  EXPECT_FALSE(perform(deed(words({"./no-such-command"}))).has_value());
  EXPECT_FALSE(prove(deed(words({"true"}), words({"./no-such-command"}))).has_value());
}

TEST_F(CommandActionTest, WithoutWordsIsAnError) {
  const auto done = perform(deed(Json::array()));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::invalid);
}

TEST_F(CommandActionTest, EndsWithItsChildrenAtAStop) {
  StopSource stop;
  world.set_until({stop.stop(), world.clock().in(std::chrono::seconds(30))});
  const Instant begun = world.clock().now().boot;
  std::jthread stopper([&] {
    (void)world.clock().sleep({Stop(), world.clock().in(std::chrono::milliseconds(100))});
    stop.request();
  });
  const auto done = perform(deed(words({"sh", "-c", "(sleep 20; echo late > late) & wait"})));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::stopped);
  EXPECT_LT(world.clock().now().boot - begun, std::chrono::seconds(2));
}

}  // namespace
}  // namespace gameday
