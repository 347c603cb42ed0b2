// Recovers a PostgreSQL cluster by pgBackRest into a scratch cluster of the drill's own, to a point
// in time. pgBackRest restores files and WAL; whether what they make is the database is asked of a
// server that runs on them: how far it came, its every row, its every page.
#include "drills/systems/pgbackrest.h"

#include <charconv>
#include <filesystem>

#include "drills/systems/postgres_content.h"
#include "drills/systems/restored.h"
#include "drills/systems/scratch_server.h"
#include "engine/base/text.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

constexpr std::string_view kNamed = "name:";  // "name:before-the-deploy"

std::unexpected<Error> misleads(std::string text) {
  return fail(ErrorCode::corrupt, std::move(text));
}

Result<RecoveryPoint> point_of(const std::string& text) {
  if (text.starts_with(kNamed) && text.size() > kNamed.size()) return RecoveryPoint{};
  return parse_point(text);
}

Status wait_until_archived(const PgBackRest& repository, LiveMoment& live,
                           const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(250);
  const Clock& clock = context.doors.clock;
  const Until until{context.until.stop,
                    std::min(context.until.deadline, clock.in(repository.archived_within))};
  while (true) {
    TRY(info, look_at_stanza(repository, context));
    live.archived = info.newest_segment >= live.segment;
    if (live.archived) return {};
    const auto paused = clock.pause(kAgain, until);
    if (!paused && paused.error().code == ErrorCode::stopped) return paused;
    // That it is not there is what a restore will have to tell.
    if (!paused) return {};
  }
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  const PgBackRest repository = pgbackrest_of(target);
  const Utc looked = context.doors.clock.now().utc;
  if (!repository.take.empty()) {
    TRY(said, run_pgbackrest(repository, {"backup", "--type=" + repository.take}, context));
    if (said.reading.truth != Truth::pass) return fail(said.reading.code, said.reading.text);
  }
  TRY(info, look_at_stanza(repository, context));
  TRY(newest, set_for(info, {}));
  BackupTaken taken{.target = target.name,
                    .id = newest.label,
                    .sha256 = "",
                    .digest = "",
                    .taken = newest.begun,
                    .facts = Json::object({{"set", to_json(newest)},
                                           {"version", info.version},
                                           {"cluster", info.cluster},
                                           {"looked", rfc3339(looked)},
                                           {"age_s", seconds(looked - newest.begun)}})};
  const Target* live = repository.of.empty() ? nullptr : context.system.target(repository.of);
  if (live == nullptr) return taken;
  PostgresArchive archive;
  archive.target = target.name;
  TRY(moment, look_at_live(archive, *live, context));
  TRY_OK(wait_until_archived(repository, moment, context));
  taken.digest = moment.digest;
  taken.facts.set("live", to_json(moment));
  return taken;
}

Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken& backup,
                             const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  const PgBackRest repository = pgbackrest_of(*target);
  const std::string point = deed.arguments.text("point", "latest");
  TRY(parsed, point_of(point));
  if (parsed.kind == RecoveryPoint::Kind::backup && backup.facts.find("live") == nullptr) {
    return fail(ErrorCode::invalid,
                "`point: backup` wants `of`: else the backup's step has no place in the WAL");
  }
  TRY(scratch, plan_scratch({.in = repository.scratch,
                             .user = repository.server_user,
                             .programs = repository.programs,
                             .version = backup.facts.text("version")},
                            context));
  return Undo{.kind = "pgbackrest",
              .arguments = Json::object({{"scratch", to_json(scratch)},
                                         {"target", target->name},
                                         {"pgbackrest", target->facets.get("pgbackrest")},
                                         {"point", point}})};
}

class Trial {
 public:
  Trial(const PgBackRest& repository, const ScratchCluster& scratch, const BackupTaken& backup,
        std::string point, const DeedContext& context)
      : repository_(repository),
        scratch_(scratch),
        backup_(backup),
        text_(std::move(point)),
        context_(context) {
    if (const Json* live = backup.facts.find("live")) live_ = live_moment_from(*live);
  }

  Result<Restored> run() {
    TRY(point, point_of(text_));
    point_ = point;
    if (point_.kind == RecoveryPoint::Kind::backup) {
      point_ = {.kind = RecoveryPoint::Kind::lsn, .lsn = live_->lsn};
    }
    TRY_OK(check_claims());
    Instant since = now();
    TRY_OK(copy());
    facts_.set("copy_s", took(since));
    TRY_OK(look_at_archive());
    if (repository_.verify) TRY_OK(ask({"verify", "--output=text", "--verbose"}));
    facts_.set("check_s", took(since));
    TRY_OK(settle_scratch(scratch_, server_settings(), context_));
    ScratchServer server(scratch_, context_);
    TRY(session, recovered(server));
    facts_.set("replay_s", took(since));
    TRY_OK(note_reached(session));
    TRY_OK(check_reached());
    TRY(content, read(session));
    TRY_OK(server.shut_down());
    TRY_OK(check_pages());
    facts_.set("verify_s", took(since));
    Restored result =
        restored(content.rows, gameday::to_json(content), backup_, context_.doors.clock);
    result.facts.set("recovered", facts_).set("set", gameday::to_json(set_)).set("fsync", false);
    return result;
  }

 private:
  [[nodiscard]] Instant now() const { return context_.doors.clock.now().boot; }
  double took(Instant& since) const {
    const Instant before = std::exchange(since, now());
    return seconds(since - before);
  }

  Status ask(std::vector<std::string> argv) const {
    TRY(said, run_pgbackrest(repository_, std::move(argv), context_));
    if (said.reading.truth == Truth::pass) return {};
    return fail(said.reading.code, said.reading.text);
  }

  Status check_claims() {
    const Duration age = context_.doors.clock.now().utc - backup_.taken;
    if (repository_.max_age && age > *repository_.max_age) {
      return misleads("the newest backup, " + backup_.id + ", is of " + rfc3339(backup_.taken) +
                      ", " + shown(age) + " ago: older than the " + shown(*repository_.max_age) +
                      " that are allowed");
    }
    TRY(info, look_at_stanza(repository_, context_));
    if (live_ && live_->cluster != info.cluster) {
      return misleads("the stanza " + repository_.stanza + " is of cluster " + info.cluster +
                      ", not of " + live_->cluster);
    }
    newest_segment_ = info.newest_segment;
    TRY(set, set_for(info, point_));
    set_ = set;
    return {};
  }

  // A tablespace comes back into the scratch folder, never to where the live cluster has its own.
  Status copy() const {
    TRY_OK(make_scratch(scratch_, context_));
    TRY_OK(give_scratch(scratch_, context_));
    return ask({"restore", "--pg1-path=" + scratch_.data(), "--set=" + set_.label, "--type=default",
                "--archive-mode=off", "--tablespace-map-all=" + scratch_.folder + "/tablespaces"});
  }

  Status look_at_archive() {
    TRY(control, run_in_scratch(scratch_, {"pg_controldata", scratch_.data()}, context_));
    std::uint64_t size = 0;
    for (const auto& line : split(control.output, '\n')) {
      constexpr std::string_view kSize = "Bytes per WAL segment:";
      if (!line.starts_with(kSize)) continue;
      const auto number = trimmed(std::string_view(line).substr(kSize.size()));
      std::from_chars(number.data(), number.data() + number.size(), size);
    }
    TRY(there, archived_segments(repository_, set_, newest_segment_, context_));
    missing_ = missing_segment(there, set_.first_segment, newest_segment_, size);
    const bool to_the_end = point_.kind == RecoveryPoint::Kind::latest && !named();
    if (missing_.empty() || !to_the_end) return {};
    return misleads(missing());
  }

  [[nodiscard]] bool named() const { return text_.starts_with(kNamed); }
  [[nodiscard]] std::string missing() const {
    return "the WAL segment " + missing_ + " is not in the repository, which goes on to " +
           newest_segment_;
  }

  [[nodiscard]] ServerSettings server_settings() const {
    ServerSettings settings{{"restore_command", archive_get(repository_, scratch_.data())},
                            {"recovery_target_action", "promote"}};
    if (named()) settings.emplace_back("recovery_target_name", text_.substr(kNamed.size()));
    if (point_.kind == RecoveryPoint::Kind::lsn) {
      settings.emplace_back("recovery_target_lsn", lsn_text(point_.lsn));
    }
    if (point_.kind == RecoveryPoint::Kind::time) {
      std::string time = rfc3339(point_.time);
      time.replace(time.size() - 1, 1, "+00");
      settings.emplace_back("recovery_target_time", time);
    }
    return settings;
  }

  Result<Postgres> recovered(ScratchServer& server) const {
    std::string database = repository_.database;
    if (database.empty() && live_) database = live_->database;
    auto session = server.opened({{"host", scratch_.folder},
                                  {"port", "5432"},
                                  {"user", repository_.user},
                                  {"dbname", database.empty() ? "postgres" : database}});
    if (session || session.error().code != ErrorCode::corrupt) return session;
    std::string text = "it does not recover: " + session.error().text;
    text += missing_.empty() ? "; the archive ends with " + newest_segment_ : "; " + missing();
    return misleads(std::move(text));
  }

  Status note_reached(Postgres& session) {
    TRY(rows, session.ask("SELECT pg_last_wal_replay_lsn(), to_char("
                          "pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', "
                          "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), pg_walfile_name($1)",
                          {lsn_text(set_.stop)}));
    TRY(lsn, parse_lsn(rows.text(0, 0)));
    reached_ = lsn;
    const auto time = parse_rfc3339(rows.text(0, 1));
    const Utc last = time ? *time : backup_.taken;
    const bool by_time = point_.kind == RecoveryPoint::Kind::time;
    const auto looked = parse_rfc3339(backup_.facts.text("looked"));
    facts_.set("asked", by_time ? Json(rfc3339(point_.time)) : Json());
    facts_.set("time", time ? Json(rfc3339(*time)) : Json());
    facts_.set("lsn", lsn_text(lsn)).set("timeline", timeline_of(set_.first_segment));
    facts_.set("behind_s", seconds(looked.value_or(last) - last));
    if (!by_time || !time || *time <= point_.time) return {};
    return misleads("recovery went on to " + rfc3339(*time) + ", after the " +
                    rfc3339(point_.time) + " that was asked for");
  }

  static std::int64_t timeline_of(const std::string& segment) {
    std::int64_t timeline = 1;
    std::from_chars(segment.data(), segment.data() + std::min<std::size_t>(segment.size(), 8),
                    timeline, 16);
    return timeline;
  }

  Status check_reached() const {
    const bool to_live = live_ && point_.kind == RecoveryPoint::Kind::latest && !named();
    const Lsn least = point_.kind == RecoveryPoint::Kind::lsn ? point_.lsn
                      : to_live                               ? live_->lsn
                                                              : 0;
    if (reached_ >= least) return {};
    std::string text = "recovery ended at " + lsn_text(reached_) + ", before " + lsn_text(least) +
                       ": the archive ends with " + newest_segment_;
    if (live_) text += "; " + live_->segment + " of the live cluster holds that place";
    return misleads(std::move(text));
  }

  Result<PostgresContent> read(Postgres& session) {
    TRY(next, session.ask("SELECT pg_snapshot_xmax(pg_current_snapshot())"));
    TRY_OK(session.begin(PostgresAccess::snapshot));
    auto content = read_content(session);
    // A transaction that recovery stopped before has its number all the same: where recovery did
    // not come as far as the live one was looked at, the numbers alone prove nothing.
    const bool known = live_ && !live_->digest.empty() && reached_ >= live_->lsn;
    const bool same_place = known && next.text(0, 0) == live_->next_transaction;
    facts_.set("compared", same_place);
    if (!content) {
      Error error = content.error().in("what was recovered cannot be read");
      const bool ours = error.code == ErrorCode::stopped || error.code == ErrorCode::timed_out;
      if (!ours) error.code = ErrorCode::corrupt;
      return std::unexpected(error);
    }
    if (!same_place || content->digest == live_->digest) return content;
    return misleads("it does not have the content that the live cluster had at " +
                    lsn_text(live_->lsn));
  }

  Status check_pages() {
    TRY(ended, run_in_scratch(scratch_, {"pg_checksums", "--check", "--pgdata", scratch_.data()},
                              context_));
    facts_.set("pages", nullptr);
    if (ended.output.contains("data checksums are not enabled")) return {};
    if (!ended.succeeded()) return misleads("its pages do not verify: " + last_words(ended.output));
    for (const auto& line : split(ended.output, '\n')) {
      constexpr std::string_view kBlocks = "Blocks scanned:";
      if (!line.starts_with(kBlocks)) continue;
      const auto number = trimmed(std::string_view(line).substr(kBlocks.size()));
      std::int64_t pages = 0;
      std::from_chars(number.data(), number.data() + number.size(), pages);
      facts_.set("pages", pages);
    }
    return {};
  }

  const PgBackRest& repository_;
  const ScratchCluster& scratch_;
  const BackupTaken& backup_;
  std::string text_;
  const DeedContext& context_;
  RecoveryPoint point_;
  std::optional<LiveMoment> live_;
  BackupSet set_;
  std::string newest_segment_, missing_;
  Lsn reached_ = 0;
  Json facts_ = Json::object();
};

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  Target target;
  target.name = undo.arguments.text("target");
  target.facets = Json::object({{"pgbackrest", undo.arguments.get("pgbackrest")}});
  const PgBackRest repository = pgbackrest_of(target);
  auto result = Trial(repository, scratch, backup, undo.arguments.text("point"), context).run();
  if (result) return result;
  const Error& error = result.error();
  if (error.code != ErrorCode::corrupt && error.code != ErrorCode::not_found) return result;
  return Restored{.vacuous = false, .verified = false, .text = error.text, .facts = Json::object()};
}

Status undo_scratch(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  return erase_scratch(scratch, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  return scratch_gone(scratch, context);
}

Status fits_point(const std::string& point) {
  const auto parsed = point_of(point);
  return parsed ? Status() : std::unexpected(parsed.error());
}

}  // namespace

extern const RestoreRow pgbackrest_restore;
const RestoreRow pgbackrest_restore{
    .name = "pgbackrest",
    .summary =
        "A backup of pgBackRest's (full, differential or incremental) and its archived WAL, "
        "recovered to a point in time or a named one into a scratch cluster, whose every row and "
        "page is read.",
    .facet = "pgbackrest",
    .rights =
        "as `server_user` to read the repository and its configuration, with `take` what "
        "pgBackRest wants for a backup; the server's programs of its version; room for a copy in "
        "`scratch`; of the live database (`of`), if any, what postgres-archive wants",
    .example = "- { restore: stanza, point: latest }",
    .backup = backup,
    .restore_scratch = nullptr,
    .prepare = nullptr,
    .restore_place = nullptr,
    .undo = undo_scratch,
    .gone = gone,
    .close = nullptr,
    .prepare_scratch = prepare_scratch,
    .fill_scratch = fill_scratch,
    .fits_point = fits_point};

}  // namespace gameday
