#include "drills/systems/postgres_standby.h"

#include "drills/systems/postgres_rights.h"
#include "drills/systems/waiting.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kIdentifier = "Database system identifier";

Result<Postgres> open_target(const std::string& name, const DeedContext& context) {
  const Target* target = context.system.target(name);
  if (target == nullptr || target->facets.find("postgres") == nullptr) {
    return fail(ErrorCode::invalid, "no target with a `postgres` facet is called " + name);
  }
  TRY(settings, postgres_settings(*target));
  return open_postgres(settings, context);
}

Status refuse_passwords(std::string_view field, const std::string& written) {
  TRY(settings, postgres_settings_of(written));
  for (const auto& [keyword, value] : settings) {
    if (!is_secret_setting(keyword)) continue;
    return fail(
        ErrorCode::invalid,
        "`" + std::string(field) + "` has a " + keyword + ", which would stay on the server",
        "put it into the passfile of the server's user");
  }
  return {};
}

Status make_slot(const std::string& slot, Postgres& session) {
  if (slot.empty()) return {};
  TRY(made, session.change("SELECT pg_create_physical_replication_slot($1, true) WHERE NOT EXISTS "
                           "(SELECT FROM pg_replication_slots WHERE slot_name = $1)",
                           {slot}));
  return {};
}

// It says itself where the two went apart; one that has only fallen behind needs no rewinding.
Status rewind(const PostgresHome& home, const std::string& source) {
  std::vector<std::string> argv{"pg_rewind", "-D", home.data(), "--source-server", source};
  if (!home.config().empty()) argv.push_back("--config-file=" + home.config());
  const auto done = home.run(std::move(argv));
  return done ? Status() : std::unexpected(done.error());
}

// What pg_rewind asks the other one for.
constexpr std::string_view kLacksForRewind =
    "SELECT coalesce(string_agg(f, ', '), '') FROM unnest(ARRAY['pg_ls_dir(text, boolean, "
    "boolean)', 'pg_stat_file(text, boolean)', 'pg_read_binary_file(text)', "
    "'pg_read_binary_file(text, bigint, bigint, boolean)']) AS f WHERE NOT "
    "has_function_privilege(f, 'EXECUTE')";

// As the user of the server, whose passfile has the password.
Status may_rewind(const PostgresHome& home, const std::string& source) {
  const auto program = home.run({"pg_rewind", "--version"});
  if (!program) return fail(ErrorCode::refused, program.error().text);
  TRY(lacks, home.run({"psql", "-XqAtw", "-d", source, "-c", std::string(kLacksForRewind)}));
  const std::string functions(trimmed(lacks));
  if (functions.empty()) return {};
  return fail(ErrorCode::refused, "who `source` names may not call " + functions,
              "GRANT EXECUTE ON FUNCTION them to that role, or let it be a superuser");
}

// Its files, and what is kept beside them while it is rewound.
Status may_live(const PostgresHome& home) {
  const auto looked =
      home.run({"sh", "-euc", "[ -O \"$1\" ]; [ -w \"$(dirname \"$1\")\" ]", "sh", home.data()});
  if (looked) return {};
  return fail(ErrorCode::refused,
              "we may not write to " + home.data() + " and beside it as the user of its server",
              "run gameday as root, or as that user");
}

Status may_be_followed(const StandbyTerms& terms, const std::string& user, Postgres& session) {
  std::vector<PostgresRight> rights = {
      session.version() >= 150000
          ? right_of_role("pg_checkpoint")
          : PostgresRight{"SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
                          {},
                          "we may not have " + terms.of + " write a checkpoint",
                          "before PostgreSQL 15 only a superuser may"}};
  if (!terms.slot.empty()) rights.push_back(right_to_replicate());
  TRY(follow, postgres_settings_of(terms.follow));
  const std::string named = setting_of(follow, "user");
  const std::string role = named.empty() ? user : named;
  rights.push_back(
      {"SELECT coalesce((SELECT rolreplication OR rolsuper FROM pg_roles WHERE "
       "rolname = $1), false)",
       {role},
       "the role " + role + ", as which it is to follow, has no REPLICATION",
       "ALTER ROLE ... REPLICATION"});
  return check_rights(session, rights);
}

struct Following {
  bool in_recovery = false;
  std::string state, identifier;
  std::uint32_t timeline = 0;
  bool caught_up = false;
};

Result<Following> look_at_follower(Postgres& session, const std::string& lsn) {
  TRY(server, look_at_server(session));
  Following now{server.in_recovery, "", server.identifier, 0, false};
  if (!server.in_recovery) return now;
  TRY(timeline, timeline_of(session));
  now.timeline = timeline;
  TRY(told, session.ask("SELECT (SELECT status FROM pg_stat_wal_receiver), "
                        "coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)",
                        {lsn}));
  now.state = told.text(0, 0);
  now.caught_up = told.boolean(0, 1);
  return now;
}

}  // namespace

Result<StandbyTerms> standby_terms(const std::string& target, const std::string& of,
                                   const Json& arguments) {
  StandbyTerms terms{target, of, arguments.text("source"), arguments.text("follow"),
                     arguments.text("slot")};
  if (terms.follow.empty()) terms.follow = terms.source;
  if (target == of) return fail(ErrorCode::invalid, target + " cannot follow itself");
  TRY_OK(refuse_passwords("source", terms.source));
  TRY_OK(refuse_passwords("follow", terms.follow));
  return terms;
}

Result<Followed> open_followed(const std::string& target, const DeedContext& context) {
  TRY(session, open_target(target, context));
  TRY(server, look_at_server(session));
  if (server.in_recovery) {
    return fail(ErrorCode::refused, target + " takes no writes: there is nobody to follow");
  }
  return Followed{std::move(session), std::move(server)};
}

Status same_cluster(const PostgresHome& home, const PostgresServer& server) {
  TRY(identifier, home.control(kIdentifier));
  if (server.identifier.empty() || server.identifier == identifier) return {};
  return fail(ErrorCode::refused, home.shown() + " is of the cluster " + identifier +
                                      ", and not of " + server.identifier);
}

Status become_standby(PostgresHome& home, const StandbyTerms& terms, const DeedContext& context) {
  TRY(followed, open_followed(terms.of, context));
  TRY_OK(same_cluster(home, followed.server));
  // Before it is rewound: what it then lacks is kept for it from here on.
  TRY_OK(make_slot(terms.slot, followed.session));
  // pg_rewind goes by the other one's control file, which names the timeline of its last
  // checkpoint: just after a promotion that is the old one, and it would find nothing to rewind.
  TRY(checkpoint, followed.session.change("CHECKPOINT"));
  TRY_OK(home.set_aside());
  TRY_OK(rewind(home, terms.source));
  TRY_OK(home.put_back());
  TRY_OK(
      home.make_standby({{"primary_conninfo", terms.follow}, {"primary_slot_name", terms.slot}}));
  return home.start();
}

// What needs nobody's answer comes first: one that is down hides the rest.
Status may_become_standby(const StandbyTerms& terms, const Json& arguments,
                          const DeedContext& context) {
  constexpr int kMajor = 10000;
  const Target* target = context.system.target(terms.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + terms.target);
  const bool contained = target->facets.find("container") != nullptr;
  auto followed = open_target(terms.of, context);
  if (contained) {
    TRY(engine, DockerEngine::open(context));
    TRY(id, engine.id(context));
  } else {
    const int version = followed ? followed->version() / kMajor : 0;
    TRY(home, PostgresHome::open(terms.target, arguments, version, context));
    TRY_OK(may_live(home));
    if (followed) TRY_OK(may_rewind(home, terms.source));
  }
  if (!followed) return std::unexpected(followed.error());
  TRY_OK(may_be_followed(terms, arguments.text("server_user", "postgres"), *followed));
  // Whether it receives is hidden from who may not read all statistics.
  TRY(session, open_target(terms.target, context));
  return check_right(session, right_of_role("pg_read_all_stats"));
}

Result<Proof> proof_of_following(const StandbyTerms& terms, const DeedContext& context) {
  TRY(followed, open_followed(terms.of, context));
  TRY(written, followed.session.ask("SELECT pg_current_wal_flush_lsn()"));
  TRY(timeline, timeline_of(followed.session));
  TRY(session, open_target(terms.target, context));
  Following now;
  TRY_OK(wait_until_it(
      [&]() -> Result<bool> {
        TRY(looked, look_at_follower(session, written.text(0, 0)));
        now = looked;
        return !now.in_recovery || (now.caught_up && now.state == "streaming");
      },
      context));
  const std::string it = terms.target;
  Proof proof;
  proof.facts.set("in_recovery", now.in_recovery)
      .set("receives", now.state)
      .set("timeline", static_cast<std::int64_t>(now.timeline))
      .set("lsn", written.text(0, 0));
  const auto split = split_brain(followed.server.identifier,
                                 look_at_nodes(postgres_targets(context.system), context));
  if (!split.empty()) {
    proof.text = split;
  } else if (!now.in_recovery) {
    proof.text = it + " takes writes, and follows nobody";
  } else if (now.identifier != followed.server.identifier) {
    proof.text = it + " is of another cluster than " + terms.of;
  } else if (now.state != "streaming" || now.timeline != timeline) {
    proof.text = it + " recovers and receives nothing of timeline " + std::to_string(timeline);
  } else if (!now.caught_up) {
    proof.text = it + " has not replayed " + written.text(0, 0) + " yet";
  } else {
    proof.held = true;
    proof.text = it + " follows " + terms.of + " on timeline " + std::to_string(timeline) +
                 ", and has replayed " + written.text(0, 0);
  }
  return proof;
}

}  // namespace gameday
