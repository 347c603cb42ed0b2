// Backups of a real Redis server, restored by its row step by step.
#pragma once

#include <fstream>

#include "drills/systems/redis_spare.h"
#include "drills/systems/sqlite.h"
#include "tests/drills/redis_fixture.h"

namespace gameday {

extern const RestoreRow redis_restore;

class RedisRestoreTest : public RedisTest {
 protected:
  const Target& target(const std::string& name = "sessions") {
    return *world_.system().target(name);
  }
  Result<BackupTaken> take(const std::string& name = "sessions") {
    return redis_restore.backup(target(name), context("drill-backup"));
  }
  BackupTaken backup(const std::string& name = "sessions") {
    auto taken = take(name);
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Result<Restored> aside(const BackupTaken& from) {
    const DeedContext here = context("drill-aside");
    const Deed deed{"step", "restore", "sessions", Json::object()};
    TRY(undo, redis_restore.prepare_scratch(deed, from, here));
    auto restored = redis_restore.fill_scratch(from, undo, here);
    EXPECT_TRUE(redis_restore.undo(undo, here));
    EXPECT_TRUE(redis_restore.gone(undo, here)->held);
    return restored;
  }
  Restored scratch(const BackupTaken& from) {
    auto done = aside(from);
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return done.value_or(Restored{});
  }
  Undo prepared(const std::string& mark = "drill-1") {
    auto undo = redis_restore.prepare(target(), context(mark));
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Restored place(const BackupTaken& from, const Undo& undo) {
    auto done = redis_restore.restore_place(target(), from, undo, context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return done.value_or(Restored{});
  }
  bool gone(const Undo& undo) {
    const auto proof = redis_restore.gone(undo, context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof && proof->held;
  }
  Status undone(const Undo& undo) { return redis_restore.undo(undo, context()); }
  void expect_undone(const Undo& undo) {
    const auto done = undone(undo);
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo));
  }
  // What a restore leaves in the private folder beside the backups and its notes.
  std::string left_over() const {
    std::string left;
    for (const auto& entry : std::filesystem::directory_iterator(world_.private_folder())) {
      const std::string name = entry.path().filename();
      if (name != "backups" && !name.ends_with(".notes")) left += name + " ";
    }
    return left;
  }
  // Neither a scratch nor a place restore may call it verified, and the server stays as it is.
  void expect_found_out(const BackupTaken& from, const std::string& why) {
    const std::string before = redis_.content();
    const Restored tried = scratch(from);
    EXPECT_FALSE(tried.verified);
    EXPECT_TRUE(tried.text.contains(why)) << tried.text;
    const Undo undo = prepared();
    const Restored placed = place(from, undo);
    EXPECT_FALSE(placed.verified);
    EXPECT_TRUE(placed.text.contains(why)) << placed.text;
    EXPECT_EQ(redis_.content(), before);
    expect_undone(undo);
    EXPECT_EQ(redis_.content(), before);
    EXPECT_EQ(left_over(), "");
  }
  static void flip_byte(const std::string& file, std::int64_t at) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(at);
    const char changed = static_cast<char>(bytes.get() ^ 0x10);
    bytes.seekp(at);
    bytes.put(changed);
  }
  // Of its checksum: what is wrong is always the same then.
  static void flip_last(const std::string& file) {
    flip_byte(file, static_cast<std::int64_t>(std::filesystem::file_size(file)) - 1);
  }
  static void cut(const std::string& file, std::uintmax_t off) {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - off);
  }
};

}  // namespace gameday
