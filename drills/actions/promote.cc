// A standby of PostgreSQL becomes the server that takes writes. It is refused while another one of
// its cluster does: there would be two, and what one of them acknowledges is lost.
#include "drills/systems/postgres_nodes.h"
#include "drills/systems/postgres_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "beside_a_writer",
     .type = FieldType::boolean,
     .help = "Whether it is done although another server of the cluster takes writes, to see what "
             "becomes of a split brain.",
     .otherwise = "false"},
};

// Who takes writes beside it, in words; empty: nobody who answers.
std::string others_who_write(const std::string& target, const std::string& identifier,
                             const DeedContext& context) {
  auto names = postgres_targets(context.system);
  std::erase(names, target);
  DeedContext here = context;
  constexpr Duration kEach = std::chrono::seconds(1);
  const Instant enough = context.doors.clock.in(kEach * static_cast<int>(names.size()));
  here.until.deadline = std::min(here.until.deadline, enough);
  return shown(writers_of(identifier, look_at_nodes(names, here)));
}

Status perform(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  Postgres& session = opened.session;
  TRY(server, look_at_server(session));
  if (!server.in_recovery) {
    return fail(ErrorCode::refused, session.shown() + " is no replica: it takes writes as it is");
  }
  if (!deed.arguments.boolean("beside_a_writer", false)) {
    const auto others = others_who_write(deed.target, server.identifier, context);
    if (!others.empty()) {
      return fail(ErrorCode::refused,
                  "there would be two writers: " + others + " takes writes of the same cluster",
                  "end that one first, or say `beside_a_writer: true`");
    }
  }
  TRY(before, timeline_of(session));
  const auto seconds_left = std::chrono::duration_cast<std::chrono::seconds>(
      context.until.deadline - context.doors.clock.now().boot);
  const auto wait = std::max<std::int64_t>(seconds_left.count(), 1);
  TRY(done, session.change("SELECT pg_promote(true, " + std::to_string(wait) + ")"));
  if (!done.boolean(0, 0)) {
    return fail(ErrorCode::failed, session.shown() + " was promoted, and did not end recovery");
  }
  TRY(after, timeline_of(session));
  if (after > before) return {};
  return fail(ErrorCode::corrupt, session.shown() + " is on timeline " + std::to_string(after) +
                                      ", as before: it was not promoted");
}

// A commit that reaches the disk and leaves no row.
Status write_something(Postgres& session, const std::string& mark) {
  TRY(read_only, session.ask("SELECT current_setting('transaction_read_only')"));
  if (read_only.text(0, 0) != "off") {
    return fail(ErrorCode::refused, session.shown() + " lets clients only read");
  }
  TRY(written, session.change("SELECT pg_logical_emit_message(true, 'gameday', $1)", {mark}));
  return {};
}

Result<Proof> prove(const Deed& deed, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  TRY(server, look_at_server(opened.session));
  TRY(timeline, timeline_of(opened.session));
  Proof proof;
  proof.facts.set("in_recovery", server.in_recovery)
      .set("timeline", static_cast<std::int64_t>(timeline));
  if (server.in_recovery) {
    proof.text = opened.session.shown() + " is in recovery yet";
    return proof;
  }
  if (const auto written = write_something(opened.session, context.mark); !written) {
    proof.text = written.error().text;
    return proof;
  }
  const auto others = others_who_write(deed.target, server.identifier, context);
  const bool may = deed.arguments.boolean("beside_a_writer", false);
  proof.held = others.empty() || may;
  proof.text = opened.session.shown() + " takes writes on timeline " + std::to_string(timeline);
  if (!others.empty()) proof.text += ", and so does " + others + ": a split brain";
  return proof;
}

// Whether it is a standby then, is known when its turn comes.
Status may(const Step& step, const DeedContext& context) {
  TRY(opened, open_for(Deed{step.id, "action", step.target, step.arguments}, context));
  return check_right(opened.session, right_to_call("pg_promote(boolean, integer)"));
}

}  // namespace

extern const ActionRow promote_action;
const ActionRow promote_action{
    .name = "promote",
    .summary = "Makes a PostgreSQL standby the server that takes writes.",
    .fields = kFields,
    .facet = "postgres",
    .rights = "CONNECT on the database; EXECUTE on pg_promote(boolean, integer)",
    .example = "- { action: promote, target: standby }",
    .perform = perform,
    .prove = prove,
    .may = may,
};

}  // namespace gameday
