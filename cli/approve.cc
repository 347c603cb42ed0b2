#include "cli/ask_drill.h"
#include "cli/say.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    {"role", OptionKind::text, "ROLE", "The role in which you decide; else the one asked for."},
    {"refuse", OptionKind::flag, "", "Do not approve: the drill undoes everything and ends."},
    {"reason", OptionKind::text, "TEXT", "Why you refuse, for the journal and the report."}};

int run(const Arguments& arguments) {
  const auto [drill, step] = drill_and_step(arguments.positionals);
  const bool refuse = arguments.has("refuse");
  const auto done = ask_drill(drill, Json::object({{"op", refuse ? "refuse" : "approve"},
                                                   {"step", step},
                                                   {"role", arguments.text("role")},
                                                   {"text", arguments.text("reason")}}));
  if (!done) return say_refused(done.error());
  say((refuse ? "refused: step " : "approved: step ") + done->text("id"));
  return 0;
}

}  // namespace

extern const CommandRow approve_command;
const CommandRow approve_command{
    "approve",
    "Lets a running drill go on that waits for an approval, or refuses it.",
    "gameday approve --role service-owner",
    {"WORDS", "[DRILL] [STEP]: needed where several drills run, or several steps wait.", false,
     true},
    kOptions,
    run};

}  // namespace gameday
