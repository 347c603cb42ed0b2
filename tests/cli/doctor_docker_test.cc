// What doctor says of Docker.
#include <sys/stat.h>

#include "tests/cli/cli_fixture.h"
#include "tests/drills/docker_fixture.h"

namespace gameday {
namespace {

class DoctorDockerTest : public CliTest {
 protected:
  [[nodiscard]] Json line(std::string_view name) const {
    const Json found = document(run({"doctor", "--json"}));
    for (const auto& check : found.items("checks")) {
      if (check.text("name") == name) return check;
    }
    ADD_FAILURE() << "no line " << name;
    return {};
  }
  void make_program(const std::string& name, const std::string& script) const {
    write(name, "#!/bin/sh\n" + script + "\n");
    chmod(file(name).c_str(), 0755);
  }
};

TEST_F(DoctorDockerTest, AnEngineThatDoesNotAnswerIsNamedWithWhatToDo) {
  const OtherHost none("unix:///no/such.sock");
  const Json engine = line("docker engine");
  EXPECT_FALSE(engine.boolean("ok", true));
  EXPECT_FALSE(engine.boolean("needed", true)) << "drills on processes do without";
  EXPECT_EQ(engine.text("found"),
            "the Docker engine at unix:///no/such.sock: no such file or directory");
  EXPECT_TRUE(engine.text("advice").contains("DOCKER_HOST"));
  EXPECT_TRUE(engine.get("faults").dump().contains("pause")) << engine.dump();
}

TEST_F(DoctorDockerTest, EachComposeIsLookedFor) {
  setenv("PATH", folder_.c_str(), 1);
  EXPECT_FALSE(line("compose").boolean("ok", true));
  make_program("docker-compose", "echo 1.29.2");
  make_program("docker", "echo \"'compose' is not a docker command.\"; exit 1");
  EXPECT_EQ(line("compose").text("found"), "docker-compose 1.29.2");
  make_program("docker", "[ \"$1 $2\" = 'compose version' ] && echo 2.24.5");
  EXPECT_EQ(line("compose").text("found"), "docker-compose 1.29.2, docker compose 2.24.5");
}

TEST_F(DoctorDockerTest, AnEngineThatAnswersIsToldWithItsVersionsOnDocker) {
  (void)TestEngine::host();
  const Json engine = line("docker engine");
  EXPECT_TRUE(engine.boolean("ok", false)) << engine.dump();
  const std::string found = engine.text("found");
  EXPECT_TRUE(found.starts_with(TestEngine::host() + " answers: version " +
                                docker("version --format {{.Server.Version}}") + ", API " +
                                docker("version --format {{.Server.APIVersion}}")))
      << found;
  EXPECT_TRUE(found.ends_with("cgroup version " + docker("info --format {{.CgroupVersion}}") +
                              " by " + docker("info --format {{.CgroupDriver}}")))
      << found;
}

}  // namespace
}  // namespace gameday
