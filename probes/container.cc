#include "drills/systems/container.h"

#include <algorithm>

#include "drills/systems/disk.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kHealths[] = {"healthy", "unhealthy", "starting", "none"};

constexpr Field kExpect[] = {
    {.name = "exists",
     .type = FieldType::boolean,
     .help = "Whether there must be such a container; with false there must be none.",
     .otherwise = "true"},
    {.name = "running",
     .type = FieldType::boolean,
     .help = "Whether it must run; with false it must not. A paused one does not run.",
     .otherwise = "true"},
    {.name = "health",
     .type = FieldType::choice,
     .help = "What its own health check must say; none: it has no check.",
     .choices = kHealths},
    {.name = "max_restarts",
     .type = FieldType::integer,
     .help = "How often its engine may have started it again by its restart policy."},
    {.name = "memory_at_most",
     .type = FieldType::size,
     .help = "How much memory it may use, without what its files could give back at any time."},
};

constexpr Field kFields[] = {
    {.name = "name",
     .type = FieldType::text,
     .help = "A target of the system that is a container, or else a container's own name.",
     .required = true},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a good container is.",
     .fields = kExpect},
};

Json facet_of(const std::string& name, const System& system) {
  const Target* target = system.target(name);
  const Json* facet = target != nullptr ? target->facets.find("container") : nullptr;
  return facet != nullptr ? *facet : Json::object({{"name", name}});
}

// The one that is meant: the only one, or the only one of them that runs.
Result<Container> the_one(std::vector<Container> found, const std::string& what) {
  if (found.empty()) return fail(ErrorCode::not_found, "no container has " + what);
  const auto runs = [](const Container& one) { return one.runs; };
  if (found.size() > 1 && std::ranges::count_if(found, runs) != 1) {
    return fail(ErrorCode::conflict,
                std::to_string(found.size()) + " containers have " + what + ", expected one");
  }
  const auto running = std::ranges::find_if(found, runs);
  return std::move(running != found.end() ? *running : found.front());
}

std::string state_of(const Container& container) {
  if (container.paused) return "paused";
  if (container.runs) return "running";
  return container.state + ", exit code " + std::to_string(container.exit_code);
}

// As `docker stats` has it.
Result<std::int64_t> memory_of(const Container& container, const DockerEngine& engine,
                               const DeedContext& context) {
  TRY(stats,
      engine.get("/containers/" + container.id + "/stats?stream=false&one-shot=true", context));
  const Json& memory = stats.get("memory_stats");
  if (memory.find("usage") == nullptr) {
    return fail(ErrorCode::unsupported, engine.shown() + " tells no use of memory");
  }
  const Json& parts = memory.get("stats");
  const std::int64_t files =
      parts.integer("total_inactive_file", parts.integer("inactive_file", 0));
  return memory.integer("usage", 0) - files;
}

Answer judged_memory(Answer answer, const Container& container, const Json& expect,
                     const DockerEngine& engine, const DeedContext& context) {
  const auto most = size_in(expect, "memory_at_most");
  if (!answer.ok || !most) return answer;
  const auto used = memory_of(container, engine, context);
  if (!used) return {false, used.error().text};
  answer.text += ", uses " + shown_bytes(*used);
  if (*used <= *most) return answer;
  return {false, answer.text + ", expected at most " + expect.text("memory_at_most")};
}

Answer judged(const Container& container, const Json& expect) {
  Answer answer{true, shown(container)};
  const auto add = [&answer](const std::string& seen, bool holds, const std::string& expected) {
    answer.text += seen + (holds ? "" : ", expected " + expected);
    answer.ok = answer.ok && holds;
  };
  const bool wanted = expect.boolean("running", true);
  const bool runs = container.runs && !container.paused;
  add(" is " + state_of(container), runs == wanted, wanted ? "running" : "one that does not run");
  if (const Json* health = expect.find("health")) {
    const std::string said =
        container.health == "none" ? "without a health check" : container.health;
    add(", " + said, container.health == health->text(), health->text());
  }
  if (const Json* most = expect.find("max_restarts")) {
    add(", restarted " + std::to_string(container.restarts) + " times by its engine",
        container.restarts <= most->integer(), "at most " + std::to_string(most->integer()));
  }
  return answer;
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const Json& expect = arguments.get("expect");
  const Json facet = facet_of(arguments.text("name"), context.system);
  const auto engine = DockerEngine::open(context);
  if (!engine) return {false, engine.error().text};
  auto found = containers_of(facet, *engine, context);
  if (!found) return {false, found.error().text};
  const std::string what = shown_container_facet(facet);
  if (!expect.boolean("exists", true)) {
    if (found->empty()) return {true, "no container has " + what};
    return {false,
            shown(found->front()) + " is there, " + state_of(found->front()) + ", expected none"};
  }
  const auto container = the_one(std::move(*found), what);
  if (!container) return {false, container.error().text};
  return judged_memory(judged(*container, expect), *container, expect, *engine, context);
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  const auto name = arguments.text("name");
  const Target* target = system.target(name);
  if (target != nullptr && target->facets.find("container") == nullptr) {
    return WrongField{"name", "target " + name + " is no container"};
  }
  const Json& expect = arguments.get("expect");
  const bool exists = expect.boolean("exists", true);
  if (exists && expect.boolean("running", true)) return std::nullopt;
  for (const std::string_view other : {"health", "max_restarts", "memory_at_most"}) {
    if (expect.find(other) == nullptr || (exists && other == "max_restarts")) continue;
    return WrongField{"expect." + std::string(other),
                      "a container that must not be there, or not run, has none of this"};
  }
  return std::nullopt;
}

}  // namespace

extern const ProbeRow container_probe;
const ProbeRow container_probe{
    .name = "container",
    .summary =
        "Looks at a container of a Docker engine: whether it is there, runs and is healthy, and "
        "how often it was restarted, how much memory it uses.",
    .scalar = "name",
    .fields = kFields,
    .example = "cache-is-well: { container: { name: cache, expect: { health: healthy } } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
