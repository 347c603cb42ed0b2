#include "drills/systems/container_held.h"

#include "tests/drills/docker_fixture.h"
#include "tests/engine/proxy/peers.h"
#include "tests/probes/probe_world.h"

namespace gameday {
namespace {

// An engine of this test alone, which is taken down while it holds a container.
class OwnEngineOnDocker : public testing::Test {
 protected:
  OwnEngineOnDocker() : host_("unix://" + folder_ + "/docker.sock") {
    std::filesystem::create_directories(world_.private_folder());
    script("start");
    tool("run --detach --restart always --name cache gameday-box");
    world_.add_target("cache", "container", Json::object({{"name", "cache"}}));
  }
  ~OwnEngineOnDocker() override { script("stop"); }
  void script(const std::string& command) const {
    told("GAMEDAY_DOCKER_FOLDER=" + folder_ +
         " " GAMEDAY_SOURCE_DIR "/tests/systems/docker/engine " + command);
  }
  std::string tool(const std::string& words) const {
    return told("docker -H unix://" + folder_ + "/docker.sock " + words);
  }
  // As a power cut, or an upgrade: its containers end with it.
  void take_down() const {
    const auto pid = Files().read(folder_ + "/docker.pid");
    ASSERT_TRUE(pid);
    told("kill " + std::string(trimmed(*pid)));
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(folder_ + "/docker.pid"); }));
  }

  DeedWorld world_;
  const std::string folder_ = world_.file("engine");
  const OtherHost host_;
};

TEST_F(OwnEngineOnDocker, OneThatIsDownIsSaidToBeAndTheNextUndoMakesItGood) {
  const DeedContext context = world_.context();
  const Deed deed{"fault-1", "kill-container", "cache", Json::object()};
  const auto held = keep_container(deed, true, context);
  ASSERT_TRUE(held) << held.error().text;
  {
    const auto engine = engine_of(*held, context);
    ASSERT_TRUE(engine);
    ASSERT_TRUE(stay_down(*held, *engine, context));
    ASSERT_TRUE(signal_container(*held, "SIGKILL", *engine, context));
  }
  take_down();
  const auto failed = put_back(*held, context);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::failed);
  EXPECT_TRUE(failed.error().text.starts_with("the Docker engine at unix://"))
      << failed.error().text;
  EXPECT_TRUE(failed.error().hint.contains("start")) << failed.error().hint;
  EXPECT_FALSE(is_back(*held, context));
  script("start");
  // An engine that comes up starts all that says `always`: ours does not say so meanwhile.
  EXPECT_EQ(tool("inspect --format {{.State.Status}} cache"), "exited");
  const auto down = is_down(*held, context);
  ASSERT_TRUE(down);
  EXPECT_TRUE(down->held) << down->text;
  EXPECT_TRUE(put_back(*held, context));
  const auto back = is_back(*held, context);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->held) << back->text;
  EXPECT_EQ(tool("inspect --format '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' cache"),
            "running always");
}

// What an engine says while a container is ending, which is too short for a real one to be met in.
class EndingContainerTest : public testing::Test {
 protected:
  // Refuses to be updated so often, and how often it was asked.
  Status set(int refusals, const std::string& refusal) {
    const TestServer server([&](int connection, const std::stop_token& stop) {
      const std::string asked = TestServer::received(connection, stop);
      const bool updates = asked.starts_with("POST ") && asked.contains("/update");
      const bool refused = updates && updates_++ < refusals;
      const std::string body = refused ? R"({"message":")" + refusal + R"("})"
                                       : R"({"ApiVersion":"1.41","MinAPIVersion":"1.12"})";
      TestServer::give(connection, http_answer(refused ? 500 : 200, body, "Connection: close\r\n"),
                       stop);
    });
    const HeldContainer held{{"tcp://" + server.address(), "", true},
                             "ENGINE",
                             "0123456789abcdef",
                             "cache",
                             "2026-01-01T00:00:00Z",
                             "always",
                             0,
                             "/tmp/begun",
                             std::nullopt};
    TRY(engine, DockerEngine::open(held.endpoint, world_.context()));
    return stay_down(held, engine, world_.context());
  }

  DeedWorld world_;
  std::atomic<int> updates_ = 0;
};

TEST_F(EndingContainerTest, IsAskedAgainUntilTheEngineHasNoticed) {
  const Status done = set(3, "Cannot update container 0: runc did not end: container not running");
  EXPECT_TRUE(done) << done.error().text;
  EXPECT_EQ(updates_, 4);
}

TEST_F(EndingContainerTest, AnyOtherRefusalIsOne) {
  const Status refused = set(3, "no such policy");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text.contains("the restart policy of container cache"))
      << refused.error().text;
  EXPECT_TRUE(refused.error().text.contains("no such policy")) << refused.error().text;
  EXPECT_EQ(updates_, 1);
}

TEST_F(EndingContainerTest, OneThatNeverNoticesIsTold) {
  const Status refused = set(1'000'000, "container not running");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text.contains("container not running")) << refused.error().text;
}

// Each member that it lacks is missed.
TEST(HeldContainerTest, AnUndoIsReadAsItWasWritten) {
  HeldContainer held{{"unix:///run/docker.sock", "", true},
                     "ENGINE",
                     "0123456789abcdef",
                     "cache",
                     "2026-01-01T00:00:00Z",
                     "on-failure",
                     3,
                     "/tmp/begun",
                     std::nullopt};
  held.process = ProcessId{"boot", 4711, 12};
  const Json written = to_json(held);
  const auto read = held_container_from(written);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(to_json(*read).dump(), written.dump());
  EXPECT_EQ(shown(*read), "container cache (0123456789ab)");
  for (const char* name : {"endpoint", "engine", "id", "name", "begun"}) {
    Json less = written;
    less.erase(name);
    const auto lacking = held_container_from(less);
    ASSERT_FALSE(lacking) << name;
    EXPECT_EQ(lacking.error().code, ErrorCode::corrupt) << name;
  }
}

}  // namespace
}  // namespace gameday
