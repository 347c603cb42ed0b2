#include "engine/runtime/guardian.h"

#include "cli/command.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    {"store", OptionKind::text, "FILE", "The store with the drill's journal.", true},
    {"drill", OptionKind::text, "DRILL", "The drill that is guarded.", true},
    {"runner", OptionKind::number, "PID", "Its runner.", true}};

int run(const Arguments& arguments) {
  return run_guardian({arguments.text("store"), arguments.text("drill"),
                       static_cast<pid_t>(*arguments.number("runner")), 0},
                      arguments.world.rows);
}

}  // namespace

extern const CommandRow guardian_command;
const CommandRow guardian_command{
    "guardian",
    "Undoes a drill whose runner died or hangs; `run` starts it, nobody else needs to.",
    "gameday run playbooks/shop/survives-a-killed-worker.yaml --out demo",
    {},
    kOptions,
    run,
    Group::parts};

}  // namespace gameday
