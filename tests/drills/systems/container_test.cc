#include "drills/systems/container.h"

#include "tests/drills/docker_fixture.h"

namespace gameday {

extern const FacetRow container_facet;

namespace {

class ContainerOnDocker : public testing::Test {
 protected:
  ContainerOnDocker() {
    (void)TestEngine::host();
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(2))});
  }
  // A label that this test alone uses.
  std::string label() const { return "gd=" + world_.file(""); }
  Result<Instance> resolved(const Json& facet) {
    world_.system().targets.clear();
    return container_facet.resolve(world_.add_target("cache", "container", facet),
                                   world_.context());
  }
  Error refusal(const Json& facet) {
    const auto found = resolved(facet);
    EXPECT_FALSE(found) << "found " << found->shown;
    return found ? Error{} : found.error();
  }
  DeedWorld world_;
};

TEST_F(ContainerOnDocker, ANamedOneIsFoundWithWhatTellsItsInstancesApart) {
  const TestContainer box;
  const auto found = resolved(Json::object({{"name", box.name()}}));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->shown, "container " + box.name() + " (" + box.id().substr(0, 12) + ")");
  EXPECT_EQ(found->identity, "container:" + docker("info --format {{.ID}}") + "/" + box.name());
  EXPECT_EQ(found->facts.text("id"), box.id());
  EXPECT_EQ(found->facts.text("image"), "gameday-box");
  EXPECT_EQ(found->facts.text("started"), box.started());
  EXPECT_EQ(std::to_string(found->facts.integer("pid", 0)), box.is("{{.State.Pid}}"));
  EXPECT_EQ(found->facts.find("compose"), nullptr);
  EXPECT_EQ(resolved(Json::object({{"name", box.id().substr(0, 12)}}))->identity, found->identity);
}

TEST_F(ContainerOnDocker, NoneAndOneThatDoesNotRunAreNotFound) {
  const Error none = refusal(Json::object({{"name", "no-such"}}));
  EXPECT_EQ(none.code, ErrorCode::not_found);
  EXPECT_EQ(none.text, "no running container has the name no-such at " + TestEngine::host());
  const TestContainer box;
  docker("stop --time 0 " + box.name());
  const Error ended = refusal(Json::object({{"name", box.name()}}));
  EXPECT_EQ(ended.code, ErrorCode::not_found);
  EXPECT_TRUE(ended.text.ends_with(": " + box.name() + " (exited)")) << ended.text;
}

TEST_F(ContainerOnDocker, SeveralThatMatchAreNamedAndNoneIsTaken) {
  const TestContainer one("--label " + label());
  EXPECT_TRUE(resolved(Json::object({{"label", label()}})));
  const TestContainer two("--label " + label());
  const Error several = refusal(Json::object({{"label", label()}}));
  EXPECT_EQ(several.code, ErrorCode::conflict);
  EXPECT_TRUE(several.text.contains("2 running containers have the label " + label()))
      << several.text;
  EXPECT_TRUE(several.text.contains(one.name()) && several.text.contains(two.name()));
  docker("stop --time 0 " + one.name());
  EXPECT_EQ(resolved(Json::object({{"label", label()}}))->facts.text("id"), two.id())
      << "one that does not run is no match";
}

TEST_F(ContainerOnDocker, AComposeServiceIsFoundByItsLabels) {
  const std::string project = "p" + std::to_string(getpid());
  const std::string labels =
      " --label com.docker.compose.service=cache --label "
      "com.docker.compose.project=";
  const TestContainer one(labels + project);
  const TestContainer two(labels + project + "x");
  const auto facet = [](const std::string& of) {
    return Json::object({{"compose", Json::object({{"service", "cache"}, {"project", of}})}});
  };
  const auto found = resolved(facet(project));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->facts.text("id"), one.id());
  EXPECT_EQ(found->facts.get("compose").text("service"), "cache");
  EXPECT_EQ(found->facts.get("compose").text("project"), project);
  EXPECT_EQ(refusal(facet(project + "y")).code, ErrorCode::not_found);
}

// An image that was built upon another one is not that other one.
TEST_F(ContainerOnDocker, AnImageIsFoundByWhatItIs) {
  const std::string image = "gd-image-" + std::to_string(getpid());
  const TestContainer other;
  docker("commit " + other.name() + " " + image);
  EXPECT_EQ(refusal(Json::object({{"image", image}})).code, ErrorCode::not_found);
  docker("tag " + image + " " + image + ":two");
  docker("run --detach --name " + image + " " + image);
  EXPECT_TRUE(resolved(Json::object({{"image", image + ":two"}})));
  docker("rm --force " + image);
  docker("rmi " + image + " " + image + ":two");
  EXPECT_EQ(refusal(Json::object({{"image", image}})).code, ErrorCode::not_found);
}

TEST_F(ContainerOnDocker, WhatDescribesNoneOrNotOneWayOnlyIsInvalid) {
  EXPECT_EQ(refusal(Json::object()).code, ErrorCode::invalid);
  EXPECT_EQ(refusal(Json::object({{"name", "a1"}, {"label", "b"}})).code, ErrorCode::invalid);
  // No image may become another path, or another question.
  EXPECT_TRUE(refusal(Json::object({{"image", "gameday-box/json?x="}})).text.contains("reference"));
  for (const char* name : {"../../info", "a?b", "a/b", "a b"}) {
    EXPECT_EQ(refusal(Json::object({{"name", name}})).code, ErrorCode::invalid) << name;
  }
}

TEST_F(ContainerOnDocker, WhetherWeMayIsWhetherTheEngineAnswersUs) {
  const Target& target = world_.add_target("cache", "container", Json::object({{"name", "none"}}));
  EXPECT_TRUE(container_facet.may(target, world_.context()));
  const OtherHost none("unix:///no/such.sock");
  const auto may = container_facet.may(target, world_.context());
  ASSERT_FALSE(may);
  EXPECT_TRUE(may.error().text.starts_with("the Docker engine at unix:///no/such.sock: "));
}

// The undo must not depend on what the fault ends.
TEST_F(ContainerOnDocker, OneThatGamedayRunsInIsRefused) {
  const std::string name = "gd-own-" + std::to_string(getpid());
  EXPECT_TRUE(Files().write(world_.file("p.yaml"),
                            "gameday: 1\nname: own\nsummary: Own.\nowner: tests\nsystem:\n"
                            "  own: { container: " +
                                name + " }\ntimeline: [ { wait: 1s } ]\n"));
  const std::string socket = TestEngine::host().substr(std::string_view("unix://").size());
  const auto plan =
      docker("run --rm --name " + name + " --volume /usr:/usr --volume /usr/lib:/lib --volume " +
             "/usr/lib64:/lib64 --volume " GAMEDAY_BIN_DIR "/..:/gameday --volume " +
             world_.file("p.yaml") + ":/p.yaml --volume " + socket +
             ":/docker.sock --env DOCKER_HOST=unix:///docker.sock gameday-box /gameday/gameday "
             "plan /p.yaml");
  EXPECT_TRUE(plan.contains("NOT FOUND own: container " + name)) << plan;
  EXPECT_TRUE(plan.contains("is what gameday itself runs in")) << plan;
}

TEST_F(ContainerOnDocker, ItsStateIsReadWhateverItIs) {
  const TestContainer box("--restart on-failure:3 --stop-signal SIGUSR1");
  const auto engine = DockerEngine::open(world_.context());
  ASSERT_TRUE(engine);
  const auto look = [&] {
    return look_at_container(*engine, box.name(), world_.context()).value();
  };
  EXPECT_TRUE(look().runs);
  EXPECT_EQ(look().policy, "on-failure");
  EXPECT_EQ(look().retries, 3);
  EXPECT_EQ(look().stop_signal, "SIGUSR1");
  EXPECT_EQ(look().health, "none");
  EXPECT_FALSE(look().removed_at_end);
  docker("pause " + box.name());
  EXPECT_TRUE(look().paused && look().runs);
  docker("unpause " + box.name());
  docker("stop --time 0 " + box.name());
  EXPECT_FALSE(look().runs);
  EXPECT_EQ(look().state, "exited");
  EXPECT_EQ(look().exit_code, 137);
}

}  // namespace
}  // namespace gameday
