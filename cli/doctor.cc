#include "cli/common.h"
#include "cli/doctor_looks.h"
#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {kStoreOption, kJsonOption};

void print_looks(const std::vector<Look>& looks) {
  for (const auto& look : looks) {
    const char* state = look.ok ? "yes  " : look.needed == Needed::always ? "NO   " : "no   ";
    print(state + look.name + ": " + harmless(look.found));
    if (look.ok) continue;
    if (!look.advice.empty()) print("       -> " + harmless(look.advice));
    if (!look.serves.empty())
      print("       -> faults that are less here: " + join(look.serves, ", "));
  }
  print(drills_can_run(looks) ? "drills on processes can run here"
                              : "drills on processes can NOT run here");
}

int run(const Arguments& arguments) {
  const auto store = store_path(arguments);
  const auto looks =
      look_around(store.value_or(""), store ? "" : store.error().text, arguments.world.rows);
  if (arguments.has("json")) {
    print_json(to_json(looks));
  } else {
    print_looks(looks);
  }
  return drills_can_run(looks) ? 0 : 1;
}

}  // namespace

extern const CommandRow doctor_command;
const CommandRow doctor_command{
    "doctor",
    "What this machine can and cannot do, each tried just now, and what to install.",
    "gameday doctor",
    {},
    kOptions,
    run,
    Group::before};

}  // namespace gameday
