#include "drills/systems/ssh.h"

#include "tests/drills/ssh_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

const SshHost kEdge{"edge-1", ""};

// Every byte that an argument can have, what shells take for something else next to each other, and
// none at all.
std::vector<std::string> hard_words() {
  std::vector<std::string> words = {"",     "a b",  "it's", "'",       "''",     "\\",  "\\\\",
                                    "\\'",  "'\\",  "!",    "!!",      "a!b'c!", "$x",  "$(id)",
                                    "`id`", "*",    "~",    "-n",      "--",     "{a}", "a\nb",
                                    "\n",   "\\\n", "%s",   "#",       "a;b&c|", "\t",  "\"q\"",
                                    "<a>",  "[a]",  "?",    "\\n\\t!", "=ls",    "^a^", "\r"};
  std::string all;
  for (int byte = 1; byte < 128; ++byte) all += static_cast<char>(byte);
  words.push_back(all);
  words.emplace_back("\xc3\xa4\xe2\x82\xac");
  return words;
}

TEST(Quoted, EachArgumentComesOutOfEveryShellAsItWentIn) {
  DeedWorld world;
  for (const char* shell : {"sh", "bash", "dash", "zsh", "fish", "busybox"}) {
    for (const auto& word : hard_words()) {
      const std::vector<std::string> argv = {"printf", "%s|", word, "after", word};
      std::vector<std::string> by = {shell, "-c", quoted(argv)};
      if (by[0] == "busybox") by.insert(by.begin() + 1, "sh");
      const auto ended = world.doors().processes.run({by, "/", {}}, world.context().until);
      ASSERT_TRUE(ended) << shell << ": " << ended.error().text;
      EXPECT_EQ(ended->output, word + "|after|" + word + "|") << shell << ": " << quoted(argv);
    }
  }
}

TEST(SaidBy, OnlyTheScriptsOwnEndTellsThatItWasDone) {
  const std::string begins = "Host key fingerprint is SHA256:abc\n+--[ED25519]--+\n";
  const std::string whole = begins + "begins-7\none\nends-8 9\ntwo\n\nends-7 3\n";
  const auto said = said_by(kEdge, "7", whole);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->code, 3);
  EXPECT_EQ(said->host_key, "SHA256:abc");
  EXPECT_EQ(said->output, "one\nends-8 9\ntwo\n");
  for (std::size_t cut = begins.size() + 9; cut < whole.size(); ++cut) {
    const auto broken = said_by(kEdge, "7", whole.substr(0, cut));
    ASSERT_FALSE(broken) << whole.substr(0, cut);
    EXPECT_TRUE(broken.error().text.contains("is not known")) << broken.error().text;
  }
  EXPECT_FALSE(said_by(kEdge, "7", whole + "Connection to edge-1 closed by remote host.\n"));
  EXPECT_EQ(said_by(kEdge, "7", "begins-7\n\nends-7 0\n")->output, "");
  EXPECT_TRUE(
      said_by(kEdge, "7", "This account is not available.\n").error().text.contains("reached"));
  EXPECT_TRUE(said_by(kEdge, "7", begins + "This account is not available.\n")
                  .error()
                  .text.contains("runs nothing for us"));
}

TEST(SshHostFrom, RefusesWhatSshWouldTakeForAnOption) {
  for (const char* wrong : {"-oProxyCommand=id", "a b", "a\nb", ""}) {
    EXPECT_FALSE(ssh_host_from(Json::object({{"to", wrong}}))) << wrong;
  }
  EXPECT_EQ(ssh_host_from(to_json(SshHost{"root@edge-1", "/c"}))->config, "/c");
}

class RunThereOnSsh : public testing::Test {
 protected:
  Result<Said> say(const std::string& script, const std::vector<std::string>& arguments = {}) {
    return run_there(machine_.host(), script, arguments, world_.context());
  }
  std::string refusal() {
    const auto said = say("true");
    return said ? "it answered"
                : std::string(name_of(said.error().code)) + ": " + said.error().text;
  }

  OwnNetns own_;
  DeedWorld world_;
  SshMachine machine_{world_};
};

TEST_F(RunThereOnSsh, RunsAScriptThereAndTellsHowItEnded) {
  const auto said = say("echo \"$1|$2\"; echo wrong >&2; exit 7", {"it's", "a\n$b"});
  ASSERT_TRUE(said) << said.error().text;
  EXPECT_EQ(said->output, "it's|a\n$b\nwrong\n");
  EXPECT_EQ(said->code, 7);
  EXPECT_EQ(said->host_key, machine_.fingerprint());
  EXPECT_TRUE(say("ip -o addr")->output.contains("10.77.0.2")) << "it is not there";
}

TEST_F(RunThereOnSsh, AHostKeyThatIsNotTheKnownOneIsRefusedWhateverTheConfigurationSays) {
  machine_.know("other");
  machine_.configure("user", "  StrictHostKeyChecking no\n");
  EXPECT_TRUE(refusal().starts_with("refused: edge-1 does not show the host key")) << refusal();
  machine_.write("known", "");
  EXPECT_TRUE(refusal().starts_with("refused: edge-1 does not show the host key")) << refusal();
  EXPECT_EQ(world_.doors().files.read(world_.file("known")).value(), "") << "it was taken as known";
}

TEST_F(RunThereOnSsh, AKeyThatIsNotLetInAndAMachineThatIsNotThereAreToldApart) {
  machine_.configure("stranger");
  EXPECT_TRUE(refusal().starts_with("refused: edge-1 lets none of our keys in")) << refusal();
  machine_.configure("user", "  Port 23\n");
  EXPECT_TRUE(refusal().starts_with("failed: edge-1 cannot be reached: ")) << refusal();
  const auto nobody =
      run_there({"nobody.invalid", machine_.host().config}, "true", {}, world_.context());
  EXPECT_EQ(nobody.error().code, ErrorCode::not_found) << nobody.error().text;
}

TEST_F(RunThereOnSsh, OneThatHangsIsLeftAtTheDeadlineAndAtAStop) {
  world_.set_until({{}, world_.clock().in(1s)});
  const auto late = say("sleep 30");
  EXPECT_EQ(late.error().code, ErrorCode::timed_out);
  EXPECT_TRUE(late.error().text.contains("is not known")) << late.error().text;
  // Nobody answers at all: the cable is out.
  world_.set_until({{}, world_.clock().in(30s)});
  machine_.netns().ip({"link", "set", "west", "down"});
  world_.set_until({{}, world_.clock().in(1s)});
  EXPECT_EQ(say("true").error().code, ErrorCode::timed_out);
  StopSource stop;
  world_.set_until({stop.stop(), world_.clock().in(30s)});
  std::jthread stopper([&] {
    (void)world_.clock().sleep({{}, world_.clock().in(50ms)});
    stop.request();
  });
  const Instant begun = world_.clock().now().boot;
  EXPECT_EQ(say("true").error().code, ErrorCode::stopped);
  EXPECT_LT(world_.clock().now().boot - begun, 250ms);
}

TEST_F(RunThereOnSsh, AConnectionThatBreaksLeavesWhatWasDoneUnknown) {
  const auto broken = say("echo some; kill -9 $PPID; sleep 1; echo more");
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().text.contains("broke off; what was done there by then is not known"))
      << broken.error().text;
}

}  // namespace
}  // namespace gameday
