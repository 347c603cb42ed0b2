#include "drills/systems/postgres_swap.h"

#include "drills/systems/postgres_content.h"
#include "drills/systems/postgres_rights.h"
#include "drills/systems/waiting.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

// Nobody can change the name of the database that he is connected to.
Result<Postgres> open_beside(const PostgresSettings& settings, const std::string& database,
                             const DeedContext& context) {
  PostgresSettings beside = settings;
  set_setting(beside, "dbname", database == "postgres" ? "template1" : "postgres");
  return open_postgres(beside, context);
}
Result<Postgres> open_beside(const DatabaseSwap& swap, const DeedContext& context) {
  return open_beside(swap.settings, swap.database, context);
}

struct Standing {
  std::string original;  // the name that the database of before has now; empty: none
  std::string in_place;  // the oid of what has the target's name; empty: nothing
  bool open = false;     // whether the database of before takes connections
  bool fresh = false;    // whether one of our making is left
};

Result<Standing> look(const DatabaseSwap& swap, Postgres& session) {
  TRY(found, session.ask("SELECT (SELECT datname FROM pg_database WHERE oid = $1::oid), (SELECT "
                         "oid FROM pg_database WHERE datname = $2), (SELECT datallowconn FROM "
                         "pg_database WHERE oid = $1::oid), EXISTS (SELECT FROM pg_database WHERE "
                         "datname = $3)",
                         {swap.oid, swap.database, fresh_name(swap.mark)}));
  return Standing{found.text(0, 0), found.text(0, 1), found.boolean(0, 2), found.boolean(0, 3)};
}

Status let_in(const std::string& name, bool open, Postgres& session) {
  TRY(done, session.change("ALTER DATABASE " + postgres_name(name) + " ALLOW_CONNECTIONS " +
                           (open ? "true" : "false")));
  return {};
}

// What kind of backend another role's is, the server hides from who may not read all statistics;
// that somebody is there at whose bidding, it does not.
constexpr std::string_view kIsClient =
    " AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'";

Status cut_off(const std::string& name, Postgres& session) {
  TRY(done, session.change("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                           "$1 AND pid <> pg_backend_pid()" +
                               std::string(kIsClient),
                           {name}));
  return {};
}

Status rename(const std::string& from, const std::string& to, Postgres& session) {
  TRY(done,
      session.change("ALTER DATABASE " + postgres_name(from) + " RENAME TO " + postgres_name(to)));
  return {};
}

Status drop(const std::string& name, Postgres& session) {
  TRY(done, session.change("DROP DATABASE IF EXISTS " + postgres_name(name) + " WITH (FORCE)"));
  return {};
}

// `present` leaves its name for `aside`, and `next` takes it. Sessions take a moment to end, and
// while one is there a name cannot change.
Status exchange_names(const std::string& present, const std::string& aside, const std::string& next,
                      Postgres& session) {
  TRY_OK(cut_off(present, session));
  TRY_OK(cut_off(next, session));
  TRY_OK(session.begin(PostgresAccess::read_write));
  TRY_OK(rename(present, aside, session));
  TRY_OK(rename(next, present, session));
  return session.commit();
}

Result<std::string> digest_left(const DatabaseSwap& swap, const DeedContext& context) {
  TRY(bytes, context.doors.files.read(swap.record));
  TRY(value, Json::parse(bytes));
  return value.text("left");
}

// A deed that was broken off may still have a session in which the server makes a database: what is
// looked at before that has ended is not what will be there.
Status end_what_goes_on(const std::string& mark, Postgres& session, const DeedContext& context) {
  bool ended = false;
  TRY_OK(wait_until_it(
      [&]() -> Result<bool> {
        TRY(left, session.change("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                 "application_name = $1 AND pid <> pg_backend_pid()",
                                 {session_name(mark)}));
        return ended = left.rows.empty();
      },
      context));
  if (ended) return {};
  return fail(ErrorCode::failed, "a session of deed " + mark + " does not end");
}

Error not_ours(const DatabaseSwap& swap) {
  return {ErrorCode::conflict,
          "the database " + swap.database +
              " has been written to since; what was there before is " + kept_name(swap.mark) +
              ", which takes no connections",
          "compare the two and put together what is needed; gameday leaves both as they are"};
}

// Reads through a session from before it was closed, so that nobody writes after we have looked.
Status undo_exchange(const DatabaseSwap& swap, Postgres& beside, const DeedContext& context) {
  TRY(left, digest_left(swap, context));
  TRY_OK(let_in(swap.database, true, beside));  // where an undo has died before it was through
  TRY(inside, open_postgres(swap.settings, context));
  TRY_OK(let_in(swap.database, false, beside));
  TRY(others, beside.change("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname "
                            "= $1 AND application_name <> $2" +
                                std::string(kIsClient),
                            {swap.database, session_name(context.mark)}));
  const auto content = [&]() -> Result<PostgresContent> {
    TRY_OK(inside.begin(PostgresAccess::snapshot));
    return read_content(inside);
  }();
  if (!content || content->digest != left) {
    TRY_OK(let_in(swap.database, true, beside));
    return std::unexpected(content ? not_ours(swap) : content.error());
  }
  TRY_OK(exchange_names(swap.database, fresh_name(swap.mark), kept_name(swap.mark), beside));
  TRY_OK(let_in(swap.database, true, beside));
  return drop(fresh_name(swap.mark), beside);
}

// Each gives statements that make the database $2 like that of the oid $1 in one respect. Settings
// that are lists are kept as SQL writes them, and quoted again would be one name.
constexpr std::string_view kDresses[] = {
    "SELECT format('ALTER DATABASE %I OWNER TO %I', $2::text, pg_get_userbyid(datdba)) FROM "
    "pg_database "
    "WHERE oid = $1::oid",
    "SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', $2::text, datconnlimit) FROM "
    "pg_database "
    "WHERE oid = $1::oid",
    "SELECT format('COMMENT ON DATABASE %I IS %L', $2::text, shobj_description(oid, "
    "'pg_database')) FROM "
    "pg_database WHERE oid = $1::oid",
    "SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $2::text) FROM pg_database WHERE oid = "
    "$1::oid AND datacl IS NOT NULL",
    "SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $2::text, CASE a.grantee "
    "WHEN 0 "
    "THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN a.is_grantable THEN "
    "' WITH GRANT OPTION' ELSE '' END) FROM pg_database AS d, aclexplode(d.datacl) AS a WHERE "
    "d.oid = $1::oid",
    "SELECT CASE setrole WHEN 0 THEN format('ALTER DATABASE %I', $2::text) ELSE format('ALTER ROLE "
    "%I IN "
    "DATABASE %I', pg_get_userbyid(setrole), $2::text) END || format(' SET %I TO ', split_part(c, "
    "'=', "
    "1)) || CASE WHEN split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces', "
    "'session_preload_libraries', 'local_preload_libraries') THEN substr(c, strpos(c, '=') + 1) "
    "ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END FROM pg_db_role_setting, "
    "unnest(setconfig) AS c WHERE setdatabase = $1::oid",
};

PostgresRight right_to_make_databases() {
  return {"SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user",
          {},
          "gameday's role has no CREATEDB",
          "ALTER ROLE ... CREATEDB"};
}

std::string name_for(std::string_view what, const std::string& mark) {
  constexpr std::size_t kDigits = 16;
  const std::string digest = sha256(mark);
  return "gameday_" + std::string(what) + "_" + digest.substr(digest.find(':') + 1, kDigits);
}

}  // namespace

Json to_json(const DatabaseSwap& swap) {
  return Json::object({{"connection", to_json(swap.settings)},
                       {"database", swap.database},
                       {"oid", swap.oid},
                       {"mark", swap.mark},
                       {"record", swap.record}});
}

Result<DatabaseSwap> database_swap_from(const Json& value) {
  TRY(settings, connection_in({"postgres", value}));
  DatabaseSwap swap{settings, value.text("database"), value.text("oid"), value.text("mark"),
                    value.text("record")};
  if (swap.database.empty() || swap.oid.empty() || swap.mark.empty() || swap.record.empty()) {
    return fail(ErrorCode::corrupt, "the undo of a database lacks its name, oid, mark or record");
  }
  return swap;
}

std::string fresh_name(const std::string& mark) { return name_for("new", mark); }
std::string kept_name(const std::string& mark) { return name_for("kept", mark); }

Status may_make_database(Postgres& session, const PostgresSettings& settings,
                         const DeedContext& context) {
  TRY_OK(check_right(session, right_to_make_databases()));
  TRY(name, session.ask("SELECT current_database()"));
  const auto beside = open_beside(settings, name.text(0, 0), context);
  return beside ? Status() : std::unexpected(beside.error());
}

// Whoever gives a database another name may have to make one, too.
Status may_exchange(Postgres& session) {
  return check_rights(
      session, {right_to_make_databases(),
                right_of_owner("SELECT datdba FROM pg_database WHERE datname = current_database()",
                               {}, "the database"),
                right_of_role("pg_signal_backend")});
}

Result<DatabaseSwap> prepare_swap(const PostgresSettings& settings, const DeedContext& context) {
  TRY(session, open_postgres(settings, context));
  TRY(found, session.ask("SELECT d.datname, d.oid, pg_is_in_recovery(), EXISTS (SELECT FROM "
                         "pg_replication_slots WHERE datoid = d.oid) FROM pg_database AS d WHERE "
                         "d.datname = current_database()"));
  const std::string name = found.text(0, 0);
  const auto refused = [&](const std::string& why) {
    return fail(ErrorCode::refused, session.shown() + ": " + why);
  };
  if (found.boolean(0, 2)) return refused("a standby's databases are its primary's");
  if (const auto may = may_exchange(session); !may) {
    return std::unexpected(may.error().in("we may not put another database in its place"));
  }
  if (found.boolean(0, 3)) return refused("it has a logical replication slot, which would go on");
  DatabaseSwap swap{kept_settings(session, settings), name, found.text(0, 1), context.mark,
                    context.private_folder + "/" + context.mark + ".swap.json"};
  TRY(beside, open_beside(swap, context));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  return swap;
}

Status make_database(const PostgresSettings& settings, const std::string& name,
                     const DeedContext& context) {
  TRY(session, open_postgres(settings, context));
  // A provider of locales is a word since PostgreSQL 15 alone.
  const std::string icu = session.version() < 150000
                              ? "''"
                              : "CASE datlocprovider WHEN 'i' THEN format(' LOCALE_PROVIDER icu "
                                "ICU_LOCALE %L', to_jsonb(d)->>'daticulocale') ELSE '' END";
  TRY(like,
      session.ask("SELECT format(' TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', "
                  "pg_encoding_to_char(encoding), datcollate, datctype) || " +
                  icu + " FROM pg_database AS d WHERE datname = current_database()"));
  TRY(made, session.change("CREATE DATABASE " + postgres_name(name) + like.text(0, 0)));
  TRY(said, session.change("COMMENT ON DATABASE " + postgres_name(name) + " IS " +
                           postgres_literal("made by gameday, deed " + context.mark)));
  return {};
}

Status drop_database(const PostgresSettings& settings, const std::string& name,
                     const DeedContext& context) {
  TRY(session, open_postgres(settings, context));
  return drop(name, session);
}

Status drop_fresh(const PostgresSettings& settings, const std::string& mark,
                  const DeedContext& context) {
  TRY(session, open_beside(settings, setting_of(settings, "dbname"), context));
  TRY_OK(end_what_goes_on(mark, session, context));
  return drop(fresh_name(mark), session);
}

Result<Proof> fresh_gone(const PostgresSettings& settings, const std::string& mark,
                         const DeedContext& context) {
  TRY(session, open_beside(settings, setting_of(settings, "dbname"), context));
  TRY(found, session.ask("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
                         {fresh_name(mark)}));
  const bool there = found.boolean(0, 0);
  return Proof{!there,
               "the database " + fresh_name(mark) + (there ? " is still there" : " is gone")};
}

Status dress_fresh(const DatabaseSwap& swap, const DeedContext& context) {
  TRY(session, open_beside(swap, context));
  for (const std::string_view question : kDresses) {
    TRY(wanted, session.ask(std::string(question), {swap.oid, fresh_name(swap.mark)}));
    for (std::size_t row = 0; row < wanted.rows.size(); ++row) {
      TRY(done, session.change(wanted.text(row, 0)));
    }
  }
  return {};
}

Status swap_in(const DatabaseSwap& swap, const std::string& digest, const DeedContext& context) {
  TRY_OK(
      context.doors.files.write(swap.record, Json::object({{"left", digest}}).dump() + "\n", 0600));
  TRY(session, open_beside(swap, context));
  TRY_OK(let_in(swap.database, false, session));
  auto done = exchange_names(swap.database, kept_name(swap.mark), fresh_name(swap.mark), session);
  if (done) return {};
  TRY(again, open_beside(swap, context));
  TRY_OK(let_in(swap.database, true, again));
  return done;
}

Status undo_swap(const DatabaseSwap& swap, const DeedContext& context) {
  TRY(session, open_beside(swap, context));
  TRY_OK(end_what_goes_on(swap.mark, session, context));
  TRY(now, look(swap, session));
  if (now.original.empty()) {
    return fail(ErrorCode::not_found,
                "the database that was kept, " + kept_name(swap.mark) + ", is not there");
  }
  if (now.original != swap.database && now.in_place.empty()) {
    TRY_OK(rename(now.original, swap.database, session));
    return let_in(swap.database, true, session);
  }
  if (now.original != swap.database) return undo_exchange(swap, session, context);
  if (!now.open) TRY_OK(let_in(swap.database, true, session));
  return now.fresh ? drop(fresh_name(swap.mark), session) : Status();
}

Result<Proof> swap_gone(const DatabaseSwap& swap, const DeedContext& context) {
  TRY(session, open_beside(swap, context));
  TRY(now, look(swap, session));
  const bool back = now.original == swap.database;
  Proof proof{back && now.open && !now.fresh, "", Json::object({{"oid", now.in_place}})};
  proof.text = swap.database + (now.original.empty() ? " of before is not there"
                                : !back              ? " has what the restore left there"
                                : !now.open          ? " takes no connections"
                                : now.fresh          ? " is as it was, beside a copy that is left"
                                                     : " is the database of before");
  return proof;
}

// What is kept goes only where something else stands in its place.
Status erase_swapped(const DatabaseSwap& swap, bool keep, const DeedContext& context) {
  if (keep) return {};
  TRY(session, open_beside(swap, context));
  TRY(now, look(swap, session));
  if (now.original == kept_name(swap.mark) && !now.in_place.empty()) {
    TRY_OK(drop(now.original, session));
  }
  if (now.fresh) TRY_OK(drop(fresh_name(swap.mark), session));
  return context.doors.files.remove(swap.record);
}

}  // namespace gameday
