#include "cli/doctor_postgres.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "engine/base/text.h"

namespace gameday {
namespace {

// The version that it tells of itself; empty: there is none.
std::string version_of(const std::string& program, Processes& processes) {
  const SystemClock clock;
  const auto ended =
      processes.run({{program, "--version"}, "/", {}}, {Stop(), clock.in(std::chrono::seconds(5))});
  if (!ended || !ended->succeeded()) return "";
  return std::string(trimmed(ended->output.substr(0, ended->output.find('\n'))));
}

Look look_at_clients(Processes& processes) {
  const std::string dump = version_of("pg_dump", processes);
  const std::string restore = version_of("pg_restore", processes);
  const bool both = !dump.empty() && !restore.empty();
  return {"postgresql clients", Needed::at_times, both,
          both ? dump : std::string(dump.empty() ? "pg_dump" : "pg_restore") + " is not installed",
          both ? ""
               : "apt-get install postgresql-client; without it, no database is dumped or "
                 "restored from a dump"};
}

// Where the packages put each version's server; one is needed of the version of each base backup.
Look look_at_servers() {
  const std::string root = "/usr/lib/postgresql";
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& version : std::filesystem::directory_iterator(root, error)) {
    const std::string folder = version.path().string() + "/bin";
    std::vector<std::string> lacking;
    for (const std::string program : {"postgres", "pg_verifybackup", "pg_checksums"}) {
      if (access((folder + "/" + program).c_str(), X_OK) != 0) lacking.push_back(program);
    }
    if (lacking.empty()) found.push_back(folder);
  }
  std::ranges::sort(found);
  return {"postgresql servers", Needed::at_times, !found.empty(),
          found.empty() ? "none in " + root + "/*/bin" : join(found, ", "),
          found.empty() ? "apt-get install postgresql-VERSION; without it, no base backup of that "
                          "version is recovered here"
                        : ""};
}

}  // namespace

std::vector<Look> look_at_postgres(Processes& processes) {
  return {look_at_clients(processes), look_at_servers()};
}

}  // namespace gameday
