#include "drills/systems/postgres_archive.h"

#include <charconv>
#include <filesystem>

#include "drills/systems/data_directory.h"
#include "drills/systems/postgres_content.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

Status choose_command(const Json& fields, PostgresArchive& archive) {
  const Json* given = fields.find("restore_command");
  archive.own_command = given == nullptr;
  archive.restore_command = fields.text("restore_command");
  if (given != nullptr && !archive.restore_command.contains("%f")) {
    return fail(ErrorCode::invalid,
                "target " + archive.target + ": its restore_command " +
                    (archive.restore_command.empty() ? "is empty" : "names no %f") +
                    ": it would fetch no WAL");
  }
  if (given != nullptr) return {};
  if (archive.wal.empty()) {
    return fail(ErrorCode::invalid, "target " + archive.target +
                                        " has neither `wal` nor a `restore_command`: it has no "
                                        "way to the archived WAL");
  }
  archive.restore_command = copy_command(archive.wal);
  return {};
}

// Between which numbers transactions were under way; equal ones: none was.
struct Transactions {
  std::string least, next;
  bool operator==(const Transactions&) const = default;
};

Result<Transactions> transactions(Postgres& session) {
  TRY(rows, session.ask("SELECT pg_snapshot_xmin(s), pg_snapshot_xmax(s) FROM "
                        "pg_current_snapshot() AS s"));
  return Transactions{rows.text(0, 0), rows.text(0, 1)};
}

// A content belongs to one place in the WAL only where nobody wrote while it was read.
Status read_quiet_content(Postgres& session, LiveMoment& live) {
  constexpr int kTries = 3;
  for (int tries = 0; tries < kTries; ++tries) {
    TRY(before, transactions(session));
    TRY_OK(session.begin(PostgresAccess::snapshot));
    TRY(content, read_content(session));
    TRY_OK(session.commit());
    TRY(after, transactions(session));
    if (before != after || before.least != before.next) continue;
    live.digest = content.digest;
    live.next_transaction = before.next;
    return {};
  }
  return {};
}

Status wait_until_archived(const PostgresArchive& archive, LiveMoment& live,
                           const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(50);
  if (archive.wal.empty() || !archive.own_command) return {};
  const Clock& clock = context.doors.clock;
  const Until until{context.until.stop,
                    std::min(context.until.deadline, clock.in(archive.archived_within))};
  while (true) {
    live.archived = context.doors.files.exists(archive.wal + "/" + live.segment);
    if (live.archived) return {};
    const auto paused = clock.pause(kAgain, until);
    if (!paused && paused.error().code == ErrorCode::stopped) return paused;
    // That it is not there is what a restore will have to tell.
    if (!paused) return {};
  }
}

// A record after all that was read, and after it the end of the segment: so there is a place to
// recover to, and the archive is given what leads there.
Status end_segment(Postgres& session, LiveMoment& live, const DeedContext& context) {
  TRY(place,
      session.change("SELECT pg_logical_emit_message(false, 'gameday', $1)", {context.mark}));
  TRY(lsn, parse_lsn(place.text(0, 0)));
  live.lsn = lsn;
  TRY(name, session.ask("SELECT pg_walfile_name($1)", {place.text(0, 0)}));
  live.segment = name.text(0, 0);
  const std::string timeline = live.segment.substr(0, 8);
  static_cast<void>(
      std::from_chars(timeline.data(), timeline.data() + timeline.size(), live.timeline, 16));
  const auto ended = session.change("SELECT pg_switch_wal()");
  return ended ? Status() : std::unexpected(ended.error().in("cannot end the WAL segment"));
}

}  // namespace

std::string command_word(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += "'\\''";
    if (c == '%') quoted += "%%";
    if (c != '\'' && c != '%') quoted += c;
  }
  return quoted + "'";
}

std::string copy_command(const std::string& folder) {
  return "cp -- " + command_word(folder) + "/%f \"%p\"";
}

const Target* live_of(const PostgresArchive& archive, const DeedContext& context) {
  return archive.of.empty() ? nullptr : context.system.target(archive.of);
}

Result<Target> located_archive(const Target& target, const DeedContext& context) {
  const Json& fields = target.facets.get("postgres-archive");
  const std::string within = fields.text("wal_within");
  if (within.empty()) return target;
  const Target* live = context.system.target(fields.text("of"));
  if (live == nullptr || live->facets.find("container") == nullptr) {
    return fail(ErrorCode::invalid, "target " + target.name +
                                        ": `wal_within` wants `of` to name a "
                                        "target with `container`");
  }
  TRY(engine, DockerEngine::open(context));
  TRY(container, any_container_of(*live, engine, context));
  TRY(folder, path_in_volume(container, within, engine));
  Target found = target;
  Json located = fields;
  located.set("wal", folder);
  found.facets.set("postgres-archive", std::move(located));
  return found;
}

Status take_base_backup(const PostgresArchive& archive, const Target& live,
                        const std::string& folder, const DeedContext& context) {
  TRY(settings, postgres_settings(live));
  TRY(session, open_postgres(settings, context));
  TRY(server, look_at_server(session));
  const std::string major = server.version.substr(0, server.version.find_first_of(". "));
  const std::string usual = "/usr/lib/postgresql/" + major + "/bin";
  TRY(child, connection_for_child(settings, context));
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  TRY(ended, context.doors.processes.run(
                 {{(archive.programs.empty() ? usual : archive.programs) + "/pg_basebackup",
                   "--dbname", child.conninfo, "--pgdata", folder, "--checkpoint", "fast",
                   "--wal-method", "none", "--no-password"},
                  "/",
                  child.environment},
                 context.until));
  if (ended.succeeded()) return {};
  return fail(ErrorCode::failed, "pg_basebackup: " + last_words(ended.output));
}

Result<std::optional<LiveMoment>> end_live_segment(const Target& target,
                                                   const DeedContext& context) {
  std::optional<LiveMoment> live;
  TRY(settings, postgres_settings(target));
  auto session = open_postgres(settings, context);
  if (!session) return live;
  const auto server = look_at_server(*session);
  if (!server || server->in_recovery) return live;
  TRY_OK(end_segment(*session, live.emplace(), context));
  return live;
}

Status archive_until_now(const PostgresArchive& archive, const Target& target,
                         const DeedContext& context) {
  TRY(live, end_live_segment(target, context));
  return live ? wait_until_archived(archive, *live, context) : Status();
}

Result<PostgresArchive> postgres_archive(const Target& target) {
  const Json& fields = target.facets.get("postgres-archive");
  PostgresArchive archive{.target = target.name,
                          .base = fields.text("base"),
                          .wal = fields.text("wal"),
                          .of = fields.text("of"),
                          .cluster = fields.text("system_identifier"),
                          .database = fields.text("dbname"),
                          .user = fields.text("user", "postgres"),
                          .server_user = fields.text("server_user", "postgres"),
                          .programs = fields.text("programs"),
                          .scratch = fields.text("scratch", "/var/tmp")};
  archive.within = fields.find("wal_within") != nullptr;
  archive.amcheck = fields.boolean("amcheck", true);
  archive.timeline = static_cast<std::uint32_t>(fields.integer("timeline", 0));
  archive.max_age = duration_in(fields, "max_age");
  archive.max_loss = duration_in(fields, "max_loss");
  archive.archived_within =
      duration_in(fields, "archived_within").value_or(std::chrono::seconds(30));
  TRY_OK(choose_command(fields, archive));
  return archive;
}

Result<RecoveryPoint> parse_point(std::string_view text) {
  constexpr std::string_view kNamed = "name:";
  using Kind = RecoveryPoint::Kind;
  if (text.empty() || text == "latest") return RecoveryPoint{};
  if (text == "backup") return RecoveryPoint{.kind = Kind::backup};
  if (text.starts_with(kNamed) && text.size() > kNamed.size()) {
    return RecoveryPoint{.kind = Kind::name, .name = std::string(text.substr(kNamed.size()))};
  }
  if (const auto lsn = parse_lsn(text)) return RecoveryPoint{.kind = Kind::lsn, .lsn = *lsn};
  if (const auto time = parse_rfc3339(text)) {
    return RecoveryPoint{.kind = Kind::time, .time = *time};
  }
  return fail(ErrorCode::invalid,
              "`point` is `" + std::string(text) +
                  "`, which is neither latest, backup, a time (2026-11-26T15:15:40Z), a place in "
                  "the WAL (0/3000E88) nor a restore point (name:before-the-deploy)");
}

Json to_json(const LiveMoment& live) {
  return Json::object({{"cluster", live.cluster},
                       {"database", live.database},
                       {"timeline", static_cast<std::int64_t>(live.timeline)},
                       {"lsn", lsn_text(live.lsn)},
                       {"digest", live.digest},
                       {"next_transaction", live.next_transaction},
                       {"segment", live.segment},
                       {"archived", live.archived}});
}

LiveMoment live_moment_from(const Json& value) {
  return {.cluster = value.text("cluster"),
          .database = value.text("database"),
          .timeline = static_cast<std::uint32_t>(value.integer("timeline", 0)),
          .lsn = parse_lsn(value.text("lsn")).value_or(0),
          .digest = value.text("digest"),
          .next_transaction = value.text("next_transaction"),
          .segment = value.text("segment"),
          .archived = value.boolean("archived", false)};
}

Result<LiveMoment> look_at_live(const PostgresArchive& archive, const Target& target,
                                const DeedContext& context) {
  TRY(settings, postgres_settings(target));
  TRY(session, open_postgres(settings, context));
  TRY(server, look_at_server(session));
  if (server.in_recovery) {
    return fail(ErrorCode::refused, "target " + target.name +
                                        " is in recovery: only a primary can end its WAL segment");
  }
  LiveMoment live{.cluster = server.identifier, .database = server.database};
  TRY_OK(read_quiet_content(session, live));
  TRY_OK(end_segment(session, live, context));
  TRY_OK(wait_until_archived(archive, live, context));
  return live;
}

}  // namespace gameday
