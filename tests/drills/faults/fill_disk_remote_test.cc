#include <sys/statvfs.h>

#include "tests/drills/remote_fixture.h"

namespace gameday {

extern const FaultRow fill_disk_remote_fault;

namespace {

constexpr std::int64_t kMiB = 1 << 20;

class FillDiskRemoteOnSsh : public RemoteFaultOnSsh {
 protected:
  FillDiskRemoteOnSsh() : RemoteFaultOnSsh(fill_disk_remote_fault) {
    std::filesystem::create_directory(spool());
    EXPECT_EQ(mount("tmpfs", spool().c_str(), "tmpfs", 0, "size=16m"), 0);
  }
  ~FillDiskRemoteOnSsh() override { umount2(spool().c_str(), MNT_DETACH); }
  std::string spool() const { return world_.file("it's a spool"); }
  std::int64_t room() const {
    struct statvfs found{};
    EXPECT_EQ(statvfs(spool().c_str(), &found), 0);
    return static_cast<std::int64_t>(found.f_bavail) * static_cast<std::int64_t>(found.f_frsize);
  }
  static Json leaving(const std::string& path, const std::string& leave = "1MiB") {
    return Json::object({{"path", path}, {"leave", leave}, {"i_mean", "nothing"}});
  }
};

TEST_F(FillDiskRemoteOnSsh, LeavesSoMuchAndGivesItAllBack) {
  const std::int64_t before = room();
  const Undo undo = prepare(leaving(spool())).value();
  EXPECT_EQ(room(), before);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_LE(room(), kMiB);
  EXPECT_GT(room(), kMiB / 2);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(room(), before);
  EXPECT_TRUE(std::filesystem::is_empty(spool()));
  expect_undone(undo);
}

TEST_F(FillDiskRemoteOnSsh, AFileOfOthersWithItsNameStays) {
  const Undo undo = injected(leaving(spool()));
  std::string filler;
  for (const auto& entry : std::filesystem::directory_iterator(spool())) filler = entry.path();
  std::ofstream(filler) << "theirs\n";
  const auto undone = fill_disk_remote_fault.undo(undo, world_.context());
  ASSERT_FALSE(undone);
  EXPECT_TRUE(undone.error().text.contains("is not ours")) << undone.error().text;
  EXPECT_TRUE(std::filesystem::exists(filler));
  std::filesystem::remove(filler);
  expect_undone(undo);
}

TEST_F(FillDiskRemoteOnSsh, ItsMachineFreesItWhereNobodyElseDoes) {
  lasts_s_ = 0;
  set_facet(facet().set("dead_man", "5s"));
  const std::int64_t before = room();
  (void)injected(leaving(spool()));
  machine_.stop();
  EXPECT_TRUE(in_time([&] { return room() == before && !std::filesystem::exists(folder()); }));
}

TEST_F(FillDiskRemoteOnSsh, RefusesWhatWouldHitMoreOrNothing) {
  EXPECT_EQ(prepare(leaving("spool")).error().code, ErrorCode::invalid);
  EXPECT_FALSE(prepare(leaving(spool() + "/no-such")));
  EXPECT_EQ(prepare(leaving("/etc")).error().code, ErrorCode::refused);
  EXPECT_TRUE(prepare(leaving("/etc")).error().text.contains("root filesystem"));
  EXPECT_TRUE(prepare(leaving(spool(), "16MiB")).error().text.contains("would fill nothing"));
  EXPECT_EQ(prepare(leaving("/proc")).error().code, ErrorCode::refused);
  EXPECT_TRUE(prepare(leaving("/proc")).error().text.contains("without a size") ||
              prepare(leaving("/proc")).error().text.contains("may not write"));
}

}  // namespace
}  // namespace gameday
