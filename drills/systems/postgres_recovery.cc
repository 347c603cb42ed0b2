#include "drills/systems/postgres_recovery.h"

#include <charconv>

#include "drills/systems/scratch_server.h"
#include "drills/systems/sqlite.h"
#include "engine/base/text.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

std::unexpected<Error> misleads(std::string text) {
  return fail(ErrorCode::corrupt, std::move(text));
}

// A server that reads its settings does not know yet what Z stands for.
std::string with_offset(Utc time) {
  std::string text = rfc3339(time);
  if (text.ends_with('Z')) text.replace(text.size() - 1, 1, "+00");
  return text;
}

class Recovery {
 public:
  Recovery(const RecoveryTerms& terms, const DeedContext& context)
      : terms_(terms), context_(context) {}

  Result<Recovered> run() {
    TRY_OK(check_claims());
    Instant since = now();
    TRY_OK(copy());
    done_.copy = took(since);
    TRY_OK(check_files());
    TRY_OK(look_at_archive());
    done_.check = took(since);
    TRY_OK(settle_scratch(terms_.scratch, server_settings(), context_));
    ScratchServer server(terms_.scratch, context_);
    TRY(session, recovered(server));
    done_.replay = took(since);
    TRY_OK(note_reached(session));
    TRY_OK(check_reached());
    TRY_OK(read(session));
    TRY_OK(server.shut_down());
    TRY_OK(check_pages());
    done_.verify = took(since);
    return done_;
  }

 private:
  [[nodiscard]] Instant now() const { return context_.doors.clock.now().boot; }
  Duration took(Instant& since) const {
    const Instant before = std::exchange(since, now());
    return since - before;
  }

  // What can be told without a copy.
  Status check_claims() const {
    const BaseBackup& base = terms_.base;
    const std::string called = "the base backup " + base.folder;
    const Duration age = context_.doors.clock.now().utc - base.taken;
    const auto& most = terms_.archive.max_age;
    if (most && age > *most) {
      return misleads(called + " is of " + rfc3339(base.taken) + ", " + shown(age) +
                      " ago: older than the " + shown(*most) + " that are allowed");
    }
    const std::string live = terms_.live ? terms_.live->cluster : "";
    for (const auto& meant : {live, terms_.archive.cluster}) {
      if (meant.empty() || meant == base.cluster) continue;
      return misleads(called + " is of cluster " + base.cluster + ", not of " + meant);
    }
    if (base.manifest.empty()) {
      return misleads(called + " has no backup_manifest: nobody could tell what is missing in it");
    }
    TRY(manifest, file_sha256(base.folder + "/backup_manifest"));
    if (manifest == base.manifest) return {};
    return misleads(called + " is not the one that the backup's step looked at");
  }

  Status copy() const {
    TRY_OK(make_scratch(terms_.scratch, context_));
    TRY_OK(unpack_base(terms_.base, terms_.scratch.data(), context_));
    if (copies_wal()) TRY_OK(copy_wal(terms_.archive.wal, terms_.base.segment, wal(), context_));
    return give_scratch(terms_.scratch, context_);
  }

  // Whoever runs the server may not look into a container's volume.
  [[nodiscard]] bool copies_wal() const {
    return terms_.archive.within && terms_.archive.own_command;
  }
  [[nodiscard]] std::string wal() const {
    return copies_wal() ? terms_.scratch.folder + "/wal" : terms_.archive.wal;
  }

  // The WAL is not parsed here: it is replayed.
  Status check_files() const {
    TRY(ended,
        run_in_scratch(terms_.scratch, {"pg_verifybackup", "--no-parse-wal", terms_.scratch.data()},
                       context_));
    if (ended.succeeded()) return {};
    return misleads("the base backup " + terms_.base.folder +
                    " does not verify: " + last_words(ended.output));
  }

  // Where recovery must at least come to; 0: wherever that is.
  [[nodiscard]] Lsn target() const {
    if (terms_.point.kind == RecoveryPoint::Kind::lsn) return terms_.point.lsn;
    const bool live = terms_.live && terms_.point.kind != RecoveryPoint::Kind::time;
    return live ? terms_.live->lsn : 0;
  }

  Status look_at_archive() {
    if (!terms_.archive.own_command || terms_.archive.wal.empty()) return {};
    TRY(there, look_at_wal({.archive = wal(),
                            .called = terms_.archive.wal,
                            .beside = terms_.scratch.data() + "/pg_wal",
                            .cluster = terms_.base.cluster,
                            .timeline = terms_.base.timeline,
                            .begin = terms_.base.begin,
                            .until_timeline = terms_.archive.timeline},
                           context_));
    wal_ = there;
    const auto readable = run_in_user({"test", "-r", wal() + "/" + there.last});
    TRY(ended, readable);
    if (!ended.succeeded()) {
      return fail(ErrorCode::refused,
                  terms_.scratch.user + " may not read " + terms_.archive.wal + "/" + there.last);
    }
    const bool latest = terms_.point.kind == RecoveryPoint::Kind::latest;
    if (there.missing.empty() || (!latest && target() <= there.missing_begins)) return {};
    return misleads(missing());
  }

  [[nodiscard]] Result<Ended> run_in_user(std::vector<std::string> argv) const {
    return context_.doors.processes.run(
        {as_its_user(terms_.scratch, std::move(argv)), "/", {"LC_ALL=C"}}, context_.until);
  }

  [[nodiscard]] std::string missing() const {
    return "the WAL segment " + wal_->missing + " is not in " + terms_.archive.wal +
           ", which goes on to " + wal_->last;
  }

  [[nodiscard]] ServerSettings server_settings() const {
    ServerSettings settings{
        {"restore_command", copies_wal() ? copy_command(wal()) : terms_.archive.restore_command},
        {"recovery_target_action", "promote"}};
    const std::uint32_t timeline = terms_.archive.timeline;
    settings.emplace_back("recovery_target_timeline",
                          timeline == 0 ? "latest" : std::to_string(timeline));
    switch (terms_.point.kind) {
      case RecoveryPoint::Kind::latest: break;
      case RecoveryPoint::Kind::time:
        settings.emplace_back("recovery_target_time", with_offset(terms_.point.time));
        break;
      case RecoveryPoint::Kind::backup:
      case RecoveryPoint::Kind::lsn:
        settings.emplace_back("recovery_target_lsn", lsn_text(target()));
        break;
    }
    return settings;
  }

  [[nodiscard]] PostgresSettings scratch_connection() const {
    std::string database = terms_.archive.database;
    if (database.empty() && terms_.live) database = terms_.live->database;
    return {{"host", terms_.scratch.folder},
            {"port", "5432"},
            {"user", terms_.archive.user},
            {"dbname", database.empty() ? "postgres" : database}};
  }

  Result<Postgres> recovered(ScratchServer& server) const {
    auto session = server.opened(scratch_connection());
    if (session || session.error().code != ErrorCode::corrupt) return session;
    std::string text = "it does not recover: " + session.error().text;
    if (wal_ && !wal_->missing.empty()) text += "; " + missing();
    if (wal_ && wal_->missing.empty()) text += "; the archive ends with " + wal_->last;
    return misleads(std::move(text));
  }

  Status note_reached(Postgres& session) {
    TRY(rows, session.ask("SELECT pg_last_wal_replay_lsn(), to_char("
                          "pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', "
                          "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
                          "pg_walfile_name(pg_current_wal_insert_lsn())"));
    TRY(lsn, parse_lsn(rows.text(0, 0)));
    done_.lsn = lsn;
    if (const auto time = parse_rfc3339(rows.text(0, 1))) done_.time = *time;
    return note_timeline(rows.text(0, 2).substr(0, 8));
  }

  // A recovered cluster goes on in a timeline of its own, whose history ends with the one that it
  // comes from.
  Status note_timeline(const std::string& own) {
    TRY(history, context_.doors.files.read(terms_.scratch.data() + "/pg_wal/" + own + ".history"));
    for (const auto& line : split(history, '\n')) {
      std::uint32_t parent = 0;
      const auto read = std::from_chars(line.data(), line.data() + line.size(), parent);
      if (read.ec == std::errc()) done_.timeline = parent;
    }
    return {};
  }

  Status check_reached() const {
    const bool latest = terms_.point.kind == RecoveryPoint::Kind::latest;
    if (latest && wal_ && done_.lsn <= wal_->last_begins) {
      return misleads("recovery ended at " + lsn_text(done_.lsn) +
                      ", though the archive goes on to " + wal_->last +
                      ": the WAL in between cannot be read");
    }
    if (done_.lsn < target()) {
      std::string text = "recovery ended at " + lsn_text(done_.lsn) + ", before " +
                         lsn_text(target()) + ": the archive ends there";
      if (terms_.live) text += "; " + terms_.live->segment + " of the live cluster is not in it";
      return misleads(std::move(text));
    }
    const bool to_the_end = latest || terms_.point.kind == RecoveryPoint::Kind::backup;
    if (terms_.live && to_the_end && terms_.archive.timeline == 0 &&
        done_.timeline != terms_.live->timeline) {
      return misleads("what was recovered ends in timeline " + std::to_string(done_.timeline) +
                      ", the live cluster is in timeline " + std::to_string(terms_.live->timeline));
    }
    return check_loss();
  }

  Status check_loss() const {
    const auto& most = terms_.archive.max_loss;
    const Duration loss = terms_.looked - done_.time.value_or(terms_.base.taken);
    if (!most || loss <= *most) return {};
    return misleads("the last transaction that comes back is " + shown(loss) +
                    " older than the backup's step: more than the " + shown(*most) +
                    " that are allowed");
  }

  // Every row is read, and where nobody has written since the live cluster was looked at, it must
  // be the same.
  Status read(Postgres& session) {
    TRY(next, session.ask("SELECT pg_snapshot_xmax(pg_current_snapshot())"));
    TRY_OK(session.begin(PostgresAccess::snapshot));
    auto content = read_content(session);
    if (!content) return std::unexpected(unreadable(content.error()));
    done_.content = *content;
    if (!terms_.live || terms_.live->digest.empty()) return {};
    // A transaction that recovery stopped before has its number there all the same.
    done_.compared =
        done_.lsn >= terms_.live->lsn && next.text(0, 0) == terms_.live->next_transaction;
    if (!done_.compared || content->digest == terms_.live->digest) return {};
    return misleads("it does not have the content that the live cluster had at " +
                    lsn_text(terms_.live->lsn));
  }

  static Error unreadable(Error error) {
    if (error.code == ErrorCode::stopped || error.code == ErrorCode::timed_out) return error;
    error.code = ErrorCode::corrupt;
    return error.in("what was recovered cannot be read");
  }

  Status check_pages() {
    TRY(ended,
        run_in_scratch(terms_.scratch,
                       {"pg_checksums", "--check", "--pgdata", terms_.scratch.data()}, context_));
    // Not every cluster has them; then nothing is said of them.
    if (ended.output.contains("data checksums are not enabled")) return {};
    if (!ended.succeeded()) return misleads("its pages do not verify: " + last_words(ended.output));
    for (const auto& line : split(ended.output, '\n')) {
      constexpr std::string_view kBlocks = "Blocks scanned:";
      if (!line.starts_with(kBlocks)) continue;
      const auto number = trimmed(std::string_view(line).substr(kBlocks.size()));
      std::int64_t pages = 0;
      const auto read = std::from_chars(number.data(), number.data() + number.size(), pages);
      if (read.ec == std::errc()) done_.pages = pages;
    }
    return {};
  }

  const RecoveryTerms& terms_;
  const DeedContext& context_;
  std::optional<WalThere> wal_;  // not looked at where another command fetches it
  Recovered done_;
};

}  // namespace

Json to_json(const Recovered& recovered, const RecoveryTerms& terms) {
  const bool by_time = terms.point.kind == RecoveryPoint::Kind::time;
  const Utc last = recovered.time.value_or(terms.base.taken);
  return Json::object({{"asked", by_time ? Json(rfc3339(terms.point.time)) : Json()},
                       {"time", recovered.time ? Json(rfc3339(*recovered.time)) : Json()},
                       {"lsn", lsn_text(recovered.lsn)},
                       {"timeline", static_cast<std::int64_t>(recovered.timeline)},
                       {"behind_s", seconds(terms.looked - last)},
                       {"compared", recovered.compared},
                       {"pages", recovered.pages ? Json(*recovered.pages) : Json()},
                       {"copy_s", seconds(recovered.copy)},
                       {"check_s", seconds(recovered.check)},
                       {"replay_s", seconds(recovered.replay)},
                       {"verify_s", seconds(recovered.verify)}});
}

Result<Recovered> recover(const RecoveryTerms& terms, const DeedContext& context) {
  return Recovery(terms, context).run();
}

}  // namespace gameday
