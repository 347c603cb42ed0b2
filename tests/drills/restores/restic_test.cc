#include "drills/systems/restic.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "engine/base/digest.h"
#include "tests/drills/deed_world.h"

namespace gameday {

extern const RestoreRow restic_restore;
extern const FacetRow restic_facet;

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kCurrent = GAMEDAY_BIN_DIR "/restic-current";

// With Debian's restic and with today's, where there is one.
class ResticRestoreOnRestic : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string(kCurrent) && !fs::exists(kCurrent)) {
      GTEST_SKIP() << "there is no restic of today here";
    }
    fs::create_directories(source_ + "/sub");
    fs::create_directories(scratch_);
    for (int i = 0; i < 4; ++i) write("sub/" + std::to_string(i), noise(700000, i));
    write("a", "hello");
    fs::create_symlink("a", source_ + "/link");
    fs::permissions(source_ + "/a", fs::perms(0640));
    Json paths = Json::array();
    target_ = &world_.add_target("files", "restic",
                                 Json::object({{"repository", repository_},
                                               {"password", "${file:" + world_.file("key") + "}"},
                                               {"program", GetParam()},
                                               {"paths", paths.push(source_)},
                                               {"parts", 2},
                                               {"scratch", scratch_}}));
    std::ofstream(world_.file("key")) << "right";
    begin();
    restic({"init"});
  }

  // Bytes that no compression makes smaller.
  static std::string noise(std::size_t size, int seed) {
    std::string bytes;
    std::uint64_t state = 88172645463325252ULL + static_cast<std::uint64_t>(seed);
    while (bytes.size() < size) {
      state ^= state << 13U;
      state ^= state >> 7U;
      state ^= state << 17U;
      bytes += static_cast<char>(state & 255U);
    }
    return bytes;
  }
  void begin() { world_.set_until({{}, world_.clock().in(60s)}); }
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(source_ + "/" + name, std::ios::binary | std::ios::trunc) << bytes;
  }
  void set(const std::string& field, const Json& value) {
    Json fields = target_->facets.get("restic");
    target_->facets.set("restic", fields.set(field, value));
  }
  void take_the_newest() {
    Json fields = target_->facets.get("restic");
    fields.erase("paths");
    target_->facets.set("restic", fields);
  }
  void restic(std::vector<std::string> argv, bool works = true) {
    argv.insert(argv.begin(), GetParam());
    const auto ended = world_.doors().processes.run(
        {argv, "/", {"RESTIC_REPOSITORY=" + repository_, "RESTIC_PASSWORD=right"}},
        world_.context().until);
    EXPECT_TRUE(ended && ended->succeeded() == works) << (ended ? ended->output : "");
  }
  // A pack of data: the largest there is, or one of trees, the smallest.
  std::string pack(bool largest = true) const {
    std::string found;
    std::uintmax_t size = 0;
    for (const auto& entry : fs::recursive_directory_iterator(repository_ + "/data")) {
      if (!entry.is_regular_file()) continue;
      const bool better = largest ? entry.file_size() > size : entry.file_size() < size;
      if (!found.empty() && !better) continue;
      found = entry.path().string();
      size = entry.file_size();
    }
    return found;
  }
  static void damage(const std::string& path) {
    fs::permissions(path, fs::perms(0600));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(1000);
    const char byte = static_cast<char>(file.get());
    file.seekp(1000);
    file.put(static_cast<char>(byte ^ 1));
  }

  Result<BackupTaken> try_backup() {
    begin();
    return restic_restore.backup(*target_, world_.context("backup-1"));
  }
  BackupTaken backup() {
    auto taken = try_backup();
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  void expect_no_backup(const std::string& part, ErrorCode code) {
    const auto taken = try_backup();
    ASSERT_FALSE(taken) << part;
    EXPECT_EQ(taken.error().code, code) << taken.error().text;
    EXPECT_TRUE(taken.error().text.contains(part)) << taken.error().text;
  }
  // By the way that a drill goes; it leaves nothing.
  Result<Restored> try_restore(const BackupTaken& taken) {
    begin();
    const auto undo = restic_restore.prepare_scratch({"step", "restore", "files"}, taken,
                                                     world_.context("restore-1"));
    if (!undo) return std::unexpected(undo.error());
    EXPECT_TRUE(fs::is_empty(scratch_)) << "preparing it made something";
    auto filled = restic_restore.fill_scratch(taken, *undo, world_.context("restore-1"));
    if (filled && filled->verified) {
      EXPECT_FALSE(restic_restore.gone(*undo, world_.context())->held);
    }
    const auto undone = restic_restore.undo(*undo, world_.context("restore-1"));
    EXPECT_TRUE(undone) << (undone ? "" : undone.error().text);
    EXPECT_TRUE(restic_restore.gone(*undo, world_.context())->held);
    EXPECT_TRUE(fs::is_empty(scratch_));
    return filled;
  }
  Restored restored(const BackupTaken& taken) {
    auto back = try_restore(taken);
    EXPECT_TRUE(back) << (back ? "" : back.error().text);
    return back.value_or(Restored{});
  }
  void expect_misleads(const BackupTaken& taken, const std::string& part) {
    const Restored back = restored(taken);
    EXPECT_FALSE(back.verified) << part;
    EXPECT_TRUE(back.text.contains(part)) << back.text << "\nlacks: " << part;
  }

  DeedWorld world_;
  Target* target_ = nullptr;
  std::string source_ = world_.file("source"), repository_ = world_.file("repository");
  std::string scratch_ = world_.file("scratch");
};

TEST_P(ResticRestoreOnRestic, ASnapshotComesBackByteForByteAndLeavesNothing) {
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.id.size(), 64U);
  EXPECT_EQ(taken.sha256, "sha256:" + taken.id);
  EXPECT_TRUE(taken.digest.starts_with("sha256:"));
  EXPECT_GE(taken.facts.number("age_s", -1), 0);
  EXPECT_EQ(taken.facts.get("held").integer("files", 0), 5);
  write("a", "what comes later is not in it");
  const Restored back = restored(taken);
  EXPECT_TRUE(back.verified) << back.text;
  EXPECT_FALSE(back.vacuous);
  const Json& files = back.facts.get("files");
  EXPECT_EQ(files.integer("files", 0), 5);
  EXPECT_EQ(files.integer("files_compared", 0), 5);
  EXPECT_EQ(files.integer("changed_meanwhile", -1), 0);
  EXPECT_EQ(files.text("compared_by"), "manifest");
  EXPECT_GT(files.number("copy_s", 0), 0);
  EXPECT_GE(back.facts.number("age_s", -1), 0);
  // No lock of ours is left in it.
  EXPECT_TRUE(fs::is_empty(repository_ + "/locks"));
}

TEST_P(ResticRestoreOnRestic, AnotherPartIsReadInEachDrill) {
  const BackupTaken taken = backup();
  std::set<std::string> parts;
  for (int drill = 0; drill < 2; ++drill) {
    const Restored back = restored(taken);
    const Json read = back.facts.get("files").get("read");
    parts.insert(read.text("part"));
    EXPECT_TRUE(read.find("fraction") != nullptr && read.number("fraction", 2) <= 1);
    EXPECT_GT(read.integer("of_packs", 0), 0);
    EXPECT_GT(read.integer("parts_read", 0), drill);
  }
  // Most of so many parts of a small repository are empty: one that is not is looked for.
  set("parts", 16);
  EXPECT_GT(restored(taken).facts.get("files").get("read").integer("packs", 0), 0);
  set("parts", 1);
  const Restored whole = restored(taken);
  EXPECT_EQ(whole.facts.get("files").get("read").number("fraction", 0), 1.0);
  EXPECT_NE(whole.facts.get("files").get("read").text("all_read_since"), "");
}

TEST_P(ResticRestoreOnRestic, ADamagedRepositoryIsFoundOut) {
  const BackupTaken taken = backup();
  set("parts", 1);
  const std::string data = pack();
  const std::string bytes = world_.doors().files.read(data).value();
  damage(data);
  expect_misleads(taken, "the repository is damaged");
  std::ofstream(data, std::ios::binary) << bytes;
  EXPECT_TRUE(restored(taken).verified);
  fs::remove(repository_ + "/snapshots/" + taken.id);
  expect_misleads(taken, "the snapshot is not in the repository");
}

// What the part that is read does not show, the restore does: there it is read whole.
TEST_P(ResticRestoreOnRestic, DamageOutsideOfThePartIsFoundOutByTheRestore) {
  const BackupTaken taken = backup();
  const std::string data = pack();
  // restic has a pack in the part that its first byte says.
  const int byte = std::stoi(fs::path(data).filename().string().substr(0, 2), nullptr, 16);
  damage(data);
  const std::string other = byte % 2 == 0 ? "2" : "1";
  const Restic restic = restic_of(*target_).value();
  const DeedContext context = world_.context();
  const auto run = ResticRun::open(restic, context);
  const auto unseen = run->run({"check", "--read-data-subset=" + other + "/2"});
  EXPECT_EQ(unseen->reading.state, "done") << "it is no other part";
  const Restored back = restored(taken);
  EXPECT_FALSE(back.verified);
}

TEST_P(ResticRestoreOnRestic, WhatCameBackIsHeldAgainstWhatWasThere) {
  BackupTaken taken = backup();
  const std::string list = taken.facts.text("manifest");
  const std::string meant = world_.doors().files.read(list).value();
  const auto at = meant.find("sha256:");
  std::string other = meant;
  other.replace(at + 7, 4, "0000");
  std::ofstream(list, std::ios::trunc) << other;
  const auto changed = try_restore(taken);
  ASSERT_FALSE(changed);
  EXPECT_TRUE(changed.error().text.contains("not the list that the backup's step wrote"));
  taken.digest = sha256(other);
  expect_misleads(taken, "1 entry differs: ");
  std::ofstream(list, std::ios::trunc) << meant + "f 644 5 - /not/there\n";
  taken.digest = sha256(meant + "f 644 5 - /not/there\n");
  expect_misleads(taken, "/not/there is missing");
}

TEST_P(ResticRestoreOnRestic, ASnapshotThatLacksUnreadableFilesIsNoBackup) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody who may not read a file";
  const std::string wrapper = world_.file("less");
  std::ofstream(wrapper) << "#!/bin/bash\nexec setpriv --reuid 65534 --clear-groups " << GetParam()
                         << " \"$@\"\n";
  fs::permissions(wrapper, fs::perms(0755));
  fs::permissions(world_.file(""), fs::perms(0755));
  fs::permissions(source_ + "/a", fs::perms(0600));
  const auto chowned = world_.doors().processes.run(
      {{"chown", "-R", "65534", repository_}, "/", {}}, world_.context().until);
  ASSERT_TRUE(chowned && chowned->succeeded());
  set("program", wrapper);
  expect_no_backup("lacks files that restic could not read", ErrorCode::corrupt);
  expect_no_backup(source_ + "/a", ErrorCode::corrupt);
}

TEST_P(ResticRestoreOnRestic, WhatDoesNotOpenTheRepositoryIsToldApart) {
  const std::string there = repository_;
  set("repository", world_.file("nowhere"));
  expect_no_backup("there is no repository", ErrorCode::not_found);
  set("repository", there);
  std::ofstream(world_.file("key")) << "wrong";
  expect_no_backup("the password does not open the repository", ErrorCode::refused);
  const auto instance = restic_facet.resolve(*target_, world_.context());
  ASSERT_FALSE(instance);
  EXPECT_EQ(instance.error().code, ErrorCode::refused);
  EXPECT_FALSE(instance.error().text.contains("wrong\"")) << instance.error().text;
  std::ofstream(world_.file("key")) << "right";
  const auto opened = restic_facet.resolve(*target_, world_.context());
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(opened->identity.starts_with("restic:"));
  take_the_newest();
  expect_no_backup("there is no snapshot", ErrorCode::not_found);
}

TEST_P(ResticRestoreOnRestic, ARepositoryThatSomebodyHoldsAloneIsNotJudged) {
  const BackupTaken taken = backup();
  const pid_t holder = fork();
  if (holder == 0) {
    setenv("RESTIC_REPOSITORY", repository_.c_str(), 1);
    setenv("RESTIC_PASSWORD", "right", 1);
    setenv("HOME", world_.file("").c_str(), 1);
    execlp(GetParam(), GetParam(), "check", "--read-data", "--limit-download", "10", "--quiet",
           nullptr);
    _exit(1);
  }
  const Instant end = world_.clock().in(20s);
  while (fs::is_empty(repository_ + "/locks") && world_.clock().now().boot < end) {
    (void)world_.clock().sleep({{}, world_.clock().in(50ms)});
  }
  const auto back = try_restore(taken);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, ErrorCode::conflict);
  EXPECT_TRUE(back.error().text.contains("process " + std::to_string(holder))) << back.error().text;
  expect_no_backup("the repository is locked by somebody else", ErrorCode::conflict);
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
}

TEST_P(ResticRestoreOnRestic, AnEmptySnapshotIsVacuous) {
  fs::remove_all(source_);
  fs::create_directories(source_ + "/nothing");
  const Restored back = restored(backup());
  EXPECT_TRUE(back.vacuous);
  EXPECT_TRUE(back.text.contains("no file")) << back.text;
}

TEST_P(ResticRestoreOnRestic, TheNewestSnapshotOfOthersIsHeldAgainstTheirSums) {
  restic({"backup", source_, "--tag", "nightly"});
  write("a", "another");
  restic({"backup", source_, "--tag", "hourly"});
  take_the_newest();
  set("tag", "nightly");
  const Restored totals = restored(backup());
  EXPECT_TRUE(totals.verified) << totals.text;
  EXPECT_EQ(totals.facts.get("files").text("compared_by"), "totals");
  EXPECT_FALSE(totals.facts.get("files").boolean("compared", true));
  EXPECT_EQ(totals.facts.get("files").integer("bytes", 0), 4 * 700000 + 5);
  std::ofstream(source_ + "/../sums") << sha256("hello").substr(7) << "  source/a\n";
  set("manifest", world_.file("sums"));
  const Restored sums = restored(backup());
  EXPECT_TRUE(sums.verified) << sums.text;
  EXPECT_EQ(sums.facts.get("files").integer("files_compared", 0), 1);
  set("tag", "hourly");
  expect_misleads(backup(), "/a has another content");
  set("max_age", "1ms");
  expect_misleads(backup(), "older than the 1ms that are allowed");
}

TEST_P(ResticRestoreOnRestic, ItGoesWhoeverDiesMeanwhile) {
  const BackupTaken taken = backup();
  for (int change = 0; change < 3; ++change) {
    begin();
    const auto undo = restic_restore.prepare_scratch({"step", "restore", "files"}, taken,
                                                     world_.context("restore-1"));
    ASSERT_TRUE(undo);
    world_.dies_at(change, [&] {
      (void)restic_restore.fill_scratch(taken, *undo, world_.context("restore-1"));
    });
    begin();
    ASSERT_TRUE(restic_restore.undo(*undo, world_.context("restore-1")));
    EXPECT_TRUE(restic_restore.gone(*undo, world_.context("restore-1"))->held);
    EXPECT_TRUE(fs::is_empty(scratch_));
  }
  EXPECT_TRUE(fs::is_empty(repository_ + "/locks")) << "a lock of ours keeps others out";
}

INSTANTIATE_TEST_SUITE_P(Versions, ResticRestoreOnRestic, testing::Values("restic", kCurrent),
                         [](const auto& param) { return param.index == 0 ? "Debian" : "Current"; });

}  // namespace
}  // namespace gameday
