// Where a PostgreSQL server lives: its data directory, and how the server is ended and started and
// its programs run on that directory, as the user whose it is. On this machine, or in a container
// of a Docker engine, where programs run in a container beside it; whether the server runs or not.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drills/systems/container_aide.h"
#include "drills/systems/postgres.h"

namespace gameday {

// The fields that say where, of actions on a server that need not run.
inline constexpr Field kHomeFields[] = {
    {.name = "data",
     .type = FieldType::text,
     .help = "Its data directory, as an absolute path: on this machine, or in its container, if it "
             "has a `container` facet; else as its target's `postgres-data` says."},
    {.name = "programs",
     .type = FieldType::text,
     .help = "The folder of the server's programs there; else where Debian puts them."},
    {.name = "server_user",
     .type = FieldType::text,
     .help = "The user that the server runs as.",
     .otherwise = "postgres"},
    {.name = "config",
     .type = FieldType::text,
     .help = "Its postgresql.conf, where that is not in the data directory; as an absolute path."},
    {.name = "start",
     .type = FieldType::texts,
     .help =
         "The command that starts it on this machine, as [systemctl, start, "
         "postgresql@15-main]; else that of its target's `postgres-data`; else pg_ctl does, with "
         "the options of the last start and a log beside the data directory. A container is "
         "started by its engine."},
    {.name = "stop",
     .type = FieldType::texts,
     .help = "The command that ends it on this machine, in order; else pg_ctl does."},
};

class PostgresHome {
 public:
  // `arguments` has those fields, or the target's `postgres-data` says the first of them; `version`
  // is 15 of 15.4. The container is the target's, running or not. What this object began in an
  // engine ends with it.
  [[nodiscard]] static Result<PostgresHome> open(const std::string& target, const Json& arguments,
                                                 int version, const DeedContext& context);

  [[nodiscard]] Result<bool> runs() const;
  // In order, so that its standbys have all of its WAL; nothing where it does not run. How it
  // really ended is what `control` says.
  [[nodiscard]] Status stop();
  [[nodiscard]] Status start();

  // A program of the server's, by its name, or one by its path, as the server's user; failed: it
  // did not succeed, and its last words.
  [[nodiscard]] Result<std::string> run(std::vector<std::string> argv) const;
  // A line of its control file: "Database system identifier".
  [[nodiscard]] Result<std::string> control(std::string_view name) const;

  // Its own settings (postgresql.conf and the like in the data directory, the options of its last
  // start) set aside before others' files come, and put back; each may be repeated.
  [[nodiscard]] Status set_aside() const;
  [[nodiscard]] Status put_back() const;
  // That it follows from its next start on: {"primary_conninfo", "..."}, in place of what stands
  // there.
  using Settings = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] Status make_standby(const Settings& settings) const;

  [[nodiscard]] const std::string& data() const { return data_; }
  [[nodiscard]] const std::string& config() const { return config_; }
  [[nodiscard]] std::string shown() const;

 private:
  explicit PostgresHome(const DeedContext& context) : context_(&context) {}
  [[nodiscard]] Status join_container(const Target& target);
  [[nodiscard]] Result<Ended> run_there(std::vector<std::string> argv) const;
  [[nodiscard]] Status script(const std::string& text, std::vector<std::string> values) const;

  const DeedContext* context_;
  std::string target_, data_, user_, programs_, config_;
  std::vector<std::string> start_, stop_;
  std::unique_ptr<DockerEngine> engine_;  // none: this machine
  std::optional<Container> container_;
  std::optional<ContainerAide> aide_;  // before the engine, which it speaks to, is gone
};

}  // namespace gameday
