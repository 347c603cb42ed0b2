#include "drills/systems/postgres_replay.h"

#include <charconv>

#include "drills/systems/postgres_truth.h"
#include "drills/systems/scratch_server.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/invariants.h"

namespace gameday {
namespace {

std::unexpected<Error> misleads(std::string text) {
  return fail(ErrorCode::corrupt, std::move(text));
}

std::string missing(const ReplayTerms& terms) {
  const std::string& last = terms.wal->last;
  return "the WAL segment " + terms.wal->missing + " is not in " + terms.archive +
         (last.empty() ? ", nor is any later one" : ", which goes on to " + last);
}

// A server that reads its settings does not know yet what Z stands for.
std::string with_offset(Utc time) {
  std::string text = rfc3339(time);
  if (text.ends_with('Z')) text.replace(text.size() - 1, 1, "+00");
  return text;
}

class Replay {
 public:
  Replay(const ReplayTerms& terms, const DeedContext& context) : terms_(terms), context_(context) {}

  Result<Recovered> run() {
    Instant since = now();
    TRY_OK(settle_scratch(terms_.scratch, server_settings(), context_));
    ScratchServer server(terms_.scratch, context_);
    TRY(session, recovered(server));
    done_.replay = took(since);
    TRY_OK(note_reached(session));
    TRY_OK(check_reached());
    TRY_OK(read(session));
    TRY_OK(look_at_invariants());
    const Status relations = look_at_relations();
    if (!relations && relations.error().code != ErrorCode::corrupt)
      return std::unexpected(relations.error());
    TRY_OK(server.shut_down());
    // Of a page that has a checksum, that tells more.
    TRY_OK(check_pages());
    TRY_OK(relations);
    done_.verify = took(since);
    return done_;
  }

 private:
  [[nodiscard]] Instant now() const { return context_.doors.clock.now().boot; }
  Duration took(Instant& since) const {
    const Instant before = std::exchange(since, now());
    return since - before;
  }

  [[nodiscard]] ServerSettings server_settings() const {
    ServerSettings settings{{"restore_command", terms_.restore_command},
                            {"recovery_target_action", "promote"}};
    const std::uint32_t timeline = terms_.timeline;
    settings.emplace_back("recovery_target_timeline",
                          timeline == 0 ? "latest" : std::to_string(timeline));
    switch (terms_.point.kind) {
      case RecoveryPoint::Kind::latest: break;
      case RecoveryPoint::Kind::time:
        settings.emplace_back("recovery_target_time", with_offset(terms_.point.time));
        break;
      case RecoveryPoint::Kind::backup:
      case RecoveryPoint::Kind::lsn:
        settings.emplace_back("recovery_target_lsn", lsn_text(least_place(terms_)));
        break;
      case RecoveryPoint::Kind::name:
        settings.emplace_back("recovery_target_name", terms_.point.name);
        break;
    }
    return settings;
  }

  [[nodiscard]] PostgresSettings scratch_connection() const {
    std::string database = terms_.database;
    if (database.empty() && terms_.live) database = terms_.live->database;
    return {{"host", terms_.scratch.folder},
            {"port", "5432"},
            {"user", terms_.user},
            {"dbname", database.empty() ? "postgres" : database}};
  }

  Result<Postgres> recovered(ScratchServer& server) const {
    auto session = server.opened(scratch_connection());
    if (session || session.error().code != ErrorCode::corrupt) return session;
    std::string text = "it does not recover: " + session.error().text;
    if (!terms_.wal) return misleads(std::move(text));
    const bool whole = terms_.wal->missing.empty();
    return misleads(text + "; " +
                    (whole ? "the archive ends with " + terms_.wal->last : missing(terms_)));
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
  // comes from, and with why it left that.
  Status note_timeline(const std::string& own) {
    TRY(history, context_.doors.files.read(terms_.scratch.data() + "/pg_wal/" + own + ".history"));
    for (const auto& line : split(history, '\n')) {
      std::uint32_t parent = 0;
      const auto read = std::from_chars(line.data(), line.data() + line.size(), parent);
      if (read.ec != std::errc()) continue;
      done_.timeline = parent;
      done_.stopped = trimmed(line.substr(std::min(line.size(), line.rfind('\t') + 1)));
    }
    return {};
  }

  Status check_reached() const {
    const bool latest = terms_.point.kind == RecoveryPoint::Kind::latest;
    if (latest && terms_.wal && done_.lsn <= terms_.wal->last_begins) {
      return misleads("recovery ended at " + lsn_text(done_.lsn) +
                      ", though the archive goes on to " + terms_.wal->last +
                      ": the WAL in between cannot be read");
    }
    if (done_.lsn < least_place(terms_)) {
      std::string text = "recovery ended at " + lsn_text(done_.lsn) + ", before " +
                         lsn_text(least_place(terms_)) + ": the archive ends there";
      if (terms_.live) text += "; " + terms_.live->segment + " of the live cluster is not in it";
      return misleads(std::move(text));
    }
    TRY_OK(check_stop());
    const bool to_the_end = latest || terms_.point.kind == RecoveryPoint::Kind::backup;
    if (terms_.live && to_the_end && terms_.timeline == 0 &&
        done_.timeline != terms_.live->timeline) {
      return misleads("what was recovered ends in timeline " + std::to_string(done_.timeline) +
                      ", the live cluster is in timeline " + std::to_string(terms_.live->timeline));
    }
    return check_loss();
  }

  // That a server has not complained of a point which it did not come to is no proof: not each of
  // them does.
  Status check_stop() const {
    using enum RecoveryPoint::Kind;
    const RecoveryPoint& point = terms_.point;
    switch (point.kind) {
      case latest: return {};
      case time: return check_time();
      case backup:
      case lsn: return stopped_at("the place " + lsn_text(least_place(terms_)), " LSN ");
      case name: break;
    }
    const std::string wanted = "restore point \"" + point.name + "\"";
    if (done_.stopped == "at " + wanted) return {};
    return not_there("the " + wanted);
  }
  [[nodiscard]] std::unexpected<Error> not_there(const std::string& point) const {
    return misleads("recovery did not end at " + point + ", but at " + lsn_text(done_.lsn) + " (" +
                    done_.stopped + ")");
  }
  [[nodiscard]] Status stopped_at(const std::string& point, std::string_view word) const {
    return done_.stopped.contains(word) ? Status() : not_there(point);
  }

  // Between the last transaction that is in and the first one that is not. Of what was in the
  // backup from the beginning, the server knows no time.
  [[nodiscard]] Status check_time() const {
    const std::string point = rfc3339(terms_.point.time);
    if (terms_.point.time < terms_.begun) {
      return misleads("the backup is of " + rfc3339(terms_.begun) + ", later than " + point +
                      ": what was written in between is in it");
    }
    if (done_.time && *done_.time > terms_.point.time) {
      return misleads("recovery went beyond " + point +
                      ": the last transaction that came back is " + "of " + rfc3339(*done_.time));
    }
    const auto next = time_after("before ", done_.stopped);
    return next && *next > terms_.point.time ? Status() : not_there(point);
  }
  // "before 2026-11-26 15:15:40.5+00"
  static std::optional<Utc> time_after(std::string_view word, std::string text) {
    constexpr std::string_view kZone = "+00";
    if (!text.starts_with(word) || !text.ends_with(kZone)) return std::nullopt;
    text = text.substr(word.size(), text.size() - word.size() - kZone.size()) + "Z";
    if (const auto space = text.find(' '); space != std::string::npos) text[space] = 'T';
    const auto time = parse_rfc3339(text);
    return time ? std::optional(*time) : std::nullopt;
  }

  Status check_loss() const {
    const auto& most = terms_.max_loss;
    const Duration loss = terms_.looked - done_.time.value_or(terms_.taken);
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
    // The live one was asked for one database alone.
    if (!terms_.database.empty() && terms_.database != terms_.live->database) return {};
    // A transaction that recovery stopped before has its number there all the same.
    done_.compared =
        done_.lsn >= terms_.live->lsn && next.text(0, 0) == terms_.live->next_transaction;
    if (!done_.compared || content->digest == terms_.live->digest) return {};
    return misleads("it does not have the content that the live cluster had at " +
                    lsn_text(terms_.live->lsn));
  }

  // In the database that they are asked of where it lives.
  Status look_at_invariants() {
    const Target* target = terms_.of.empty() ? nullptr : context_.system.target(terms_.of);
    if (target == nullptr || !terms_.live) return {};
    PostgresSettings there = scratch_connection();
    set_setting(there, "dbname", terms_.live->database);
    const auto ask = [&](const std::string& sql, const DeedContext& here) {
      return postgres_value(there, sql, here);
    };
    TRY(seen, read_restored(*target, "postgres", ask, context_));
    done_.invariants = seen;
    return {};
  }

  static Error unreadable(Error error) {
    if (error.code == ErrorCode::stopped || error.code == ErrorCode::timed_out) return error;
    error.code = ErrorCode::corrupt;
    return error.in("what was recovered cannot be read");
  }

  Status look_at_relations() {
    if (!terms_.amcheck) {
      done_.relations.unchecked = {"indexes and tables were not checked: `amcheck` is false"};
      return {};
    }
    const auto checked = check_relations(scratch_connection(), context_);
    if (!checked) return std::unexpected(checked.error());
    done_.relations = *checked;
    return {};
  }

  Status check_pages() {
    TRY(ended,
        run_in_scratch(terms_.scratch,
                       {"pg_checksums", "--check", "--pgdata", terms_.scratch.data()}, context_));
    const Reading reading = read_ending(postgres_15, "pg_checksums", ended);
    // Not every cluster has them; then nothing is said of them.
    if (reading.state == "no-checksums") return {};
    if (reading.truth != Truth::pass) return fail(reading.code, reading.text);
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

  const ReplayTerms& terms_;
  const DeedContext& context_;
  Recovered done_;
};

// As a playbook writes it.
std::string shown(const RecoveryPoint& point) {
  switch (point.kind) {
    case RecoveryPoint::Kind::latest: return "latest";
    case RecoveryPoint::Kind::backup: return "backup";
    case RecoveryPoint::Kind::time: return rfc3339(point.time);
    case RecoveryPoint::Kind::lsn: return lsn_text(point.lsn);
    case RecoveryPoint::Kind::name: return "name:" + point.name;
  }
  return "";
}

}  // namespace

Json to_json(const Recovered& recovered, const ReplayTerms& terms) {
  const bool by_time = terms.point.kind == RecoveryPoint::Kind::time;
  const Utc last = recovered.time.value_or(terms.taken);
  return Json::object({{"point", shown(terms.point)},
                       {"asked", by_time ? Json(rfc3339(terms.point.time)) : Json()},
                       {"time", recovered.time ? Json(rfc3339(*recovered.time)) : Json()},
                       {"lsn", lsn_text(recovered.lsn)},
                       {"stopped", recovered.stopped},
                       {"timeline", static_cast<std::int64_t>(recovered.timeline)},
                       {"behind_s", seconds(terms.looked - last)},
                       {"compared", recovered.compared},
                       {"pages", recovered.pages ? Json(*recovered.pages) : Json()},
                       {"amcheck", to_json(recovered.relations)},
                       {"copy_s", seconds(recovered.copy)},
                       {"check_s", seconds(recovered.check)},
                       {"replay_s", seconds(recovered.replay)},
                       {"verify_s", seconds(recovered.verify)}});
}

Lsn least_place(const ReplayTerms& terms) {
  using enum RecoveryPoint::Kind;
  if (terms.point.kind == lsn) return terms.point.lsn;
  const bool live = terms.live && (terms.point.kind == latest || terms.point.kind == backup);
  return live ? terms.live->lsn : 0;
}

Status look_for_missing(const ReplayTerms& terms) {
  if (!terms.wal || terms.wal->missing.empty()) return {};
  const bool latest = terms.point.kind == RecoveryPoint::Kind::latest;
  if (!latest && least_place(terms) <= terms.wal->missing_begins) return {};
  return misleads(missing(terms));
}

// What fetches the WAL may have had no room for it, which a server takes for the end of it.
Result<Recovered> replay(const ReplayTerms& terms, const DeedContext& context) {
  auto done = Replay(terms, context).run();
  if (done || done.error().code != ErrorCode::corrupt) return done;
  const auto log = context.doors.files.read(terms.scratch.folder + "/log");
  const Reading reading =
      read_ending(postgres_15, "recovery", {Ended::How::exited, 0, log.value_or("")});
  if (reading.row == nullptr || reading.truth == Truth::fail) return done;
  return fail(reading.code, reading.text + ": " + done.error().text);
}

}  // namespace gameday
