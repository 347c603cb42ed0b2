// How one container of a Docker engine is found and looked at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drills/systems/docker.h"
#include "engine/rows.h"

namespace gameday {

// What the engine says of a container now.
struct Container {
  std::string id;
  std::string name;   // without a slash
  std::string image;  // as it was named
  bool runs = false;  // its process is there; a paused one runs, one that waits for a restart not
  bool paused = false;
  std::string state;    // "exited", "created", "restarting", "running"
  std::string started;  // the engine's text: another one, another start
  std::int64_t pid = 0;
  std::int64_t exit_code = 0;
  std::int64_t restarts = 0;     // those by its own policy
  std::string health;            // "healthy", "unhealthy", "starting"; "none": it has no check
  std::string policy;            // "no", "always", "unless-stopped", "on-failure"
  std::int64_t retries = 0;      // of on-failure
  bool removed_at_end = false;   // --rm
  std::string stop_signal;       // "SIGTERM"
  std::string project, service;  // compose's labels
  Json all;                      // the whole answer
};

// By its id or its name; not_found: there is none.
[[nodiscard]] Result<Container> look_at_container(const DockerEngine& engine,
                                                  const std::string& id_or_name,
                                                  const DeedContext& context);

// Every container, running or not, that a target's facet describes.
[[nodiscard]] Result<std::vector<Container>> containers_of(const Json& facet,
                                                           const DockerEngine& engine,
                                                           const DeedContext& context);

// The one that runs. not_found: none does; conflict: several do, with their names.
[[nodiscard]] Result<Container> container_of(const Target& target, const DockerEngine& engine,
                                             const DeedContext& context);
// By the target's name, as a deed gives it.
[[nodiscard]] Result<Container> container_of(const Deed& deed, const DockerEngine& engine,
                                             const DeedContext& context);

// "container shop-cache (3f2a91c04d7e)"
[[nodiscard]] std::string shown(const Container& container);
// "label tier=db", "service cache of project shop": what a facet asks for.
[[nodiscard]] std::string shown_container_facet(const Json& facet);

}  // namespace gameday
