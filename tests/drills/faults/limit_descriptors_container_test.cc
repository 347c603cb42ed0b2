#include <grp.h>
#include <sys/stat.h>

#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow limit_descriptors_container_fault;

namespace {

// Opens six files at once, now and then, and tells by another one whether it could.
const std::string kOpens =
    "busybox sh -c 'exec 2>/dev/null; while :; do if (exec 4</bin/sh 5</bin/sh 6</bin/sh 7</bin/sh "
    "8</bin/sh 9</bin/sh); then busybox touch /tmp/all; busybox rm -f /tmp/few; else busybox touch "
    "/tmp/few; busybox rm -f /tmp/all; fi; busybox sleep 0.05; done'";

class LimitDescriptorsContainerOnDocker : public ContainerFixture {
 protected:
  LimitDescriptorsContainerOnDocker() : ContainerFixture(limit_descriptors_container_fault) {}
  static Deed leaving(std::int64_t count) {
    return {"fault-1", "limit-descriptors-container", "cache", Json::object({{"leave", count}})};
  }
  static std::string limits_of(const TestContainer& box) {
    return told("sed -n '/open files/p' /proc/" + box.is("{{.State.Pid}}") + "/limits");
  }
  static bool can_open(const TestContainer& box, const std::string& how_many) {
    return eventually(
        [&] { return docker("exec " + box.name() + " busybox ls /tmp", true) == how_many; });
  }
};

TEST_F(LimitDescriptorsContainerOnDocker, ItsNextFilesFailAndThenOpenAgain) {
  const TestContainer box("", kOpens);
  aim_at(box);
  const std::string before = limits_of(box), started = box.started();
  ASSERT_TRUE(can_open(box, "all"));
  const Undo undo = prepared(leaving(2));
  EXPECT_EQ(limits_of(box), before);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(leaving(2), undo, world_.context()));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_TRUE(can_open(box, "few"));
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(limits_of(box), before);
  EXPECT_TRUE(can_open(box, "all"));
  EXPECT_EQ(box.started(), started);
  expect_undone(undo);
}

// A user with the group of the socket, and no right over processes of others.
TEST_F(LimitDescriptorsContainerOnDocker, WithoutTheRightItIsRefusedBeforeTheDrill) {
  const TestContainer box;
  aim_at(box);
  EXPECT_TRUE(row_.may(leaving(2), world_.context()));
  struct stat door{};
  ASSERT_EQ(stat(TestEngine::host().substr(std::string_view("unix://").size()).c_str(), &door), 0);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kSomebody = 12345;
    const bool became =
        setgroups(1, &door.st_gid) == 0 && setgid(kSomebody) == 0 && setuid(kSomebody) == 0;
    const auto may = row_.may(leaving(2), world_.context());
    if (!may) std::fprintf(stderr, "%s\n", may.error().text.c_str());
    const bool refused = !may && may.error().code == ErrorCode::refused &&
                         may.error().text.contains("container " + box.name()) &&
                         may.error().text.contains("we lack CAP_SYS_RESOURCE");
    _exit(became && refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(LimitDescriptorsContainerOnDocker, OneThatIsStartedAnewHasNoLimitAnyMore) {
  const TestContainer box;
  aim_at(box);
  const std::string before = limits_of(box);
  const Undo undo = injected(leaving(2));
  docker("restart --time 0 " + box.name());
  EXPECT_FALSE(proof(undo).held);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  expect_undone(undo);
  EXPECT_EQ(limits_of(box), before);
}

}  // namespace
}  // namespace gameday
