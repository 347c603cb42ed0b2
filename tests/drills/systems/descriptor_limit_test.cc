#include "drills/systems/descriptor_limit.h"

#include <sys/resource.h>

#include <csignal>

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

rlim_t soft_limit_of(pid_t pid) {
  rlimit limits{};
  EXPECT_EQ(prlimit(pid, RLIMIT_NOFILE, nullptr, &limits), 0);
  return limits.rlim_cur;
}

TEST(DescriptorLimit, IsLoweredAndComesBackAndThatOfSomebodyElseStays) {
  DeedWorld world;
  const auto id =
      world.doors().processes.start_detached({{"sleep", "60"}, "/", {}}, world.file("log"));
  ASSERT_TRUE(id);
  const rlim_t before = soft_limit_of(id->pid);
  const Deed deed{"step", "limit-some", "west", Json::object({{"leave", 4}})};
  const auto undo = prepare_descriptor_limit("limit-some", *id, "process", deed);
  ASSERT_TRUE(undo) << undo.error().text;
  EXPECT_EQ(undo->kind, "limit-some");
  EXPECT_FALSE(descriptors_limited(deed, *undo, world.context())->held);
  ASSERT_TRUE(limit_descriptors(deed, *undo, world.context()));
  EXPECT_LT(soft_limit_of(id->pid), before);
  EXPECT_TRUE(descriptors_limited(deed, *undo, world.context())->held);
  EXPECT_FALSE(descriptors_freed(*undo, world.context())->held);
  EXPECT_TRUE(free_descriptors(*undo, world.context()));
  EXPECT_EQ(soft_limit_of(id->pid), before);
  EXPECT_TRUE(descriptors_freed(*undo, world.context())->held);
  rlimit theirs{before - 1, before};
  EXPECT_EQ(prlimit(id->pid, RLIMIT_NOFILE, &theirs, nullptr), 0);
  EXPECT_TRUE(free_descriptors(*undo, world.context()));
  EXPECT_EQ(soft_limit_of(id->pid), before - 1);
  (void)world.doors().processes.signal(*id, SIGKILL);
  EXPECT_TRUE(world.doors().processes.wait_gone(*id, world.context().until));
  EXPECT_TRUE(descriptors_freed(*undo, world.context())->held);
}

}  // namespace
}  // namespace gameday
