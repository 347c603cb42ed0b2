#include "drills/systems/docker.h"

#include <sys/wait.h>

#include "tests/drills/docker_fixture.h"
#include "tests/probes/probe_world.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

// What an engine answers that a real one cannot be made to say here.
class FakeDockerTest : public testing::Test {
 protected:
  Error refusal(const std::string& answer) {
    const AnswerServer server(answer);
    const auto engine =
        DockerEngine::open({"tcp://" + server.address(), "", true}, world_.context());
    EXPECT_FALSE(engine) << "opened";
    return engine ? Error{} : engine.error();
  }
  Result<DockerApi> agreed(const std::string& newest, const std::string& oldest) {
    const AnswerServer server(http_answer(
        200, R"({"ApiVersion":")" + newest + R"(","MinAPIVersion":")" + oldest + "\"}"));
    TRY(engine, DockerEngine::open({"tcp://" + server.address(), "", true}, world_.context()));
    return engine.api();
  }
  DeedWorld world_;
};

TEST_F(FakeDockerTest, TheNewestVersionThatBothKnowIsSpoken) {
  EXPECT_EQ(agreed("1.41", "1.12"), (DockerApi{1, 41}));
  EXPECT_EQ(agreed("1.51", "1.24"), kNewestDockerApi);
  EXPECT_EQ(agreed("1.52", "1.44"), kNewestDockerApi);
  EXPECT_EQ(agreed("1.25", ""), kOldestDockerApi);
}

TEST_F(FakeDockerTest, AnEngineThatIsTooOldOrTooNewIsRefusedWithBothVersions) {
  const auto late = agreed("1.60", "1.50");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::unsupported);
  EXPECT_TRUE(
      late.error().text.contains("speaks the versions 1.50 to 1.60 of the API, and gameday "
                                 "1.25 to 1.44"))
      << late.error().text;
  EXPECT_EQ(late.error().hint, "install a newer gameday");
  EXPECT_EQ(agreed("1.24", "1.12").error().hint, "install a newer engine");
}

TEST_F(FakeDockerTest, WhatIsNoEngineIsSaidToBeNone) {
  for (const std::string body : {"{}", R"({"ApiVersion":"one"})", R"({"ApiVersion":"1."})"}) {
    EXPECT_EQ(refusal(http_answer(200, body)).code, ErrorCode::unsupported) << body;
  }
  EXPECT_FALSE(refusal(http_answer(200, "<html>")).text.empty());
  const Error refused = refusal(http_answer(403, R"({"message":"authorization denied"})"));
  EXPECT_EQ(refused.code, ErrorCode::refused);
  EXPECT_TRUE(refused.text.ends_with(": authorization denied")) << refused.text;
  EXPECT_TRUE(refusal(http_answer(500, "oops\nagain")).text.ends_with(": status 500: oops"));
  EXPECT_TRUE(refusal(http_answer(400, "")).text.ends_with(": status 400"));
  EXPECT_TRUE(refusal(http_answer(400, "\x1b[2J")).text.ends_with(": status 400"));
}

TEST_F(FakeDockerTest, AnEngineThatIsNotThereIsNamedWithWhatToDo) {
  const std::string path = world_.file("docker.sock");
  const auto none = DockerEngine::open({"unix://" + path, "", true}, world_.context());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::failed) << "only an engine says what is not there";
  EXPECT_EQ(none.error().text,
            "the Docker engine at unix://" + path + ": no such file or directory");
  EXPECT_TRUE(none.error().hint.contains("DOCKER_HOST")) << none.error().hint;
  const auto closed = DockerEngine::open({"tcp://127.0.0.1:1", "", true}, world_.context());
  EXPECT_EQ(closed.error().code, ErrorCode::failed);
  EXPECT_TRUE(closed.error().hint.contains("DOCKER_TLS_VERIFY")) << closed.error().hint;
}

class EngineOnDocker : public testing::Test {
 protected:
  EngineOnDocker() { (void)TestEngine::host(); }
  DeedWorld world_;
};

TEST_F(EngineOnDocker, AnswersInTheVersionAgreedUpon) {
  const auto engine = DockerEngine::open(world_.context());
  ASSERT_TRUE(engine) << engine.error().text;
  EXPECT_EQ(shown(engine->api()), docker("version --format {{.Server.APIVersion}}"));
  EXPECT_EQ(engine->shown(), "the Docker engine at " + TestEngine::host());
  const auto id = engine->id(world_.context());
  ASSERT_TRUE(id);
  EXPECT_EQ(*id, docker("info --format {{.ID}}"));
  const auto none = engine->get("/containers/no-such/json", world_.context());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  EXPECT_EQ(none.error().text, engine->shown() + ": No such container: no-such");
}

TEST_F(EngineOnDocker, MakesStartsAndRemoves) {
  const auto engine = DockerEngine::open(world_.context());
  ASSERT_TRUE(engine);
  const std::string name = "gd-" + std::to_string(getpid()) + "-made";
  const auto made = engine->post("/containers/create?name=" + name,
                                 Json::object({{"Image", "gameday-box"}}), world_.context());
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(engine
                ->post("/containers/create?name=" + name, Json::object({{"Image", "gameday-box"}}),
                       world_.context())
                .error()
                .code,
            ErrorCode::conflict);
  EXPECT_TRUE(engine->post("/containers/" + name + "/start", {}, world_.context()));
  const auto again = engine->post("/containers/" + name + "/start", {}, world_.context());
  ASSERT_TRUE(again) << "that it runs already is an answer: " << again.error().text;
  EXPECT_TRUE(again->is_null());
  EXPECT_TRUE(engine->drop("/containers/" + name + "?force=true", world_.context()));
  EXPECT_EQ(engine->drop("/containers/" + name, world_.context()).error().code,
            ErrorCode::not_found);
}

TEST_F(EngineOnDocker, ChangesAreSeenByTheObserverAndQuestionsAreNot) {
  int seen = 0;
  world_.doors().observer = [&seen](std::string_view door, Side) {
    seen += door == "http" ? 1 : 0;
  };
  const auto engine = DockerEngine::open(world_.context());
  ASSERT_TRUE(engine);
  EXPECT_EQ(seen, 0);
  (void)engine->post("/containers/no-such/start", {}, world_.context());
  EXPECT_EQ(seen, 2);
}

TEST_F(EngineOnDocker, ASocketOfRootsIsRefusedToOthersWithWhatToDo) {
  if (geteuid() != 0) GTEST_SKIP() << "root alone can become somebody else";
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(2);
    const auto engine = DockerEngine::open(world_.context());
    const bool right =
        !engine && engine.error().code == ErrorCode::refused &&
        engine.error().text.contains("docker.sock: permission denied (its socket is for ") &&
        engine.error().hint.contains("group");
    _exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace gameday
