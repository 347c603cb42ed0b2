// A PostgreSQL cluster's data directory on this machine, and the server that lives off it: one of
// this machine, or one in a container, in whose volume the directory is. What stands there is moved
// aside and back as a whole, by its name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drills/systems/container_held.h"
#include "drills/systems/postgres.h"

namespace gameday {

struct DataDirectory {
  std::string folder = {};              // on this machine, without links
  std::string mark = {};                // the deed's
  std::string cluster = {};             // the system identifier of what is there; empty: nothing is
  bool served = false;                  // a server ran
  std::vector<std::string> start = {};  // the command that starts one of this machine
  std::optional<HeldContainer> container = {};
  PostgresSettings connection = {};

  [[nodiscard]] std::string aside() const { return folder + ".gameday-" + mark; }
};
[[nodiscard]] Json to_json(const DataDirectory& data);
[[nodiscard]] Result<DataDirectory> data_directory_from(const Json& value);
[[nodiscard]] std::string shown(const DataDirectory& data);

// That of a target with `postgres-data`, as it is now. refused, unsupported: it cannot be moved
// from here, or somebody else uses it too.
[[nodiscard]] Result<DataDirectory> look_at_data(const Target& target, const DeedContext& context);

// Where what a container sees at `path` is on this machine.
[[nodiscard]] Result<std::string> path_in_volume(const Container& container,
                                                 const std::string& path,
                                                 const DockerEngine& engine);
// The container of a target, whether it runs or not.
[[nodiscard]] Result<Container> any_container_of(const Target& target, const DockerEngine& engine,
                                                 const DeedContext& context);

// Nobody serves it when this returns, and no engine starts one. A crash gives no time to tidy up.
enum class ServerEnd { orderly, crash };
[[nodiscard]] Status end_server(const DataDirectory& data, ServerEnd how,
                                const DeedContext& context);
[[nodiscard]] Result<bool> is_served(const DataDirectory& data, const DeedContext& context);
// Starts one unless one runs, and waits until it takes clients.
[[nodiscard]] Status start_server(const DataDirectory& data, const DeedContext& context);
// A session there, when it takes writes; the server may still be on its way.
[[nodiscard]] Result<Postgres> wait_for_server(const DataDirectory& data,
                                               const DeedContext& context);

// refused: its server is not ours to end, nor its files to read and write.
[[nodiscard]] Status may_rule(const DataDirectory& data);
// refused: its folder is not ours to change.
[[nodiscard]] Status may_rename_in_its_place(const DataDirectory& data);
// Whether something of a name is there, be it a link that leads nowhere.
[[nodiscard]] bool stands(const std::string& path);
// Renames a folder, durably. not_found: it is not there; conflict: the other name is taken.
[[nodiscard]] Status rename_folder(const std::string& from, const std::string& to,
                                   const DeedContext& context);
// Removes a folder with all that is in it; one that is not there is no error.
[[nodiscard]] Status erase_folder(const std::string& folder, const DeedContext& context);

}  // namespace gameday
