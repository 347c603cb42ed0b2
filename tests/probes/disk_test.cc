#include <sys/mount.h>

#include "tests/drills/docker_fixture.h"
#include "tests/drills/ssh_fixture.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow disk_probe;

namespace {

// A filesystem of 1 MiB in memory and 100 inodes, ended with the test.
class SmallDisk {
 public:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    EXPECT_EQ(mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=1m,nr_inodes=100"), 0);
  }
  ~SmallDisk() { umount2(folder_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void take(const std::string& name, std::size_t bytes) const {
    std::ofstream(folder_ + "/" + name) << std::string(bytes, 'x');
  }

 private:
  const std::string folder_;
};

class DiskProbeTest : public ProbeTest {
 protected:
  DiskProbeTest() : ProbeTest(disk_probe) {}
  std::string looking(const std::string& expect, const std::string& on = "") const {
    return "{ disk: { path: " + world_.file("small") + on + ", expect: { " + expect + " } } }";
  }
  SmallDisk disk_{world_.file("small")};
};

TEST_F(DiskProbeTest, TellsItsRoomAndItsInodes) {
  const auto empty = ask(looking("free_at_least: 1MiB, used_at_most: 1%"));
  EXPECT_TRUE(empty.ok) << empty.text;
  EXPECT_EQ(empty.text, "1 MiB free, 0% used, 1% of its inodes");
  disk_.take("half", 512 << 10);
  expect_good(looking("free_at_least: 512KiB, used_at_most: 50%"));
  expect_no(looking("free_at_least: 513KiB"),
            "512 KiB free, 50% used, 2% of its inodes, expected at least 513KiB free");
  expect_no(looking("free_at_least: 1MiB, used_at_most: 49%"),
            "512 KiB free, 50% used, 2% of its inodes, expected at least 1MiB free and at most 49% "
            "used");
  for (int i = 0; i < 97; ++i) disk_.take(std::to_string(i), 0);
  expect_no(looking("inodes_used_at_most: 98%"),
            "512 KiB free, 50% used, 99% of its inodes, expected at most 98% of its inodes");
}

TEST_F(DiskProbeTest, WhatIsNotThereIsNotOk) {
  expect_no_with("{ disk: { path: /no/such, expect: { used_at_most: 99% } } }",
                 "No such file or directory");
}

TEST_F(DiskProbeTest, ExpectsSomethingSomewhere) {
  EXPECT_TRUE(problem("{ disk: { path: /, expect: {} } }").contains("it expects nothing"));
  system_ = "  west: { process: { pidfile: west.pid } }\n";
  EXPECT_TRUE(
      problem("{ disk: { path: /, on: west, expect: { used_at_most: 9% } } }").contains("ssh"));
}

class DiskProbeOnDocker : public DiskProbeTest {
 protected:
  DiskProbeOnDocker() { (void)TestEngine::host(); }
};

TEST_F(DiskProbeOnDocker, LooksInAContainer) {
  const TestContainer box("--tmpfs /small:size=1m");
  system_ = "  box: { container: " + box.name() + " }\n";
  const auto looking = [](const std::string& path) {
    return "{ disk: { path: " + path + ", on: box, expect: { free_at_least: 900KiB } } }";
  };
  expect_good(looking("/small"));
  docker("exec " + box.name() + " busybox dd if=/dev/zero of=/small/x bs=1k count=500");
  expect_no_with(looking("/small"), "free, 49% used");
  expect_no_with(looking("/no/such"), "/no/such");
  docker("kill " + box.name());
  expect_no_with(looking("/small"), "no running container");
}

class DiskProbeOnSsh : public OwnNetns, public ProbeTest {
 protected:
  DiskProbeOnSsh() : ProbeTest(disk_probe) {
    system_ = "  edge: { ssh: { to: edge-1, config: " + machine_.host().config + " } }\n";
  }
  SshMachine machine_{world_};
  SmallDisk disk_{world_.file("it's small")};
};

TEST_F(DiskProbeOnSsh, LooksOnAnotherMachine) {
  const auto looking = [&](const std::string& name) {
    return "{ disk: { path: \"" + world_.file(name) +
           "\", on: edge, expect: { free_at_least: 900KiB } } }";
  };
  expect_good(looking("it's small"));
  disk_.take("x", 512 << 10);
  expect_no_with(looking("it's small"), "512 KiB free, 50% used");
  expect_no_with(looking("nothing"), "No such file or directory");
}

}  // namespace
}  // namespace gameday
