// Backups of Redis that somebody else has written: RDB files and append-only files.
#include "tests/drills/restores/redis_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class FoundOnRedis : public RedisRestoreTest {
 protected:
  // The server's own, and what it has written of late: a base, and what was appended to it.
  void append() {
    redis_.cli("CONFIG SET appendonly yes");
    redis_.cli("CONFIG SET appendfsync always");
    while (redis_.shell("ls " + folder()).find("incr") == std::string::npos ||
           !redis_.cli("INFO persistence").contains("aof_rewrite_in_progress:0")) {
      std::this_thread::yield();
    }
    redis_.cli("SET late 1 EX 4000");
    redis_.cli("DEL a");
  }
  std::string folder() const { return world_.file("redis/appendonlydir"); }
  // As it lies there now, elsewhere.
  std::string saved(const std::string& name = "saved") const {
    std::filesystem::copy(folder(), world_.file(name), std::filesystem::copy_options::recursive);
    return world_.file(name);
  }
  static std::string file_in(const std::string& folder, const std::string& part) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().filename().string().contains(part)) return entry.path();
    }
    ADD_FAILURE() << "no " << part << " in " << folder;
    return "";
  }
  void name(const std::string& path) {
    Json facet = redis_.facet();
    aim(facet.set("backup", path));
  }
};

TEST_F(FoundOnRedis, AnRdbFileOfItsOwnTime) {
  redis_.cli("SAVE");
  const Utc saved = world_.clock().now().utc;
  name(world_.file("redis/dump.rdb"));
  EXPECT_FALSE(redis_restore.takes(target()));
  std::filesystem::last_write_time(world_.file("redis/dump.rdb"),
                                   std::filesystem::file_time_type::clock::now() + 1h);
  redis_.cli("SET a 2");
  const BackupTaken taken = backup();
  EXPECT_LE(taken.taken, saved) << "the file tells its time itself, whatever its copy's is";
  EXPECT_GT(taken.taken, saved - 5s);
  EXPECT_EQ(taken.facts.text("found"), world_.file("redis/dump.rdb"));
  EXPECT_TRUE(scratch(taken).verified);
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_EQ(redis_.cli("GET a"), "1");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("GET a"), "2");
}

TEST_F(FoundOnRedis, AFolderOfAppendOnlyFiles) {
  append();
  const std::string before = redis_.content() + redis_.cli("EXPIRETIME late");
  name(folder());
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.text("form"), "aof-folder");
  EXPECT_EQ(taken.facts.integer("keys", 0), 4);
  EXPECT_GT(taken.taken, world_.clock().now().utc - 60s);
  const Restored tried = scratch(taken);
  EXPECT_TRUE(tried.verified) << tried.text;
  redis_.cli("FLUSHDB");
  redis_.cli("SET junk 1");
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  ASSERT_TRUE(redis_restore.close(undo, false, context()));
  EXPECT_EQ(redis_.content() + redis_.cli("EXPIRETIME late"), before);
  EXPECT_TRUE(scratch(taken).verified) << "the files that were kept are as they were";
}

TEST_F(FoundOnRedis, OneAppendOnlyFileAndAManifestByName) {
  append();
  const std::string saved_one = saved();
  const std::string one = world_.file("one.aof");
  std::ofstream(one) << "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n";
  name(one);
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.text("form"), "aof");
  EXPECT_EQ(taken.facts.integer("keys", 0), 1);
  EXPECT_TRUE(scratch(taken).verified);
  cut(one, 3);
  expect_error(take(), ErrorCode::corrupt, "cut short or damaged");
  name(file_in(saved_one, ".manifest"));
  EXPECT_EQ(backup().facts.integer("keys", 0), 4);
}

// A server that is told to would pass over it in silence (aof-load-truncated).
TEST_F(FoundOnRedis, ATailThatIsCutOffIsFoundOut) {
  append();
  for (const std::uintmax_t off : {1U, 4U, 9U}) {
    const std::string copy = saved("cut-" + std::to_string(off));
    cut(file_in(copy, "incr"), off);
    name(copy);
    expect_error(take(), ErrorCode::corrupt, "cut short or damaged");
  }
  const std::string half = saved("half");
  std::ofstream(file_in(half, "incr"), std::ios::app) << "*1\r\n$5\r\nMULTI\r\n";
  name(half);
  expect_error(take(), ErrorCode::corrupt, "cut short or damaged");
}

TEST_F(FoundOnRedis, WhatIsDamagedOrMissingIsFoundOut) {
  append();
  const std::string base = saved("base");
  flip_last(file_in(base, "base"));
  name(base);
  expect_error(take(), ErrorCode::corrupt, "damaged");
  const std::string missing = saved("missing");
  std::filesystem::remove(file_in(missing, "incr"));
  name(missing);
  expect_error(take(), ErrorCode::corrupt, "that the manifest names is missing");
  Step step;
  step.kind = StepKind::backup;
  step.target = "sessions";
  expect_error(redis_restore.may(step, context()), ErrorCode::corrupt, "is missing");
  const std::string listed = saved("listed");
  flip_byte(file_in(listed, ".manifest"), 0);
  name(listed);
  expect_error(take(), ErrorCode::corrupt, "manifest of the append-only files is damaged");
  const std::string elsewhere = saved("elsewhere");
  std::ofstream(file_in(elsewhere, ".manifest")) << "file ../base/x.aof seq 1 type b\n";
  name(elsewhere);
  expect_error(take(), ErrorCode::corrupt, "names one elsewhere");
  name(world_.file("nowhere"));
  expect_error(take(), ErrorCode::not_found, "there is no backup");
  std::filesystem::create_directories(world_.file("empty"));
  name(world_.file("empty"));
  expect_error(take(), ErrorCode::not_found, "has no manifest");
}

// The server that loads it is no more patient than what checks it.
TEST_F(FoundOnRedis, WhatTheCheckWouldPassIsNotLoadedEither) {
  append();
  const RedisPrograms programs{"", "7.0"};
  const auto load = [&](const std::string& path) {
    return load_aside(redis_files_at(path).value(), programs,
                      redis_scratch("drill-1", context()).value(), context());
  };
  ASSERT_TRUE(load(folder()));
  const std::string copy = saved();
  cut(file_in(copy, "incr"), 4);
  expect_error(load(copy), ErrorCode::corrupt, "the append-only file is cut short");
  redis_.cli("SAVE");
  flip_last(world_.file("redis/dump.rdb"));
  expect_error(load(world_.file("redis/dump.rdb")), ErrorCode::corrupt, "damaged");
  EXPECT_EQ(left_over(), "");
}

// What was copied, and then changed, is not what was looked at.
TEST_F(FoundOnRedis, AFileThatIsChangedAfterwardsIsFoundOut) {
  append();
  name(saved());
  const BackupTaken taken = backup();
  const std::string own = std::filesystem::path(taken.id).parent_path();
  std::ofstream(file_in(own, "incr"), std::ios::app) << "*2\r\n$3\r\nDEL\r\n$4\r\nlate\r\n";
  expect_found_out(taken, "is not what was written");
  BackupTaken other = taken;
  other.sha256 = sha256_of({RedisFiles::Kind::folder, taken.id}).value();
  expect_found_out(other, "1 missing");
}

TEST_F(FoundOnRedis, AnRdbFileThatIsNoneOrDamagedIsFoundOut) {
  redis_.cli("SAVE");
  const std::string file = world_.file("backup.rdb");
  std::filesystem::copy_file(world_.file("redis/dump.rdb"), file);
  name(file);
  flip_last(file);
  expect_error(take(), ErrorCode::corrupt, "damaged");
  std::filesystem::copy_file(world_.file("redis/dump.rdb"), file,
                             std::filesystem::copy_options::overwrite_existing);
  cut(file, 12);
  expect_error(take(), ErrorCode::corrupt, "cut short");
  std::ofstream(file) << "no such thing";
  expect_error(take(), ErrorCode::corrupt, "is no RDB file");
  std::ofstream(file) << "";
  expect_error(take(), ErrorCode::corrupt, "");
}

// That nothing was wrong with it says nothing where nothing was looked at.
TEST_F(FoundOnRedis, AFileWithoutAChecksumIsToldOf) {
  RedisProcess plain(world_.file("plain"), {"--rdbchecksum", "no"});
  plain.fill();
  plain.cli("SAVE");
  name(world_.file("plain/dump.rdb"));
  EXPECT_FALSE(backup().facts.boolean("checksum", true));
}

// Of a newer Redis, or with a module's keys: it may be good, and cannot be told here.
TEST_F(FoundOnRedis, WhatCannotBeLoadedHereIsNotCalledDamaged) {
  redis_.cli("SAVE");
  const std::string file = world_.file("backup.rdb");
  std::filesystem::copy_file(world_.file("redis/dump.rdb"), file);
  name(file);
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(7).put('9');
  expect_error(take(), ErrorCode::unsupported, "newer Redis");
  const std::string id = "\x3e\x1c\x0c\x1a\x2b\x3c\x4c\x01";
  std::ofstream(file, std::ios::binary)
      << "REDIS0010" << std::string("\xfe\x00\x07\x01k\x81", 6) << id << std::string(1, '\0')
      << "\xff" << std::string(8, '\0');
  expect_error(take(), ErrorCode::unsupported, "keys of a module");
}

}  // namespace
}  // namespace gameday
