// A real cluster that archives its WAL, with a base backup of it, and what is recovered from them.
#pragma once

#include <algorithm>

#include "drills/systems/postgres_archive.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

extern const RestoreRow postgres_archive_restore;

class PostgresArchiveTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& folder : {wal_, scratch_}) std::filesystem::create_directories(folder);
    cluster_.give_to_server(wal_);
    cluster_.set("archive_mode=on");
    cluster_.set("archive_command=" + copy_ + " %p " + wal_ + "/%f");
    cluster_.start();
    cluster_.make_shop();
    begin();
    world_.add_target("database", "postgres", Json::object({{"connection", cluster_.conninfo()}}));
    world_.add_target("archive", "postgres-archive",
                      Json::object({{"base", base_},
                                    {"wal", wal_},
                                    {"of", "database"},
                                    {"archived_within", "20s"},
                                    {"scratch", scratch_}}));
    take_base({"--wal-method", "none"});
  }

  static const RestoreRow& row() { return postgres_archive_restore; }
  Target& archive() { return world_.system().targets.back(); }
  DeedContext context(const std::string& mark) { return world_.context(mark); }
  // What comes now has a time of its own, whatever came before.
  void begin() { world_.set_until({{}, world_.clock().in(std::chrono::seconds(60))}); }
  std::string psql(const std::string& sql) const { return cluster_.psql(sql); }
  std::string cluster_id() const {
    return psql("SELECT system_identifier FROM pg_control_system()");
  }
  void set(const std::string& field, const Json& value) {
    Json fields = archive().facets.get("postgres-archive");
    archive().facets.set("postgres-archive", fields.set(field, value));
  }
  void unset(const std::string& field) {
    Json fields = Json::object();
    for (const auto& [name, value] : archive().facets.get("postgres-archive").members()) {
      if (name != field) fields.set(name, value);
    }
    archive().facets.set("postgres-archive", fields);
  }
  // Who asks the live database from now on.
  void use_role(const std::string& role, const std::string& rights) {
    cluster_.change("CREATE ROLE " + role + " LOGIN; " + rights);
    world_.system().targets.front().facets =
        Json::object({{"postgres", Json::object({{"connection", cluster_.conninfo(role)}})}});
  }

  void take_base(const std::vector<std::string>& options) {
    begin();
    std::filesystem::remove_all(base_);
    std::vector<std::string> command{PostgresCluster::program("pg_basebackup"),
                                     "--dbname",
                                     cluster_.conninfo("postgres", "postgres"),
                                     "--pgdata",
                                     base_,
                                     "--checkpoint",
                                     "fast",
                                     "--no-sync"};
    command.insert(command.end(), options.begin(), options.end());
    const auto ended = world_.doors().processes.run({command, "/", {}}, context("base").until);
    ASSERT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
  }
  // What has been written until now is in the archive afterwards.
  void archive_now() {
    const std::string segment = psql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
    cluster_.change("SELECT pg_switch_wal()");
    const Instant end = world_.clock().in(std::chrono::seconds(20));
    while (!std::filesystem::exists(wal_ + "/" + segment) && world_.clock().now().boot < end) {
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(20))});
    }
  }
  std::vector<std::string> archived() const {
    constexpr std::size_t kSegment = 24;
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(wal_)) {
      const std::string name = entry.path().filename().string();
      if (name.size() == kSegment) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
  }
  // The cluster goes on in another timeline, as after a failover.
  void branch_off() {
    archive_now();
    cluster_.stop();
    std::ofstream(cluster_.data() + "/recovery.signal").close();
    cluster_.set("restore_command=cp " + wal_ + "/%f %p");
    cluster_.start();
    const Instant end = world_.clock().in(std::chrono::seconds(20));
    while (psql("SELECT pg_is_in_recovery()") != "f" && world_.clock().now().boot < end) {
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(20))});
    }
    // A connection that is named by its port is another one now.
    world_.system().targets.front().facets =
        Json::object({{"postgres", Json::object({{"connection", cluster_.conninfo()}})}});
  }
  std::string bytes_of(const std::string& path) {
    return world_.doors().files.read(path).value_or("");
  }
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  BackupTaken backup(const std::string& mark = "backup-1") {
    begin();
    auto taken = row().backup(archive(), context(mark));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Result<Undo> prepared(const BackupTaken& taken, const std::string& point = "latest",
                        const std::string& mark = "restore-1") {
    return row().prepare_scratch({"step", "restore", "archive", Json::object({{"point", point}})},
                                 taken, context(mark));
  }
  void expect_undone(const Undo& undo) {
    const auto done = row().undo(undo, context("restore-1"));
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    const auto gone = row().gone(undo, context("restore-1"));
    EXPECT_TRUE(gone && gone->held) << (gone ? gone->text : gone.error().text);
  }
  // By the way that a drill goes.
  Restored restored(const BackupTaken& taken, const std::string& point = "latest") {
    begin();
    const auto undo = prepared(taken, point);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    if (!undo) return {};
    const auto filled = row().fill_scratch(taken, *undo, context("restore-1"));
    EXPECT_TRUE(filled) << (filled ? "" : filled.error().text);
    EXPECT_FALSE(row().gone(*undo, context("restore-1"))->held && filled && filled->verified)
        << "it is said to be gone while it stands";
    expect_undone(*undo);
    EXPECT_TRUE(std::filesystem::is_empty(scratch_));
    return filled.value_or(Restored{});
  }
  void expect_misleads(const BackupTaken& taken, const std::string& part,
                       const std::string& point = "latest") {
    const Restored back = restored(taken, point);
    EXPECT_FALSE(back.verified) << part;
    EXPECT_TRUE(back.text.contains(part)) << back.text << "\nlacks: " << part;
  }
  template <class T>
  static void expect_refused(const T& result, const std::string& part,
                             ErrorCode code = ErrorCode::refused) {
    ASSERT_FALSE(result) << part;
    EXPECT_EQ(result.error().code, code) << result.error().text;
    EXPECT_TRUE(result.error().text.contains(part)) << result.error().text;
  }

  DeedWorld world_;
  PostgresCluster cluster_{world_.file("pg"), std::vector<std::string>{"--data-checksums"}};
  std::string base_ = world_.file("base"), wal_ = world_.file("wal");
  std::string scratch_ = world_.file("scratch");
  std::string copy_ = "cp";  // how it archives; before it is set up
};

}  // namespace gameday
