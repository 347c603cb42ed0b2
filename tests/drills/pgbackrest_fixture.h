// A real cluster that archives into an encrypted repository of pgBackRest's, and what is recovered
// from it.
#pragma once

#include "drills/systems/pgbackrest.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

extern const RestoreRow pgbackrest_restore;
extern const FacetRow pgbackrest_facet;

// With a full backup in it.
class PgBackRestTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& folder : {repository_, scratch_}) std::filesystem::create_directories(folder);
    cluster_.give_to_server(repository_);
    cluster_.set("archive_mode=on");
    cluster_.set("archive_command=pgbackrest --config=" + config_ +
                 " --stanza=shop archive-push %p");
    cluster_.start();
    configure("right", repository_);
    begin();
    // Before there is anything to archive: what failed is tried again a minute later.
    pgbackrest("stanza-create");
    cluster_.make_shop();
    world_.add_target("database", "postgres", Json::object({{"connection", cluster_.conninfo()}}));
    stanza_ = &world_.add_target(
        "stanza", "pgbackrest",
        Json::object(
            {{"stanza", "shop"}, {"config", config_}, {"of", "database"}, {"scratch", scratch_}}));
    pgbackrest("backup --type=full");
  }
  void TearDown() override {
    cluster_.stop_any();
    std::filesystem::remove_all(memory_);
  }
  void begin() { world_.set_until({{}, world_.clock().in(std::chrono::seconds(100))}); }
  void configure(const std::string& key, const std::string& repository) {
    std::ofstream(config_, std::ios::trunc)
        << "[global]\nrepo1-path=" << repository
        << "\nrepo1-cipher-type=aes-256-cbc\nrepo1-retention-full=1\nrepo1-cipher-pass=" << key
        << "\nlog-level-file=off\nlog-level-console=warn\nstart-fast=y\nlock-path=" << repository_
        << "/lock\n[shop]\npg1-path=" << cluster_.data()
        << "\npg1-socket-path=" << cluster_.folder() << "\npg1-port=" << cluster_.port() << "\n";
  }
  void pgbackrest(const std::string& rest) {
    const auto ended = world_.doors().processes.run(
        {{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "bash", "-c",
          "pgbackrest --config=" + config_ + " --stanza=shop " + rest},
         "/",
         {}},
        world_.context().until);
    ASSERT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
  }
  void set(const std::string& field, const Json& value) {
    Json fields = stanza_->facets.get("pgbackrest");
    stanza_->facets.set("pgbackrest", fields.set(field, value));
  }
  void unset(const std::string& field) {
    Json fields = Json::object();
    for (const auto& [name, value] : stanza_->facets.get("pgbackrest").members()) {
      if (name != field) fields.set(name, value);
    }
    stanza_->facets.set("pgbackrest", fields);
  }
  // The cluster goes on in another timeline, as after a failover.
  void branch_off() {
    cluster_.change("SELECT pg_switch_wal()");
    cluster_.stop();
    std::ofstream(cluster_.data() + "/recovery.signal").close();
    cluster_.set("restore_command=pgbackrest --config=" + config_ +
                 " --stanza=shop archive-get %f %p");
    cluster_.start();
    const Instant end = world_.clock().in(std::chrono::seconds(20));
    while (cluster_.psql("SELECT pg_is_in_recovery()") != "f" && world_.clock().now().boot < end) {
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(20))});
    }
    configure("right", repository_);
    // A connection that is named by its port is another one now.
    world_.system().targets.front().facets =
        Json::object({{"postgres", Json::object({{"connection", cluster_.conninfo()}})}});
  }
  // That the live one is where a restore may go.
  void in_place() {
    Json words = Json::array();
    for (const auto& word : cluster_.start_words()) words.push(word);
    world_.system().targets.front().facets.set(
        "postgres-data", Json::object({{"folder", cluster_.data()}, {"start", std::move(words)}}));
  }
  std::string now() const {
    return cluster_.psql(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
  }
  // The archived segment's file, whose name ends with its checksum.
  std::string archived(const std::string& segment) const {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(repository_ + "/archive")) {
      if (entry.path().filename().string().starts_with(segment + "-")) return entry.path();
    }
    return "";
  }

  static void damage(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    file << "damaged";
  }

  BackupTaken backup() {
    begin();
    auto taken = pgbackrest_restore.backup(*stanza_, world_.context("backup-1"));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Restored restored(const BackupTaken& taken, const std::string& point = "latest") {
    begin();
    const auto undo = pgbackrest_restore.prepare_scratch(
        {"step", "restore", "stanza", Json::object({{"point", point}})}, taken,
        world_.context("restore-1"));
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    if (!undo) return {};
    const auto filled = pgbackrest_restore.fill_scratch(taken, *undo, world_.context("restore-1"));
    EXPECT_TRUE(filled) << (filled ? "" : filled.error().text);
    begin();
    const auto undone = pgbackrest_restore.undo(*undo, world_.context("restore-1"));
    EXPECT_TRUE(undone) << (undone ? "" : undone.error().text);
    EXPECT_TRUE(pgbackrest_restore.gone(*undo, world_.context("restore-1"))->held);
    EXPECT_TRUE(std::filesystem::is_empty(scratch_));
    return filled.value_or(Restored{});
  }
  void expect_misleads(const BackupTaken& taken, const std::string& part,
                       const std::string& point = "latest") {
    const Restored back = restored(taken, point);
    EXPECT_FALSE(back.verified) << part;
    EXPECT_TRUE(back.text.contains(part)) << back.text << "\nlacks: " << part;
  }

  DeedWorld world_;
  PostgresCluster cluster_{world_.file("pg"), std::vector<std::string>{"--data-checksums"}};
  // In memory: pgBackRest syncs each of a thousand files.
  std::string memory_ =
      "/dev/shm/" +
      std::filesystem::path(world_.private_folder()).parent_path().filename().string();
  std::string repository_ = memory_ + "/repo", scratch_ = memory_ + "/scratch";
  std::string config_ = world_.file("pgbackrest.conf");
  Target* stanza_ = nullptr;
};

}  // namespace gameday
