// All that a container was made of, so that another one can be made that is the same but for what
// was written outside of its volumes.
#pragma once

#include <string>

#include "drills/systems/container.h"

namespace gameday {

// What the engine is told to make one like it: {"name", "create": body, "networks"}. Holds its
// environment, and so secrets. What the engine gave it by itself (its host name, an address that
// nobody asked for) is left out; volumes without a name are named.
[[nodiscard]] Result<Json> recipe_of(const Container& container, const DockerEngine& engine,
                                     const DeedContext& context);

// Makes one by a recipe, on all its networks, not started; its id.
[[nodiscard]] Result<std::string> make_container(const Json& recipe, const DockerEngine& engine,
                                                 const DeedContext& context);

// Joins the networks of the recipe that it is not on, as half a `make_container` leaves it.
[[nodiscard]] Status join_networks(const Json& recipe, const Container& container,
                                   const DockerEngine& engine, const DeedContext& context);

// The first member in which two recipes differ ("create.Env"); empty: none.
[[nodiscard]] std::string difference(const Json& one, const Json& other,
                                     const std::string& where = "");

}  // namespace gameday
