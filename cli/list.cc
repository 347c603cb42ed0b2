#include "cli/common.h"
#include "cli/evidence.h"
#include "cli/say.h"
#include "engine/sys/processes.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {kStoreOption, kJsonOption};

// Interrupted: its runner died, and neither a guardian nor `revert` has ended it since.
std::string state_of(const DrillRecord& drill, const Processes& processes) {
  if (!drill.verdict.empty()) return drill.verdict;
  return processes.alive(drill.runner) ? "running" : "interrupted";
}

Json register_of(const std::vector<DrillRecord>& drills, const Processes& processes) {
  Json listed = Json::array();
  for (const auto& drill : drills) {
    listed.push(Json::object({{"id", drill.id},
                              {"name", drill.name},
                              {"playbook", drill.playbook},
                              {"created", drill.created},
                              {"verdict", state_of(drill, processes)},
                              {"closed", drill.closed},
                              {"events", drill.events}}));
  }
  return Json::object({{"drills", std::move(listed)}});
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

void print_register(const Json& all) {
  if (all.items("drills").empty()) return print("no drills yet");
  constexpr std::size_t kId = 26, kTime = 19, kVerdict = 12, kEvents = 7;
  std::string text = padded("DRILL", kId) + padded("CREATED (UTC)", kTime) +
                     padded("VERDICT", kVerdict) + padded("EVENTS", kEvents) + "NAME";
  for (const auto& drill : all.items("drills")) {
    text += "\n" + padded(drill.text("id"), kId) +
            padded(drill.text("created").substr(0, kTime), kTime) +
            padded(drill.text("verdict"), kVerdict) +
            padded(std::to_string(drill.integer("events", 0)), kEvents) +
            harmless(drill.text("name"));
  }
  print(text);
}

int run(const Arguments& arguments) {
  const SystemClock clock;
  std::vector<DrillRecord> drills;
  auto store = store_to_read(arguments, clock);
  if (store) {
    auto found = (*store)->drills();
    if (!found) return say_error(found.error()), 1;
    drills = std::move(*found);
  } else if (store.error().code == ErrorCode::not_found) {
    say("gameday: " + store.error().text);
  } else {
    return say_error(store.error()), 1;
  }
  const auto processes = make_processes(clock);
  const Json all = register_of(drills, *processes);
  if (arguments.has("json")) {
    print_json(all);
  } else {
    print_register(all);
  }
  return 0;
}

}  // namespace

extern const CommandRow list_command;
const CommandRow list_command{
    "list",           "The register of drills: stopped, aborted and interrupted ones too.",
    "gameday list",   {},
    kOptions,         run,
    Group::afterwards};

}  // namespace gameday
