#include "cli/common.h"
#include "cli/planned.h"
#include "cli/say.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/load/summary.h"
#include "engine/playbook/arguments.h"
#include "engine/runtime/survey.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {kVarOption, kStoreOption, kJsonOption};

std::string step_line(const Json& step) {
  std::string line = step.text("id") + ": " + step.text("step");
  if (step.find("fault") != nullptr) line += " " + step.text("fault");
  if (step.find("action") != nullptr) {
    const std::string target = step.text("target");
    line += " " + step.text("action") + (target.empty() ? "" : " " + target);
  }
  for (const auto& target : step.items("targets")) line += " " + target.text();
  if (step.find("for_s") != nullptr) {
    line += " for " + shown(from_seconds(step.number("for_s", 0)));
  }
  return line;
}

// How a load is carried, and why so.
std::string transport_in_words(const std::string& transport) {
  if (transport == "sockets") return "sockets of our own";
  if (transport == "libcurl") return "libcurl (headers that frame, or a URL that it reads better)";
  if (transport == "process") return "a process of its own, which tells what it sent";
  return "blocking clients";
}

void print_checks(const Json& request) {
  const auto checks = texts_in(request, "checks");
  if (!checks.empty()) print("      an answer is good with: " + join(checks, ", "));
}

// What is more than one method and URL.
void print_requests(const Json& load) {
  print_checks(load);
  for (const auto& request : load.items("requests")) {
    print("    " + std::to_string(request.integer("weight", 1)) + " x " + request.text("name") +
          ": " + request.text("method") + " " + request.text("url"));
    print_checks(request);
  }
  if (const Json* data = load.find("data")) {
    print("    data: " + data->text("file") + ", " + std::to_string(data->integer("rows", 0)) +
          " rows, " + data->text("sha256"));
  }
}

void print_plan(const Json& plan, const std::string& digest) {
  print("plan of " + plan.get("playbook").text("name") + "  " + digest);
  print("timeline (what cannot be undone stands first):");
  for (const auto& step : plan.items("timeline")) {
    print("  " + step_line(step));
    const bool is_action = step.find("action") != nullptr;
    if (!is_action && step.find("reversal") == nullptr) continue;
    print("      " + step.text("summary"));
    print("      " + (is_action ? "nothing undoes it" : "reversal: " + step.text("reversal")) +
          "; needs: " + step.text("rights"));
  }
  print("load:");
  for (const auto& load : plan.items("load")) {
    const bool closed = load.text("loop") == kClosedLoop;
    const std::string often = closed ? "closed loop" : load.get("rate").dump() + "/s";
    print("  " + load.text("name") + ": " + load.text("shape", often) + " " + load.text("method") +
          " " + load.text("url") + "; by " + transport_in_words(load.text("transport")) +
          "; cleanup: " + load.text("cleanup", "none"));
    print_requests(load);
  }
  if (!plan.items("invariants").empty()) {
    print("invariants, read when the drill begins, in what is restored, and by verify:");
  }
  for (const auto& one : plan.items("invariants")) {
    print("  " + one.text("target") + ": " + one.text("name") + ": " + one.text("sql") + "; is " +
          one.text("is"));
  }
  print("locks:");
  for (const auto& lock : plan.items("locks")) print("  " + lock.text());
}

std::string seen(const Status& held) {
  if (held) return "rights held";
  return (is_known(held) ? "REFUSED: " : "rights unknown: ") + held.error().text;
}

void print_survey(const Survey& survey) {
  print("instances now:");
  for (const auto& found : survey.found) print("  " + found.target + ": " + found.shown);
  for (const auto& missing : survey.missing) print("  NOT FOUND " + missing);
  if (!survey.transports.empty()) print("loads are carried here by:");
  for (const auto& load : survey.transports) {
    print("  " + load.load + ": " + load.transport + " (" + load.why + ")");
  }
  print("rights, and who undoes each fault:");
  for (const auto& fault : survey.faults) {
    print("  " + fault.step + ": " + fault.fault + ": " + seen(fault.held));
    print("      runner dead: " + fault.after_the_runner + "; guardian too: " + fault.after_both +
          "; power lost: " + fault.after_power);
  }
  for (const auto& load : survey.loads) {
    print("  load " + load.load + ": " + load.kind + ": " + seen(load.held) +
          "; needs: " + load.needs);
  }
  for (const auto& step : survey.steps) {
    print("  " + step.step + ": " + step.row + ": " + seen(step.held) + "; needs: " + step.needs);
  }
  print("deaths survived here:");
  for (const auto& [death, how] : survey.deaths) print("  " + death + ": " + how);
}

int run(const Arguments& arguments) {
  const Rows& rows = arguments.world.rows;
  const auto playbook = checked_playbook(arguments, rows);
  if (!playbook) return 2;
  const auto plan = planned(playbook, rows);
  if (!plan) return say_error(plan.error()), 2;
  const auto& [document, digest] = *plan;
  // Where there is no place for one, `run` says so.
  const Survey survey =
      survey_system(*playbook, rows, store_path(arguments).value_or(std::string()));
  if (arguments.has("json")) {
    print_json(
        Json::object({{"plan_sha256", digest}, {"plan", document}, {"now", to_json(survey)}}));
  } else {
    print_plan(document, digest);
    print_survey(survey);
  }
  return 0;
}

}  // namespace

extern const CommandRow plan_command;
const CommandRow plan_command{
    "plan",
    "Says what a drill would do: timeline, instances, undos, load, rights; does nothing.",
    "gameday plan playbooks/shop/survives-a-killed-worker.yaml",
    {"PLAYBOOK", "The playbook.", true, false},
    kOptions,
    run,
    Group::before};

}  // namespace gameday
