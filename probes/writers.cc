#include <algorithm>

#include "drills/systems/postgres_nodes.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::size_t kMostNodes = 64;

constexpr Field kFields[] = {
    {.name = "nodes",
     .type = FieldType::texts,
     .help = "The targets with a `postgres` facet that are servers of one cluster.",
     .required = true},
    {.name = "least",
     .type = FieldType::integer,
     .help = "How many of them must take writes: 1 where nobody who does is bad too.",
     .otherwise = "0",
     .most = 1},
};

Answer judged(const std::vector<PostgresNode>& nodes, std::int64_t least) {
  std::string identifier;
  std::string silent;
  bool any = false;
  for (const auto& node : nodes) {
    if (!node.problem.empty()) {
      silent += "; " + node.target + " does not answer: " + node.problem;
      continue;
    }
    any = true;
    if (node.identifier.empty()) continue;
    if (!identifier.empty() && node.identifier != identifier) {
      return {false, node.target + " is of the cluster " + node.identifier +
                         ", and others are of " + identifier};
    }
    identifier = node.identifier;
  }
  if (!any) return {false, "no node answers" + silent};
  if (const auto split = split_brain(identifier, nodes); !split.empty()) {
    return {false, split + silent};
  }
  const auto writers = writers_of(identifier, nodes);
  if (writers.empty()) return {least == 0, "nobody takes writes" + silent};
  return {true, shown(writers) + " alone takes writes" + silent};
}

Answer ask(const Json& arguments, const DeedContext& context) {
  return judged(look_at_nodes(texts_in(arguments, "nodes"), context),
                arguments.integer("least", 0));
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  const auto nodes = texts_in(arguments, "nodes");
  if (nodes.size() < 2 || nodes.size() > kMostNodes) {
    return WrongField{"nodes", "takes 2 to 64 targets: one alone has no second writer"};
  }
  for (const auto& name : nodes) {
    const Target* target = system.target(name);
    if (target == nullptr || target->facets.find("postgres") == nullptr) {
      return WrongField{"nodes", "no target with a `postgres` facet is called " + name};
    }
    if (std::ranges::count(nodes, name) > 1) return WrongField{"nodes", name + " stands twice"};
  }
  return {};
}

}  // namespace

extern const ProbeRow writers_probe;
const ProbeRow writers_probe{
    .name = "writers",
    .summary =
        "Asks the servers of a PostgreSQL cluster who of them takes writes; two who do are a "
        "split brain.",
    .scalar = "nodes",
    .fields = kFields,
    .example = "one-writer: { writers: [database, standby], every: 500ms, timeout: 400ms }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
