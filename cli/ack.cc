#include "cli/ask_drill.h"
#include "cli/say.h"

namespace gameday {
namespace {

int run(const Arguments& arguments) {
  const auto [drill, step] = drill_and_step(arguments.positionals);
  const auto done = ask_drill(drill, Json::object({{"op", "ack"}, {"step", step}}));
  if (!done) return say_refused(done.error());
  say("acknowledged: step " + done->text("id"));
  return 0;
}

}  // namespace

extern const CommandRow ack_command;
const CommandRow ack_command{
    "ack",
    "Says that what a running drill asks a person to do is done.",
    "gameday ack",
    {"WORDS", "[DRILL] [STEP]: needed where several drills run, or several steps wait.", false,
     true},
    {},
    run};

}  // namespace gameday
