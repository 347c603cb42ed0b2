#include "cli/ask_drill.h"
#include "cli/common.h"
#include "cli/say.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {kJsonOption};

std::string time_of(const Json& parent, std::string_view name) {
  return shown(from_seconds(parent.number(name, 0)));
}

std::string fault_line(const Json& fault) {
  std::string line = "  " + fault.text("id") + ": " + fault.text("kind");
  for (const auto& target : fault.items("targets")) line += " " + target.text();
  line += ", " + fault.text("stage");
  if (!fault.get("since_s").is_null()) line += " since " + time_of(fault, "since_s");
  if (!fault.get("left_s").is_null()) return line + ", for " + time_of(fault, "left_s") + " more";
  return line + ", until it is reverted";
}

std::string load_line(const Json& load) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f/s, %.1f %% ok, p99 %.0f ms", load.number("rate", 0),
                load.number("success", 0) * 100, load.number("p99_s", 0) * 1000);
  return "  " + load.text("load") + ": " + text;
}

void print_status(const Json& status) {
  print("drill " + status.text("drill") + "  " + status.text("name") + ", run by " +
        status.text("operator"));
  print("phase " + status.text("phase") + " after " + time_of(status, "since_s") + "; " +
        std::to_string(status.integer("steps_ended", 0)) + " of " +
        std::to_string(status.integer("steps_planned", 0)) + " steps are over");
  for (const auto& step : status.items("steps")) {
    print("step " + step.text("id") + " (" + step.text("step") + ") since " +
          time_of(step, "since_s"));
  }
  for (const auto& wait : status.items("waits_for")) {
    print("WAITING for " + wait.text("person", "a person") + ": " +
          wait.text("what", "to approve") + ", for " + time_of(wait, "left_s") + " more (step " +
          wait.text("id") + ")");
  }
  print(status.items("faults").empty() ? "no fault is in force" : "faults in force:");
  for (const auto& fault : status.items("faults")) print(fault_line(fault));
  if (!status.items("load").empty()) print("load:");
  for (const auto& load : status.items("load")) print(load_line(load));
  if (status.get("stop").is_object()) print("STOPPED: " + status.get("stop").text("reason"));
}

int run(const Arguments& arguments) {
  const auto& words = arguments.positionals;
  const auto status =
      ask_drill(words.empty() ? "" : words.front(), Json::object({{"op", "status"}}));
  if (!status) return say_refused(status.error());
  arguments.has("json") ? print_json(*status) : print_status(*status);
  return 0;
}

}  // namespace

extern const CommandRow status_command;
const CommandRow status_command{
    "status",
    "What a running drill is doing: phase, step, faults in force, load.",
    "gameday status",
    {"DRILL", "Its id, or the start of it; not needed where one runs.", false, false},
    kOptions,
    run};

}  // namespace gameday
