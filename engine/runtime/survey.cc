#include "engine/runtime/survey.h"

#include <unistd.h>

#include "engine/load/transport.h"
#include "engine/not_known.h"
#include "engine/proxy/client.h"
#include "engine/runtime/identity.h"
#include "engine/runtime/locks.h"
#include "engine/runtime/replayer.h"

namespace gameday {
namespace {

constexpr Duration kPatience = std::chrono::seconds(30);
constexpr const char* kFoundLater = "found out when the step is prepared";

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

FaultSurvey survey_fault(const Step& step, const FaultRow& row, const Rows& rows,
                         const DeedContext& context) {
  FaultSurvey found{step.id,
                    step.fault,
                    std::string(rights_of(row, step)),
                    may_inject(step, row, rows, context),
                    "the guardian undoes it at once",
                    "`gameday revert` undoes it",
                    "`gameday revert` undoes it"};
  if (row.facet.empty() && row.may == nullptr) {
    // Nothing was looked at, and that is not the same as held.
    found.held = std::unexpected(not_known(kFoundLater));
  }
  if (is_leased(row, step)) {
    found.after_both = "it ends by itself, with its lease";
    found.after_power = "it is gone with what held it";
  }
  if (row.reversal == Reversal::none) {
    const std::string yet = "; what it did cannot be undone";
    found.after_the_runner = "the guardian ends it" + yet;
    found.after_both = found.after_power = "`gameday revert` ends it" + yet;
  }
  if (row.reversal == Reversal::by_restore) {
    found.after_the_runner = found.after_both = found.after_power = "a restore, by hand";
  }
  return found;
}

}  // namespace

Status may_inject(const Step& step, const FaultRow& row, const Rows& rows,
                  const DeedContext& context) {
  const auto by_row = [&](const std::string& hit) {
    return row.may != nullptr ? row.may({step.id, step.fault, hit, step.arguments}, context)
                              : Status();
  };
  if (row.facet.empty()) {
    const Status may = by_row(hit_by(row, step));
    return may ? Status() : std::unexpected(may.error().in("step " + step.id));
  }
  if (const auto needed = facet_of(row, step); needed != "link") {
    const FacetRow* facet = rows.facet(needed);
    for (const auto& name : names_hit(context.system, row, step)) {
      const Target* target = context.system.target(name);
      if (facet == nullptr || target == nullptr) return {};
      const auto may = facet->may != nullptr ? facet->may(*target, context) : Status();
      if (!may) return std::unexpected(may.error().in("target " + name));
    }
    const auto may = by_row(step.target);
    const auto region = step.arguments.text("region");
    return may ? Status()
               : std::unexpected(
                     may.error().in(region.empty() ? "target " + step.target : "region " + region));
  }
  for (const auto& link : context.system.links) {
    const auto name = hit_by(row, step);
    const bool hit =
        name.empty() ? link.region == step.arguments.text("region") : link.name == name;
    if (!hit) continue;
    const auto may =
        may_use_proxy({link.name, link.listen, link.to}, context.doors.clock, context.until);
    if (!may) return std::unexpected(may.error().in("link " + link.name));
  }
  return {};
}

Status may_load(const LoadSpec& load, const Rows& rows, const DeedContext& context) {
  const LoadRow* row = rows.load(load.kind);
  if (row == nullptr) return {};
  TRY(undo, row->prepare(load, context));
  return row->may(undo, context);
}

namespace {

// What it is that carries the load, where that is a program of somebody else's.
std::optional<std::string> carrier_here(const LoadSpec& load, const LoadRow& row,
                                        const DeedContext& context) {
  const auto undo =
      row.carrier_here == nullptr ? std::unexpected(Error{}) : row.prepare(load, context);
  const auto here = undo ? row.carrier_here(*undo, context) : std::unexpected(Error{});
  return here ? std::optional(*here) : std::nullopt;
}

}  // namespace

std::optional<StepSurvey> survey_step(const Step& step, const Rows& rows,
                                      const DeedContext& context) {
  const auto survey = [&](const auto* row) -> std::optional<StepSurvey> {
    if (row == nullptr) return std::nullopt;
    StepSurvey found{step.id, std::string(row->name), std::string(row->rights), {}};
    if (row->may == nullptr) {
      found.held = std::unexpected(not_known(kFoundLater));
    } else if (const Status held = row->may(step, context); !held) {
      found.held = std::unexpected(held.error().in("step " + step.id));
    }
    return found;
  };
  if (step.kind == StepKind::action) return survey(rows.action(step.action));
  if (step.kind != StepKind::backup && step.kind != StepKind::restore) return std::nullopt;
  const Target* target = context.system.target(step.target);
  return survey(target != nullptr ? rows.restore_of(*target) : nullptr);
}

Survey survey_system(const Playbook& playbook, const Rows& rows, const std::string& store) {
  Survey survey;
  const SystemClock clock;
  const Files files;
  const auto http = make_curl_http(clock);
  const auto processes = make_processes(clock);
  const Doors doors{clock, files, *processes, *http, {}};
  const Secrets secrets;
  const Until until{Stop(), clock.in(std::chrono::seconds(10))};
  const std::string folder = store.empty() ? "" : private_folder_of(store, "");
  const DeedContext context{doors, playbook.system, secrets, "", "", folder, until};
  for (const auto& target : playbook.system.targets) {
    if (!target.facets.is_object()) continue;
    std::vector<FacetFound> facets;
    const std::size_t missing = survey.missing.size();
    for (const auto& [name, arguments] : target.facets.members()) {
      const FacetRow* row = rows.facet(name);
      if (row == nullptr) continue;
      auto instance = row->resolve(target, context);
      if (instance) {
        survey.found.push_back(*instance);
        facets.push_back({row, std::move(*instance)});
      } else {
        survey.missing.push_back(target.name + ": " + instance.error().text);
      }
    }
    const Status is = is_what_it_must_be(target, facets);
    if (!is && survey.missing.size() == missing) survey.missing.push_back(is.error().text);
  }
  for (const auto& step : playbook.timeline) {
    if (auto found = survey_step(step, rows, context)) survey.steps.push_back(std::move(*found));
    const FaultRow* row = step.kind == StepKind::fault ? rows.fault(step.fault) : nullptr;
    if (row == nullptr) continue;
    if (row->facet.empty()) survey.found.push_back(instance_of(*row, step.arguments));
    survey.faults.push_back(survey_fault(step, *row, rows, context));
  }
  for (const auto& load : playbook.loads) {
    const TransportChoice choice = transport_here(load);
    survey.transports.push_back({load.name, choice.name, choice.why});
    const LoadRow* row = rows.load(load.kind);
    if (row == nullptr) continue;
    // Some of what carries a load takes seconds to start.
    const DeedContext patient{
        doors, playbook.system, secrets, "", "", folder, {Stop(), clock.in(kPatience)}};
    if (const auto here = carrier_here(load, *row, patient)) {
      survey.transports.back().transport = *here;
    }
    survey.loads.push_back(
        {load.name, load.kind, std::string(row->rights), may_load(load, rows, patient)});
  }
  survey.deaths = deaths_survived(files);
  return survey;
}

bool is_known(const Status& held) { return held || held.error().code == ErrorCode::refused; }

namespace {

Json held_of(const Status& held) { return is_known(held) ? Json(held.has_value()) : Json(); }
Json why_not(const Status& held) { return held ? Json() : Json(held.error().text); }

}  // namespace

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
  Json faults = Json::array();
  for (const auto& fault : survey.faults) {
    faults.push(Json::object({{"id", fault.step},
                              {"fault", fault.fault},
                              {"needs", fault.needs},
                              {"held", held_of(fault.held)},
                              {"why", why_not(fault.held)},
                              {"after_the_runner", fault.after_the_runner},
                              {"after_both", fault.after_both},
                              {"after_power", fault.after_power}}));
  }
  Json loads = Json::array();
  for (const auto& load : survey.loads) {
    loads.push(Json::object({{"load", load.load},
                             {"kind", load.kind},
                             {"needs", load.needs},
                             {"held", held_of(load.held)},
                             {"why", why_not(load.held)}}));
  }
  Json transports = Json::array();
  for (const auto& load : survey.transports) {
    transports.push(
        Json::object({{"load", load.load}, {"transport", load.transport}, {"why", load.why}}));
  }
  Json steps = Json::array();
  for (const auto& step : survey.steps) {
    steps.push(Json::object({{"id", step.step},
                             {"row", step.row},
                             {"needs", step.needs},
                             {"held", held_of(step.held)},
                             {"why", why_not(step.held)}}));
  }
  return Json::object({{"instances", std::move(found)},
                       {"missing", std::move(missing)},
                       {"faults", std::move(faults)},
                       {"loads", std::move(loads)},
                       {"transports", std::move(transports)},
                       {"steps", std::move(steps)},
                       {"deaths", std::move(deaths)}});
}

}  // namespace gameday
