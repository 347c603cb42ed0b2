#include "cli/doctor_docker.h"

#include "drills/systems/docker.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr Duration kAnswersWithin = std::chrono::seconds(5);

std::vector<std::string> faults_on_containers(const Rows& rows) {
  std::vector<std::string> found;
  for (const FaultRow* row : rows.faults) {
    if (row->facet == "container") found.emplace_back(row->name);
  }
  return found;
}

// "1" or "2", and how it is driven: an engine may have another one than this machine's.
std::string cgroup_of(const Json& info) {
  const auto version = info.text("CgroupVersion");
  const auto driver = info.text("CgroupDriver", "no driver");
  return (version.empty() ? "cgroup of a version it does not name" : "cgroup version " + version) +
         " by " + driver;
}

Look look_at_engine(Processes& processes, const Clock& clock, const Rows& rows) {
  Look look{"docker engine", Needed::at_times, false, "", "", faults_on_containers(rows)};
  const Files files;
  const auto http = make_curl_http(clock);
  const Doors doors{clock, files, processes, *http, {}};
  const System system;
  const Secrets secrets;
  const DeedContext context{doors, system, secrets, "", "", "", {{}, clock.in(kAnswersWithin)}};
  const auto engine = DockerEngine::open(context);
  const auto info = engine ? engine->get("/info", context) : std::unexpected(engine.error());
  if (!info) {
    look.found = info.error().text;
    look.advice = info.error().hint.empty() ? "see what `docker version` says" : info.error().hint;
    return look;
  }
  look.ok = true;
  look.found = engine->endpoint().host + " answers: version " + engine->version().text("Version") +
               ", API " + engine->version().text("ApiVersion") + " (spoken in " +
               shown(engine->api()) + "), " + cgroup_of(*info);
  return look;
}

// The version that it tells of itself; empty: there is none.
std::string version_of(std::vector<std::string> argv, Processes& processes, const Clock& clock) {
  const auto ended = processes.run({std::move(argv), "/", {}}, {Stop(), clock.in(kAnswersWithin)});
  if (!ended || !ended->succeeded()) return "";
  const auto said = trimmed(ended->output);
  return std::string(said.substr(0, said.find('\n')));
}

Look look_at_compose(Processes& processes, const Clock& clock) {
  const auto first = version_of({"docker-compose", "version", "--short"}, processes, clock);
  const auto second = version_of({"docker", "compose", "version", "--short"}, processes, clock);
  std::vector<std::string> found;
  if (!first.empty()) found.push_back("docker-compose " + first);
  if (!second.empty()) found.push_back("docker compose " + second);
  return {"compose", Needed::at_times, !found.empty(),
          found.empty() ? "neither docker-compose nor docker compose" : join(found, ", "),
          "apt-get install docker-compose; without it, no system that a compose file makes is "
          "started here"};
}

}  // namespace

std::vector<Look> look_at_docker(Processes& processes, const Rows& rows) {
  const SystemClock clock;
  return {look_at_engine(processes, clock, rows), look_at_compose(processes, clock)};
}

}  // namespace gameday
