#include "cli/common.h"
#include "cli/evidence.h"
#include "cli/say.h"
#include "reports/document.h"
#include "reports/result.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {kStoreOption, kJsonOption};

int run(const Arguments& arguments) {
  const auto evidence = evidence_in_store(arguments, arguments.positionals.front());
  if (!evidence) return say_error(evidence.error()), exit_code_of(evidence.error());
  const auto story = story_of(evidence->lines);
  if (!story) return say_error(story.error().in("drill " + evidence->drill)), 1;
  const Json result = document_of(*story);
  if (arguments.has("json")) {
    print_json(result);
  } else {
    const std::string text = text_summary(result);
    print(text.substr(0, text.find_last_not_of('\n') + 1));
  }
  return 0;
}

}  // namespace

extern const CommandRow show_command;
const CommandRow show_command{"show",
                              "One drill: its verdict, its reasons and its objectives.",
                              "gameday show latest",
                              {"DRILL", "Its id, the start of it, or `latest`.", true, false},
                              kOptions,
                              run,
                              Group::afterwards};

}  // namespace gameday
