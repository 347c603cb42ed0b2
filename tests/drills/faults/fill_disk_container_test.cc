#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow fill_disk_container_fault;

namespace {

class FillDiskContainerOnDocker : public ContainerFixture {
 protected:
  FillDiskContainerOnDocker() : ContainerFixture(fill_disk_container_fault) {}
  static Deed filling(const std::string& path, const std::string& size = "0B") {
    return {"fault-1", "fill-disk-container", "cache",
            Json::object({{"path", path}, {"leave", "1MiB"}, {"size", size}})};
  }
  std::string refusal(const Deed& deed) {
    const auto may = row_.may(deed, world_.context());
    return may ? std::string("may") : may.error().text;
  }
  // Whether it can write so many bytes there, and what is there then.
  static std::string writes(const TestContainer& box, const std::string& file, int bytes) {
    return docker("exec " + box.name() + " busybox sh -c 'busybox dd if=/dev/zero of=" + file +
                      " bs=" + std::to_string(bytes) +
                      " count=1 2>/dev/null && echo yes || echo full; busybox rm -f " + file + "'",
                  true);
  }
  static std::string files(const TestContainer& box, const std::string& folder) {
    return docker("exec " + box.name() + " busybox ls -A " + folder);
  }
};

constexpr int kMebibyte = 1 << 20;

// A volume that is a filesystem of its own: what is written there fails, and nowhere else.
TEST_F(FillDiskContainerOnDocker, AVolumeOfItsOwnIsFullForItsContainerAlone) {
  const TestPart volume("volume", "--opt type=tmpfs --opt device=tmpfs --opt o=size=64m");
  const TestContainer box("--volume " + volume.name() + ":/own --volume /more");
  aim_at(box);
  const Deed deed = filling("/own");
  ASSERT_EQ(refusal(deed), "may");
  const Undo undo = prepared(deed);
  EXPECT_EQ(files(box, "/own"), "");
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(deed, undo, world_.context()));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_EQ(writes(box, "/own/theirs", 4 * kMebibyte), "full");
  EXPECT_EQ(writes(box, "/more/theirs", 4 * kMebibyte), "yes");
  EXPECT_TRUE(files(box, "/own").contains(".gameday-drill-1.filler"));
  const auto marks = row_.discover(deed, world_.context());
  ASSERT_TRUE(marks) << marks.error().text;
  EXPECT_EQ(marks->items().size(), 1U);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(files(box, "/own"), "");
  EXPECT_EQ(writes(box, "/own/theirs", 4 * kMebibyte), "yes");
  expect_undone(undo);
}

TEST_F(FillDiskContainerOnDocker, OneThatSharesADiskIsGivenABoundedFileOrNone) {
  const TestContainer box("--volume /data");
  aim_at(box);
  EXPECT_TRUE(refusal(filling("/data")).contains("is on a disk that its machine uses too"))
      << refusal(filling("/data"));
  EXPECT_TRUE(refusal(filling("/data", "4000000GiB")).contains("would leave less than"))
      << refusal(filling("/data", "4000000GiB"));
  const Undo undo = injected(filling("/data", "8MiB"));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_GE(bitten.facts.integer("filler_bytes", 0), 8 * kMebibyte);
  EXPECT_LT(bitten.facts.integer("filler_bytes", 0), 9 * kMebibyte);
  expect_undone(undo);
  EXPECT_EQ(files(box, "/data"), "");
}

// Whatever is no volume lies on the machine's own disk, and a link in it may lead anywhere.
TEST_F(FillDiskContainerOnDocker, WhatIsNoVolumeOfItsOwnIsRefusedBeforeTheDrill) {
  const TestPart volume("volume");
  const TestContainer box("--volume " + volume.name() + ":/data:ro --volume /more");
  aim_at(box);
  EXPECT_TRUE(refusal(filling("/tmp", "1MiB")).contains("has no volume at /tmp"));
  EXPECT_TRUE(refusal(filling("/more/../tmp", "1MiB")).contains("has no volume at"));
  EXPECT_TRUE(refusal(filling("/data", "1MiB")).contains("is mounted read-only"));
  EXPECT_EQ(refusal(filling("/more", "1MiB")), "may");
}

// The file stays in its volume, whoever has it mounted.
TEST_F(FillDiskContainerOnDocker, OneThatIsStartedAnewIsStillFullAndThenNot) {
  const TestContainer box("--volume /data");
  aim_at(box);
  const Undo undo = injected(filling("/data", "8MiB"));
  docker("restart --time 0 " + box.name());
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  docker("kill " + box.name());
  expect_undone(undo);
  docker("start " + box.name());
  EXPECT_EQ(files(box, "/data"), "");
}

}  // namespace
}  // namespace gameday
