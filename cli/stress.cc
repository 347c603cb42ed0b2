#include "cli/command.h"
#include "drills/systems/connection_holder.h"
#include "drills/systems/stressor.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    {"lease", OptionKind::text, "FILE", "Says until when; it ends when that has passed.", true},
    {"runner", OptionKind::number, "PID", "Whose end is its own.", true},
    {"cpu", OptionKind::number, "CORES", "How many cores it keeps busy."},
    {"memory", OptionKind::number, "BYTES", "How much memory it holds."},
    {"descriptors", OptionKind::number, "COUNT", "How many descriptors it holds open."},
    {"connections", OptionKind::number, "COUNT", "How many connections to PostgreSQL it holds."},
    {"connect", OptionKind::text, "CONNINFO", "Where they lead; secrets are in PG* variables."},
    {"mark", OptionKind::text, "MARK", "Of the deed, in their name."}};

int run(const Arguments& arguments) {
  const auto amount = [&](std::string_view name) {
    return static_cast<std::int64_t>(arguments.number(name).value_or(0));
  };
  const std::string lease = arguments.text("lease");
  const auto runner = static_cast<pid_t>(*arguments.number("runner"));
  if (const auto connections = amount("connections"); connections > 0) {
    return run_holder(connections, arguments.text("connect"), arguments.text("mark"), lease,
                      runner);
  }
  return run_stressor({amount("cpu"), amount("memory"), amount("descriptors")}, lease, runner);
}

}  // namespace

extern const CommandRow stress_command;
const CommandRow stress_command{
    "stress",
    "Takes what a machine or a server has while its lease lasts; `exhaust` starts it.",
    "gameday run playbooks/shop/survives-a-killed-worker.yaml --out demo",
    {},
    kOptions,
    run,
    Group::parts};

}  // namespace gameday
