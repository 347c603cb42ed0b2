#include "drills/systems/container.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::size_t kShortId = 12;
constexpr std::string_view kProject = "com.docker.compose.project";
constexpr std::string_view kService = "com.docker.compose.service";

Container container_from(const Json& answer) {
  const Json& state = answer.get("State");
  const Json& config = answer.get("Config");
  const Json& host = answer.get("HostConfig");
  const Json& labels = config.get("Labels");
  Container found;
  found.id = answer.text("Id");
  found.name = answer.text("Name");
  if (found.name.starts_with('/')) found.name.erase(0, 1);
  found.image = config.text("Image");
  found.state = state.text("Status");
  // An engine says of one that it is about to start again that it runs.
  found.runs = state.boolean("Running", false) && !state.boolean("Restarting", false);
  found.paused = state.boolean("Paused", false);
  found.started = state.text("StartedAt");
  found.pid = state.integer("Pid", 0);
  found.exit_code = state.integer("ExitCode", 0);
  found.restarts = answer.integer("RestartCount", 0);
  found.health = state.get("Health").text("Status", "none");
  found.policy = host.get("RestartPolicy").text("Name", "no");
  if (found.policy.empty()) found.policy = "no";
  found.retries = host.get("RestartPolicy").integer("MaximumRetryCount", 0);
  found.removed_at_end = host.boolean("AutoRemove", false);
  found.stop_signal = config.text("StopSignal", "SIGTERM");
  if (found.stop_signal.empty()) found.stop_signal = "SIGTERM";
  found.project = labels.text(kProject);
  found.service = labels.text(kService);
  found.all = answer;
  return found;
}

// The engine's filters as a query: all that match all of them.
std::string filters_of(const Json& facet) {
  Json labels = Json::array();
  if (const auto label = facet.text("label"); !label.empty()) labels.push(label);
  const Json& compose = facet.get("compose");
  for (const auto& [name, label] : {std::pair{"project", kProject}, {"service", kService}}) {
    const auto value = compose.text(name);
    if (!value.empty()) labels.push(std::string(label) + "=" + value);
  }
  Json filters = Json::object();
  if (!labels.items().empty()) filters.set("label", std::move(labels));
  return percent_encoded(filters.dump());
}

// The engine's own filter by image takes what was built upon it too, so we compare ourselves.
Result<std::string> image_id(const std::string& image, const DockerEngine& engine,
                             const DeedContext& context) {
  auto found = engine.get("/images/" + percent_encoded(image) + "/json", context);
  if (!found) return std::unexpected(found.error());
  return found->text("Id");
}

Result<std::vector<Container>> matching(const Json& facet, const DockerEngine& engine,
                                        const DeedContext& context) {
  std::string image;
  if (const auto wanted = facet.text("image"); !wanted.empty()) {
    TRY(id, image_id(wanted, engine, context));
    image = id;
  }
  TRY(listed, engine.get("/containers/json?all=true&filters=" + filters_of(facet), context));
  if (!listed.is_array()) return fail(ErrorCode::unsupported, engine.shown() + " lists nothing");
  std::vector<Container> found;
  for (const Json& one : listed.items()) {
    if (!image.empty() && one.text("ImageID") != image) continue;
    auto container = look_at_container(engine, one.text("Id"), context);
    // Gone between the list and the look.
    if (!container && container.error().code == ErrorCode::not_found) continue;
    if (!container) return std::unexpected(container.error());
    found.push_back(std::move(*container));
  }
  return found;
}

// A name goes into a path: what cannot be one must not become another path.
bool is_container_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  });
}

// Where gameday runs in a container itself, that one's files are mounted here.
Status refuse_our_own(const Container& container, const Files& files) {
  const auto mounts = files.read("/proc/self/mountinfo");
  if (!mounts || !mounts->contains("/containers/" + container.id + "/")) return {};
  return fail(ErrorCode::refused, shown(container) + " is what gameday itself runs in");
}

}  // namespace

Result<Container> look_at_container(const DockerEngine& engine, const std::string& id_or_name,
                                    const DeedContext& context) {
  if (!is_container_name(id_or_name)) {
    return fail(ErrorCode::invalid, "'" + valid_utf8(id_or_name) + "' is no name of a container");
  }
  TRY(answer, engine.get("/containers/" + id_or_name + "/json", context));
  const Container found = container_from(answer);
  if (found.id.empty() || found.name.empty()) {
    return fail(ErrorCode::unsupported, engine.shown() + " does not say who " + id_or_name + " is");
  }
  return found;
}

Result<std::vector<Container>> containers_of(const Json& facet, const DockerEngine& engine,
                                             const DeedContext& context) {
  const auto name = facet.text("name");
  const bool described = facet.find("label") || facet.find("compose") || facet.find("image");
  if (name.empty() == !described) {
    return fail(ErrorCode::invalid,
                name.empty() ? "a container is given by `name`, `label`, `compose` or `image`"
                             : "a `name` says which container it is: nothing else goes with it");
  }
  if (name.empty()) return matching(facet, engine, context);
  auto found = look_at_container(engine, name, context);
  if (found) return std::vector{std::move(*found)};
  if (found.error().code == ErrorCode::not_found) return std::vector<Container>();
  return std::unexpected(found.error());
}

Result<Container> container_of(const Target& target, const DockerEngine& engine,
                               const DeedContext& context) {
  const Json& facet = target.facets.get("container");
  TRY(found, containers_of(facet, engine, context));
  const std::string asked = shown_container_facet(facet);
  std::vector<std::string> names;
  for (const auto& one : found) names.push_back(one.name + " (" + one.state + ")");
  const auto dead = std::ranges::stable_partition(found, &Container::runs);
  const auto running = static_cast<std::size_t>(dead.begin() - found.begin());
  if (running == 1) {
    TRY_OK(refuse_our_own(found.front(), context.doors.files));
    return std::move(found.front());
  }
  const std::string where = " at " + engine.endpoint().host;
  if (running > 1) {
    return fail(ErrorCode::conflict,
                std::to_string(running) + " running containers have " + asked + where + ": " +
                    join(names, ", "),
                "say which one, by its name");
  }
  return fail(ErrorCode::not_found, "no running container has " + asked + where +
                                        (names.empty() ? "" : ": " + join(names, ", ")));
}

Result<Container> container_of(const Deed& deed, const DockerEngine& engine,
                               const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  auto found = container_of(*target, engine, context);
  return found ? std::move(found) : std::unexpected(found.error().in("target " + deed.target));
}

std::string shown(const Container& container) {
  return "container " + container.name + " (" + container.id.substr(0, kShortId) + ")";
}

std::string shown_container_facet(const Json& facet) {
  std::vector<std::string> parts;
  for (const char* name : {"name", "label", "image"}) {
    const auto value = facet.text(name);
    if (!value.empty()) parts.push_back("the " + std::string(name) + " " + value);
  }
  const Json& compose = facet.get("compose");
  if (compose.is_object()) {
    const auto project = compose.text("project");
    parts.push_back("the compose service " + compose.text("service") +
                    (project.empty() ? "" : " of project " + project));
  }
  return join(parts, " and ");
}

}  // namespace gameday
