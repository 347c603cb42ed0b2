// A PostgreSQL server's archive_command fails: WAL piles up on its disk, and whoever recovers from
// the archive gets no further than here. The failing command carries the deed's mark.
#include "drills/systems/postgres_rights.h"
#include "drills/systems/waiting.h"

namespace gameday {
namespace {

constexpr Duration kArchives = std::chrono::seconds(5);
constexpr std::string_view kCommandBegins = "exit 1 # gameday breaks archiving, by deed ";

std::string our_command(const std::string& mark) { return std::string(kCommandBegins) + mark; }

struct Archiving {
  std::string mode, command, source, file, library;
  bool in_recovery = false;
  std::int64_t failures = 0;
  bool fails = false;  // its last try
};

Result<Archiving> look_at(Postgres& session) {
  TRY(told, session.ask("SELECT current_setting('archive_mode'), s.setting, s.source, "
                        "coalesce(s.sourcefile, ''), coalesce(current_setting('archive_library', "
                        "true), ''), pg_is_in_recovery(), a.failed_count, "
                        "coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS "
                        "NOT NULL) FROM pg_settings AS s, pg_stat_archiver AS a WHERE s.name = "
                        "'archive_command'"));
  return Archiving{told.text(0, 0), told.text(0, 1),    told.text(0, 2),    told.text(0, 3),
                   told.text(0, 4), told.boolean(0, 5), told.integer(0, 6), told.boolean(0, 7)};
}

Result<Archiving> look_at(const Undo& undo, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  return look_at(session);
}

Status refuse_what_would_show_nothing(const Archiving& now, const std::string& shown) {
  if (now.mode == "off") return fail(ErrorCode::refused, shown + " archives nothing");
  if (now.in_recovery && now.mode != "always") {
    return fail(ErrorCode::refused, shown + " is a standby, which archives nothing");
  }
  if (!now.library.empty()) {
    return fail(ErrorCode::refused, shown + " archives by the library " + now.library);
  }
  if (now.command.starts_with(kCommandBegins)) {
    return fail(ErrorCode::conflict, shown + " has the mark of a drill: " + now.command);
  }
  if (now.command.empty() || now.fails) {
    return fail(ErrorCode::refused, shown + " archives nothing as it is: its archive_command " +
                                        (now.command.empty() ? "is empty" : "fails"));
  }
  if (now.source == "command line") {
    return fail(ErrorCode::refused,
                shown + " was started with its archive_command, which nothing else overrides",
                "let it stand in postgresql.conf");
  }
  if (now.file.empty()) {
    return fail(ErrorCode::refused, "we may not see in which file archive_command stands",
                "GRANT pg_read_all_settings to gameday's role");
  }
  return {};
}

// What ALTER SYSTEM had set before may tell a secret, and is kept in a private file.
Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(now, look_at(opened.session));
  TRY_OK(refuse_what_would_show_nothing(now, opened.session.shown()));
  Undo undo{"break-archiving", Json::object({{"connection", opened.connection},
                                             {"mark", context.mark},
                                             {"failures", now.failures}})};
  if (!now.file.ends_with("postgresql.auto.conf")) return undo;
  const std::string kept = context.private_folder + "/" + context.mark + ".archive_command";
  TRY_OK(context.doors.files.write(kept, now.command, 0600));
  undo.arguments.set("kept", kept);
  return undo;
}

// That a session that begins now finds the command so: the server has read its files again.
Status reload(const Undo& undo, bool ours, const DeedContext& context) {
  TRY(session, open_for(undo, context));
  TRY(done, session.change("SELECT pg_reload_conf()"));
  const std::string command = our_command(undo.arguments.text("mark"));
  return wait_until_it(
      [&]() -> Result<bool> {
        TRY(now, look_at(undo, context));
        return (now.command == command) == ours;
      },
      context);
}

// A segment that is to be archived, so that the command is asked for.
Status end_segment(Postgres& session, const std::string& mark) {
  TRY(written, session.change("SELECT pg_logical_emit_message(false, 'gameday', $1)", {mark}));
  TRY(ended, session.change("SELECT pg_switch_wal()"));
  return {};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  const std::string mark = undo.arguments.text("mark");
  if (mark.empty()) return fail(ErrorCode::corrupt, "an undo of break-archiving lacks its mark");
  TRY(session, open_for(undo, context));
  TRY(set,
      session.change("ALTER SYSTEM SET archive_command = " + postgres_literal(our_command(mark))));
  TRY_OK(reload(undo, true, context));
  TRY_OK(end_segment(session, mark));
  const std::int64_t before = undo.arguments.integer("failures", 0);
  return wait_until_it(
      [&]() -> Result<bool> {
        TRY(now, look_at(undo, context));
        return now.failures > before;
      },
      context, kArchives);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(now, look_at(undo, context));
  const std::int64_t failures = now.failures - undo.arguments.integer("failures", 0);
  const bool ours = now.command == our_command(undo.arguments.text("mark"));
  Proof proof{ours && now.fails && failures > 0, "",
              Json::object({{"failures", failures}, {"fails", now.fails}})};
  proof.text = !ours        ? "archive_command is not the deed's"
               : proof.held ? "archiving fails: " + std::to_string(failures) +
                                  " tries since the deed, and none that worked"
                            : "archiving has not failed yet";
  return proof;
}

// Without our mark there is nothing of ours: it never was, or somebody has put it right.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(now, look_at(undo, context));
  const std::string mark = undo.arguments.text("mark");
  if (mark.empty()) return fail(ErrorCode::corrupt, "an undo of break-archiving lacks its mark");
  TRY(session, open_for(undo, context));
  if (now.command != our_command(mark)) {
    // Killed before the server was told to read it.
    TRY(waits, session.ask("SELECT count(*) FROM pg_file_settings WHERE name = 'archive_command' "
                           "AND setting = $1",
                           {our_command(mark)}));
    if (waits.integer(0, 0) == 0) return {};
  }
  std::string back = "ALTER SYSTEM RESET archive_command";
  if (const std::string kept = undo.arguments.text("kept"); !kept.empty()) {
    TRY(before, context.doors.files.read(kept));
    back = "ALTER SYSTEM SET archive_command = " + postgres_literal(before);
  }
  TRY(set, session.change(back));
  return reload(undo, false, context);
}

// What piled up goes into the archive in its turn; the first of it shows that it does.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  const std::string ours = our_command(undo.arguments.text("mark"));
  Archiving now;
  TRY_OK(wait_until_it(
      [&]() -> Result<bool> {
        TRY(looked, look_at(undo, context));
        now = looked;
        return now.command == ours || !now.fails;
      },
      context, kArchives));
  if (now.command == ours) return Proof{false, "archive_command is the deed's yet"};
  const bool failed_since = now.failures > undo.arguments.integer("failures", 0);
  if (now.fails && failed_since) {
    return Proof{false, "archive_command is not the deed's any more, and archiving fails yet"};
  }
  return Proof{true, failed_since ? "archiving works again" : "archiving never failed"};
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  const std::string kept = undo.arguments.text("kept");
  return kept.empty() ? Status() : context.doors.files.remove(kept);
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  Postgres& session = opened.session;
  const std::string_view by =
      session.version() >= 150000
          ? "SELECT has_parameter_privilege('archive_command', 'ALTER SYSTEM')"
          : "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
  return check_rights(
      session,
      {{std::string(by),
        {},
        "we may not change archive_command",
        "from PostgreSQL 15 on: GRANT ALTER SYSTEM ON PARAMETER archive_command to gameday's role; "
        "before, it must be a superuser"},
       right_of_role("pg_read_all_settings"),
       right_on_table("SELECT", "pg_file_settings"),
       right_to_call("pg_show_all_file_settings()"),
       right_to_call("pg_reload_conf()"),
       right_to_call("pg_switch_wal()")});
}

Result<Json> discover(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(now, look_at(opened.session));
  Json found = Json::array();
  if (now.command.starts_with(kCommandBegins)) {
    found.push(Json::object(
        {{"where", opened.session.shown()}, {"mark", now.command.substr(kCommandBegins.size())}}));
  }
  return found;
}

}  // namespace

extern const FaultRow break_archiving_fault;
const FaultRow break_archiving_fault{
    .name = "break-archiving",
    .summary =
        "Has a PostgreSQL server's archive_command fail: its WAL piles up and reaches no archive.",
    .fields = {},
    .facet = "postgres",
    .reversal = Reversal::exact,
    .effect = Effect::fills,
    .rights =
        "CONNECT on the database; ALTER SYSTEM on archive_command (before PostgreSQL 15: a "
        "superuser), pg_read_all_settings, SELECT on pg_file_settings, EXECUTE on "
        "pg_show_all_file_settings(), pg_reload_conf() and pg_switch_wal()",
    .example = "- { fault: break-archiving, target: database, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .discover = discover,
    .may = may,
};

}  // namespace gameday
