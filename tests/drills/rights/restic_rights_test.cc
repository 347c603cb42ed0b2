// restic as somebody who is nobody else of this machine: what is backed up belongs to others, who
// let everybody read it, and each thing that may not be read or written is missed.
#include <sys/stat.h>

#include <fstream>

#include "engine/base/text.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

const std::vector<RowNeeds> kNeeds = {
    {"restic",
     {"to read the repository", "to write the repository", "to read all that is backed up",
      "to write the folder `scratch`", "its `manifest`"}}};
constexpr const char* kBackup = "  - { backup: files }\n";
constexpr const char* kBoth = "  - { backup: files }\n  - { restore: files }\n";

class RightsOnRestic : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(chmod(theirs_.file("").c_str(), 0755), 0);
    fs::create_directory(theirs_.file("source"));
    for (const uid_t owner : {uid_t{0}, uid_t{1}}) {
      const std::string file = theirs_.file("source/of-" + std::to_string(owner));
      std::ofstream(file) << "what " << owner << " has\n";
      ASSERT_EQ(chown(file.c_str(), owner, owner), 0);
    }
  }

  struct Ours {
    DeedWorld world;

    Ours() {
      for (const char* folder : {"mine", "scratch"}) fs::create_directory(world.file(folder));
      std::ofstream(world.file("mine/own")) << "ours\n";
      std::ofstream(world.file("key")) << "right";
      run("restic --no-cache init");
    }
    std::string run(const std::string& command) {
      const auto ended = world.doors().processes.run(
          {{"sh", "-c", command},
           "/",
           {"RESTIC_REPOSITORY=" + world.file("repository"), "RESTIC_PASSWORD=right"}},
          world.context().until);
      EXPECT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
      return ended ? ended->output : "";
    }
    // With some of its fields, on a line.
    std::string system(const std::string& more) const {
      return "  files: { restic: { repository: " + world.file("repository") +
             ", password: \"${file:" + world.file("key") +
             "}\", parts: 1, scratch: " + world.file("scratch") + ", " + more + " } }\n";
    }
    // All that there is but modes, which the test changes itself.
    std::string content() {
      return run("find " + world.file("") + " -path '*/private*' -prune -o -printf '%p %s %T@\\n'" +
                 " | LC_ALL=C sort");
    }
    void misses(RightsCase& one, const std::string& path, mode_t mode) {
      SCOPED_TRACE(path);
      struct stat before{};
      ASSERT_EQ(stat(world.file(path).c_str(), &before), 0);
      ASSERT_EQ(chmod(world.file(path).c_str(), mode), 0);
      one.expect_missed(world.file(path));
      EXPECT_EQ(chmod(world.file(path).c_str(), before.st_mode & 07777U), 0);
    }
  };

  DeedWorld theirs_;
};

TEST_F(RightsOnRestic, AreEnoughAndEachIsMissed) {
  as_user(kNobody, {}, [&] {
    Ours ours;
    const std::string system =
        ours.system("paths: [" + theirs_.file("source") + ", " + ours.world.file("mine") + "]");
    RightsCase backup(ours.world, system, kBackup);
    RightsCase both(ours.world, system, kBoth);
    both.expect_works();
    const std::string before = ours.content();
    const std::string pack(trimmed(
        ours.run("cd " + ours.world.file("") + " && find repository/data -type f | head -n 1")));
    for (auto* one : {&backup, &both}) {
      for (const std::string part : {"config", "keys", "snapshots", "index", "locks"}) {
        ours.misses(*one, "repository/" + part, 0);
      }
      ours.misses(*one, pack, 0);
      const Status held = one->may();
      EXPECT_TRUE(held) << held.error().text;
    }
    for (const std::string part : {"locks", "snapshots", "index", "data/00"}) {
      ours.misses(backup, "repository/" + part, 0500);
    }
    ours.misses(backup, "mine/own", 0);
    ours.misses(backup, "mine", 0);
    ours.misses(both, "scratch", 0500);
    EXPECT_EQ(ours.content(), before);
  });
}

// Whoever validates what others have backed up writes nothing there.
TEST_F(RightsOnRestic, ASnapshotOfOthersIsReadAlone) {
  as_user(kNobody, {}, [&] {
    Ours ours;
    ours.run("restic --no-cache backup " + theirs_.file("source") + " && sha256sum " +
             theirs_.file("source") + "/* >" + ours.world.file("sums") + " && chmod -R a-w " +
             ours.world.file("repository"));
    RightsCase backup(ours.world, ours.system("manifest: " + ours.world.file("sums")), kBackup);
    RightsCase both(ours.world, ours.system("manifest: " + ours.world.file("sums")), kBoth);
    both.expect_works();
    ours.misses(backup, "sums", 0);
    ours.run("chmod -R u+w " + ours.world.file("repository"));
  });
}

// What a store elsewhere lets us do is not told by what lies here.
TEST_F(RightsOnRestic, OfARepositoryElsewhereNoMoreIsKnownThanThatItOpens) {
  DeedWorld world;
  fs::create_directory(world.file("scratch"));
  std::ofstream(world.file("key")) << "right";
  const std::string program = world.file("restic");
  const auto says = [&](const std::string& answer) {
    std::ofstream(program) << "#!/bin/sh\ncase $1 in version) echo restic 0.14.0 compiled;; *) " +
                                  answer + ";; esac\n";
    EXPECT_EQ(chmod(program.c_str(), 0755), 0);
  };
  RightsCase one(world,
                 "  files: { restic: { repository: \"s3:https://127.0.0.1:1/b\", password: "
                 "\"${file:" +
                     world.file("key") + "}\", program: " + program +
                     ", scratch: " + world.file("scratch") + " } }\n",
                 kBoth);
  says("echo '{\"id\":\"abc\"}'");
  const Status opened = one.may();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unsupported) << opened.error().text;
  says("echo 'Fatal: unable to open config file: Access Denied.'; exit 1");
  one.expect_missed("refuses what is asked");
}

TEST(ResticRights, AreToldOfEachRow) {
  const auto of_it = [](const auto& row) { return row.facet == "restic"; };
  const Rows rows = all_rows();
  expect_told(rows.faults, kNeeds, of_it);
  expect_told(rows.restores, kNeeds, of_it);
  expect_told(rows.actions, kNeeds, of_it);
}

}  // namespace
}  // namespace gameday
