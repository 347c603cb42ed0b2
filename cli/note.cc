#include "cli/ask_drill.h"
#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

int run(const Arguments& arguments) {
  std::vector<std::string> words = arguments.positionals;
  std::string drill;
  if (words.size() > 1) {
    drill = words.front();
    words.erase(words.begin());
  }
  const auto noted = ask_drill(drill, Json::object({{"op", "note"}, {"text", join(words, " ")}}));
  if (!noted) return say_refused(noted.error());
  say("noted");
  return 0;
}

}  // namespace

extern const CommandRow note_command;
const CommandRow note_command{
    "note",
    "Writes a note into a running drill's journal, with who made it.",
    "gameday note \"the pager went off\"",
    {"WORDS", "[DRILL] TEXT: the drill's id, not needed where one runs, and what to note.", true,
     true},
    {},
    run};

}  // namespace gameday
