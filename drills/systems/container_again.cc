#include "drills/systems/container_again.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::size_t kShortId = 12;

bool has_network_of_its_own(std::string_view mode) {
  return mode != "host" && mode != "none" && !mode.starts_with("container:");
}

// Where a path is mounted from, by what the container was told.
bool is_told(const Json& host, const std::string& destination) {
  for (const Json& bind : host.items("Binds")) {
    if (!bind.is_text()) continue;
    const auto parts = split(bind.text(), ':');
    if (parts.size() > 1 && parts[1] == destination) return true;
  }
  return false;
}

// A volume that nobody named would be another, empty one: it is named from here on.
// The engine tells mounts in any order, and two looks must come to the same.
Json with_its_volumes(Json host, Json::Array mounts) {
  std::ranges::sort(mounts, {}, [](const Json& mount) { return mount.text("Destination"); });
  Json binds = Json::array(), told = Json::array();
  for (const Json& bind : host.items("Binds")) binds.push(bind);
  for (const Json& one : host.items("Mounts")) told.push(one);
  for (const Json& mount : mounts) {
    const auto to = mount.text("Destination");
    if (mount.text("Type") != "volume" || is_told(host, to)) continue;
    bool found = false;
    Json named = Json::array();
    for (Json one : told.items()) {
      const bool same = one.text("Target") == to;
      if (same && one.text("Source").empty()) one.set("Source", mount.text("Name"));
      found = found || same;
      named.push(std::move(one));
    }
    told = std::move(named);
    if (found) continue;
    const bool writable = mount.boolean("RW", true);
    binds.push(mount.text("Name") + ":" + to + (writable ? "" : ":ro"));
  }
  if (!binds.items().empty()) host.set("Binds", std::move(binds));
  if (!told.items().empty()) host.set("Mounts", std::move(told));
  return host;
}

// What the engine fills in by itself, and would refuse or take for a wish where it is sent back.
Json told_config(const Container& container, const std::string& mode) {
  Json config = container.all.get("Config");
  if (config.text("Hostname") == container.id.substr(0, kShortId)) config.erase("Hostname");
  if (has_network_of_its_own(mode)) return config;
  for (const char* name : {"Hostname", "Domainname", "MacAddress"}) config.erase(name);
  if (mode.starts_with("container:")) config.erase("ExposedPorts");
  return config;
}

// A name may lead to a newer image by now; the same image has the same id.
Result<std::string> image_of(const Container& container, const DockerEngine& engine,
                             const DeedContext& context) {
  const auto id = container.all.text("Image");
  const auto named = engine.get("/images/" + percent_encoded(container.image) + "/json", context);
  if (named && named->text("Id") == id) return container.image;
  if (!named && named.error().code != ErrorCode::not_found) {
    return std::unexpected(named.error());
  }
  TRY(kept, engine.get("/images/" + percent_encoded(id) + "/json", context));
  return kept.text("Id");
}

// The aliases and addresses that were asked for, and not those that the engine gave.
Json told_network(const Json& settings, const Container& container) {
  Json told = Json::object();
  const Json& addresses = settings.get("IPAMConfig");
  if (addresses.is_object() && !addresses.members().empty()) told.set("IPAMConfig", addresses);
  Json aliases = Json::array();
  for (const Json& alias : settings.items("Aliases")) {
    const bool given = alias.is_text() && alias.text() == container.id.substr(0, kShortId);
    if (!given) aliases.push(alias);
  }
  if (!aliases.items().empty()) told.set("Aliases", std::move(aliases));
  for (const char* name : {"Links", "DriverOpts"}) {
    if (!settings.get(name).is_null()) told.set(name, settings.get(name));
  }
  return told;
}

// {"own": the one that it is made on, or null where the engine chooses it, "others": those it joins
// afterwards}; each is [name, settings].
Json told_networks(const Container& container, const std::string& mode) {
  Json own, others = Json::array();
  const Json& networks = container.all.get("NetworkSettings").get("Networks");
  const std::string chosen = mode == "default" ? "bridge" : mode;
  if (networks.is_object() && has_network_of_its_own(mode)) {
    for (const auto& [name, settings] : networks.members()) {
      Json network(Json::Array{name, told_network(settings, container)});
      const bool is_own = name == chosen || settings.text("NetworkID") == chosen;
      if (!is_own) {
        others.push(std::move(network));
      } else if (mode != "default") {
        own = std::move(network);
      }
    }
  }
  return Json::object({{"own", std::move(own)}, {"others", std::move(others)}});
}

}  // namespace

Result<Json> recipe_of(const Container& container, const DockerEngine& engine,
                       const DeedContext& context) {
  const Json& host = container.all.get("HostConfig");
  const auto mode = host.text("NetworkMode", "default");
  Json create = told_config(container, mode);
  TRY(image, image_of(container, engine, context));
  create.set("Image", image);
  create.set("HostConfig", with_its_volumes(host, container.all.items("Mounts")));
  return Json::object({{"name", container.name},
                       {"create", std::move(create)},
                       {"networks", told_networks(container, mode)}});
}

Result<std::string> make_container(const Json& recipe, const DockerEngine& engine,
                                   const DeedContext& context) {
  Json body = recipe.get("create");
  if (const auto& own = recipe.get("networks").items("own"); own.size() == 2) {
    body.set("NetworkingConfig",
             Json::object({{"EndpointsConfig", Json::object({{own[0].text(), own[1]}})}}));
  }
  const auto name = recipe.text("name");
  TRY(made, engine.post("/containers/create?name=" + percent_encoded(name), body, context));
  const auto id = made.text("Id");
  TRY(container, look_at_container(engine, id, context));
  TRY_OK(join_networks(recipe, container, engine, context));
  return id;
}

Status join_networks(const Json& recipe, const Container& container, const DockerEngine& engine,
                     const DeedContext& context) {
  const Json& joined = container.all.get("NetworkSettings").get("Networks");
  for (const Json& network : recipe.get("networks").items("others")) {
    if (!network.is_array() || network.items().size() != 2) continue;
    const std::string& name = network.items()[0].text();
    if (joined.find(name) != nullptr) continue;
    const Json body =
        Json::object({{"Container", container.id}, {"EndpointConfig", network.items()[1]}});
    const auto done = engine.post("/networks/" + percent_encoded(name) + "/connect", body, context);
    if (!done) return std::unexpected(done.error().in("network " + name));
  }
  return {};
}

std::string difference(const Json& one, const Json& other, const std::string& where) {
  if (one == other) return "";
  if (!one.is_object() || !other.is_object()) return where;
  for (const auto& [name, value] : one.members()) {
    const auto found =
        difference(value, other.get(name), where.empty() ? name : where + "." + name);
    if (!found.empty()) return found;
  }
  for (const auto& [name, value] : other.members()) {
    if (one.find(name) == nullptr && !value.is_null())
      return where.empty() ? name : where + "." + name;
  }
  return "";
}

}  // namespace gameday
