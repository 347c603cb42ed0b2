#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow exhaust_inodes_container_fault;

namespace {

class ExhaustInodesContainerOnDocker : public ContainerFixture {
 protected:
  ExhaustInodesContainerOnDocker() : ContainerFixture(exhaust_inodes_container_fault) {}
  static Deed taking(const std::string& path, int count = 0) {
    return {"fault-1", "exhaust-inodes-container", "cache",
            Json::object({{"path", path}, {"leave", 5}, {"count", count}})};
  }
  std::string refusal(const Deed& deed) {
    const auto may = row_.may(deed, world_.context());
    return may ? std::string("may") : may.error().text;
  }
  // How many of forty files it can make there.
  static std::string makes(const TestContainer& box, const std::string& folder) {
    const std::string each = folder + "/theirs-$n";
    return docker("exec " + box.name() +
                      " busybox sh -c 'made=0; for n in $(busybox seq 40); do busybox touch " +
                      each + " 2>/dev/null && made=$((made + 1)); done; busybox rm -f " + folder +
                      "/theirs-*; echo $made'",
                  true);
  }
  static std::string files(const TestContainer& box, const std::string& folder) {
    return docker("exec " + box.name() + " busybox ls -A " + folder);
  }
};

TEST_F(ExhaustInodesContainerOnDocker, AVolumeOfItsOwnHasNoneLeftAndNoOtherOne) {
  const TestPart volume("volume", "--opt type=tmpfs --opt device=tmpfs --opt o=nr_inodes=1000");
  const TestContainer box("--volume " + volume.name() + ":/own --volume /more");
  aim_at(box);
  const Deed deed = taking("/own");
  ASSERT_EQ(refusal(deed), "may");
  const Undo undo = prepared(deed);
  EXPECT_EQ(files(box, "/own"), "");
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(deed, undo, world_.context()));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_EQ(makes(box, "/own"), "5") << "as many as were to be left";
  EXPECT_EQ(makes(box, "/more"), "40");
  EXPECT_FALSE(gone(undo).held);
  const auto marks = row_.discover(deed, world_.context());
  ASSERT_TRUE(marks) << marks.error().text;
  EXPECT_EQ(marks->items().size(), 1U);
  expect_undone(again(undo));
  EXPECT_EQ(files(box, "/own"), "");
  EXPECT_EQ(makes(box, "/own"), "40");
  expect_undone(undo);
}

TEST_F(ExhaustInodesContainerOnDocker, OfASharedDiskABoundedNumberIsTakenOrNone) {
  const TestContainer box("--volume /data");
  aim_at(box);
  EXPECT_TRUE(refusal(taking("/data")).contains("on a disk that its machine uses too"))
      << refusal(taking("/data"));
  EXPECT_TRUE(refusal(taking("/none")).contains("has no volume at /none"));
  const Deed deed = taking("/data", 200);
  ASSERT_EQ(refusal(deed), "may");
  const Undo undo = prepared(deed);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(deed, undo, world_.context()));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_EQ(bitten.facts.integer("held", 0), 200);
  docker("exec " + box.name() + " busybox sh -c 'busybox rm /data/.gameday-drill-1.inodes/7.'");
  EXPECT_FALSE(proof(undo).held) << "one of them is gone";
  expect_undone(undo);
  EXPECT_EQ(files(box, "/data"), "");
}

}  // namespace
}  // namespace gameday
