#include "cli/ask_drill.h"
#include "cli/say.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    {"reason", OptionKind::text, "TEXT", "Why, for the journal and the report."}};

int run(const Arguments& arguments) {
  const auto& words = arguments.positionals;
  const auto stopped =
      ask_drill(words.empty() ? "" : words.front(),
                Json::object({{"op", "stop"}, {"text", arguments.text("reason")}}));
  if (!stopped) return say_refused(stopped.error());
  say(stopped->boolean("again", false) ? "it is stopped already; its waits are shortened"
                                       : "stopped; it undoes every fault and ends with 4");
  return 0;
}

}  // namespace

extern const CommandRow stop_command;
const CommandRow stop_command{
    "stop",
    "Stops a running drill, as Ctrl-C in its terminal does: it undoes everything and ends.",
    "gameday stop --reason \"customers notice\"",
    {"DRILL", "Its id, or the start of it; not needed where one runs.", false, false},
    kOptions,
    run};

}  // namespace gameday
