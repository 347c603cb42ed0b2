#include "drills/systems/postgres_nodes.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

PostgresNode asked_node(const std::string& name, const DeedContext& context) {
  PostgresNode node{.target = name};
  const auto look = [&]() -> Status {
    const Target* target = context.system.target(name);
    if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + name);
    TRY(settings, postgres_settings(*target));
    TRY(session, open_postgres(settings, context));
    TRY(server, look_at_server(session));
    TRY(timeline, timeline_of(session));
    TRY(started, session.ask("SELECT pg_postmaster_start_time()"));
    node.started = started.text(0, 0);
    node.identifier = server.identifier;
    node.takes_writes = !server.in_recovery;
    node.timeline = timeline;
    return {};
  };
  if (const auto looked = look(); !looked) node.problem = looked.error().text;
  return node;
}

}  // namespace

// A writer's comes from where it writes: what the control file says is as old as its last
// checkpoint, and just after a promotion that is one of the time before.
Result<std::uint32_t> timeline_of(Postgres& session) {
  TRY(told, session.ask("SELECT CASE WHEN pg_is_in_recovery() THEN (SELECT max(received_tli) FROM "
                        "pg_stat_wal_receiver) ELSE ('x' || substr(pg_walfile_name("
                        "pg_current_wal_lsn()), 1, 8))::bit(32)::int END"));
  if (!told.text(0, 0).empty()) return static_cast<std::uint32_t>(told.integer(0, 0));
  const auto kept = session.ask("SELECT timeline_id FROM pg_control_checkpoint()");
  if (!kept && kept.error().code != ErrorCode::refused) return std::unexpected(kept.error());
  return kept ? static_cast<std::uint32_t>(kept->integer(0, 0)) : 0;
}

Json to_json(const std::vector<PostgresNode>& nodes) {
  Json list = Json::array();
  for (const auto& node : nodes) {
    Json one = Json::object({{"target", node.target}});
    if (!node.problem.empty()) {
      one.set("problem", node.problem);
    } else {
      one.set("takes_writes", node.takes_writes).set("cluster", node.identifier);
      if (node.timeline != 0) one.set("timeline", static_cast<std::int64_t>(node.timeline));
    }
    list.push(std::move(one));
  }
  return list;
}

std::vector<PostgresNode> look_at_nodes(const std::vector<std::string>& targets,
                                        const DeedContext& context) {
  const Clock& clock = context.doors.clock;
  std::vector<PostgresNode> nodes;
  auto left = static_cast<int>(targets.size());
  for (const auto& name : targets) {
    const Instant now = clock.now().boot;
    const Duration share = (context.until.deadline - now) / left--;
    DeedContext here = context;
    here.until.deadline = now + std::max(share, Duration{});
    nodes.push_back(asked_node(name, here));
  }
  return nodes;
}

std::vector<std::string> postgres_targets(const System& system) {
  std::vector<std::string> names;
  for (const auto& target : system.targets) {
    if (target.facets.find("postgres") != nullptr) names.push_back(target.name);
  }
  return names;
}

std::vector<PostgresNode> writers_of(const std::string& identifier,
                                     const std::vector<PostgresNode>& nodes) {
  std::vector<PostgresNode> writers;
  for (const auto& node : nodes) {
    const bool same =
        identifier.empty() || node.identifier.empty() || node.identifier == identifier;
    if (node.problem.empty() && node.takes_writes && same) writers.push_back(node);
  }
  return writers;
}

std::vector<PostgresNode> others_than(const std::string& place, const DeedContext& context) {
  constexpr Duration kEach = std::chrono::seconds(3);
  auto names = postgres_targets(context.system);
  DeedContext here = context;
  const Instant enough = context.doors.clock.in(kEach * static_cast<int>(names.size()));
  here.until.deadline = std::min(here.until.deadline, enough);
  auto nodes = look_at_nodes(names, here);
  const auto own = std::ranges::find(nodes, place, &PostgresNode::target);
  const std::string started = own == nodes.end() ? "" : own->started;
  std::erase_if(nodes, [&](const PostgresNode& node) {
    return node.target == place || (!started.empty() && node.started == started);
  });
  return nodes;
}

Status refuse_second_writer(const std::string& identifier,
                            const std::vector<PostgresNode>& others) {
  const auto writers = writers_of(identifier, others);
  if (writers.empty()) return {};
  return fail(ErrorCode::conflict,
              "there would be two writers: " + shown(writers) + " takes writes of the cluster " +
                  identifier + ", or does not say of which",
              "end that one first, or let it follow; gameday's role asks pg_control_system()");
}

std::string shown(const std::vector<PostgresNode>& nodes) {
  std::vector<std::string> names;
  for (const auto& node : nodes) {
    names.push_back(node.target + (node.timeline == 0
                                       ? ""
                                       : " (timeline " + std::to_string(node.timeline) + ")"));
  }
  return join(names, " and ");
}

std::string split_brain(const std::string& identifier, const std::vector<PostgresNode>& nodes) {
  const auto writers = writers_of(identifier, nodes);
  if (writers.size() < 2) return "";
  return std::to_string(writers.size()) + " servers of the cluster " + identifier +
         " take writes: " + shown(writers);
}

}  // namespace gameday
