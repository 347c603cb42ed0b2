#include "engine/runtime/survey.h"

#include <unistd.h>

#include "engine/runtime/locks.h"

namespace gameday {
namespace {

std::vector<std::pair<std::string, std::string>> deaths_survived(const Files& files) {
  std::vector<std::pair<std::string, std::string>> deaths = {
      {"Ctrl-C, SIGTERM, SIGHUP", "the runner undoes"},
      {"the runner is killed or hangs", "the guardian undoes"},
      {"power is lost", "`gameday revert` undoes, from the store"}};
  const bool leaves_cgroup = access("/sys/fs/cgroup/cgroup.procs", W_OK) == 0 ||
                             access("/sys/fs/cgroup/unified/cgroup.procs", W_OK) == 0 ||
                             access("/sys/fs/cgroup/systemd/cgroup.procs", W_OK) == 0;
  deaths.emplace_back("the whole control group is killed",
                      leaves_cgroup ? "the guardian undoes, from another control group"
                                    : "the guardian dies too; `gameday revert` undoes");
  if (!LockFolder::find(files)) {
    deaths.emplace_back("two drills at once", "NOT kept apart: there is no folder for locks");
  }
  return deaths;
}

}  // namespace

Survey survey_system(const Playbook& playbook, const Rows& rows) {
  Survey survey;
  const SystemClock clock;
  const Files files;
  const auto http = make_curl_http(clock);
  const auto processes = make_processes(clock);
  const Doors doors{clock, files, *processes, *http, {}};
  const Secrets secrets;
  const Until until{Stop(), clock.in(std::chrono::seconds(10))};
  const DeedContext context{doors, playbook.system, secrets, "", "", "", until};
  for (const auto& target : playbook.system.targets) {
    if (!target.facets.is_object()) continue;
    for (const auto& [name, arguments] : target.facets.members()) {
      const FacetRow* row = rows.facet(name);
      if (row == nullptr) continue;
      auto instance = row->resolve(target, context);
      if (instance) {
        survey.found.push_back(std::move(*instance));
      } else {
        survey.missing.push_back(target.name + ": " + instance.error().text);
      }
    }
  }
  for (const auto& step : playbook.timeline) {
    const FaultRow* row = step.kind == StepKind::fault ? rows.fault(step.fault) : nullptr;
    if (row != nullptr && row->facet.empty()) {
      survey.found.push_back(instance_of(*row, step.arguments));
    }
  }
  survey.deaths = deaths_survived(files);
  return survey;
}

Json to_json(const Survey& survey) {
  Json found = Json::array(), missing = Json::array(), deaths = Json::array();
  for (const auto& instance : survey.found) {
    found.push(Json::object(
        {{"target", instance.target}, {"shown", instance.shown}, {"identity", instance.identity}}));
  }
  for (const auto& text : survey.missing) missing.push(text);
  for (const auto& [death, how] : survey.deaths) {
    deaths.push(Json::object({{"death", death}, {"undone_by", how}}));
  }
  return Json::object({{"instances", std::move(found)},
                       {"missing", std::move(missing)},
                       {"deaths", std::move(deaths)}});
}

}  // namespace gameday
