#include "reports/score.h"

#include "cli/common.h"
#include "cli/evidence.h"
#include "cli/rubric_option.h"
#include "cli/say.h"
#include "engine/journal/bundle.h"
#include "reports/document.h"
#include "reports/programme.h"
#include "reports/result.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    kStoreOption,
    kRubricOption,
    {"as-of", OptionKind::text, "TIME",
     "For several drills: when, as 2026-11-22 or a whole RFC 3339 time; default now."},
    kJsonOption};

Result<Utc> as_of(const Arguments& arguments) {
  const std::string written = arguments.text("as-of");
  if (written.empty()) return SystemClock().now().utc;
  constexpr std::size_t kDay = 10;
  const auto time = parse_rfc3339(written.size() == kDay ? written + "T00:00:00Z" : written);
  if (time) return *time;
  return fail(ErrorCode::invalid, "\"" + written + "\" is no time",
              "give a day as 2026-11-22, or a time as 2026-11-22T19:04:10Z");
}

int score_one(const Arguments& arguments) {
  const auto evidence = evidence_of(arguments, arguments.positionals.front());
  if (!evidence) return say_error(evidence.error()), exit_code_of(evidence.error());
  const auto story = story_of(evidence->lines);
  if (!story) return say_error(story.error()), 1;
  const Json result = document_of(*story);
  Json score = result.get("score");
  if (arguments.has("rubric")) {
    const auto rubric = chosen_rubric(arguments);
    if (!rubric) return 2;
    score = score_of(*story, result, *rubric);
  }
  if (arguments.has("json")) {
    print_json(score);
  } else {
    const std::string text = text_score(score);
    print(text.substr(0, text.find_last_not_of('\n') + 1));
  }
  return 0;
}

int score_programme(const Arguments& arguments) {
  const auto rubric = chosen_rubric(arguments);
  if (!rubric) return 2;
  const auto at = as_of(arguments);
  if (!at) return say_error(at.error()), 2;
  std::vector<ProgrammeJournal> journals;
  for (const auto& named : arguments.positionals) {
    auto evidence = evidence_of(arguments, named);
    if (!evidence) return say_error(evidence.error()), exit_code_of(evidence.error());
    std::string problem;
    if (is_folder(named)) {
      const auto verified = verify_bundle(Files(), named);
      if (!verified) problem = verified.error().text;
      if (verified && !verified->consistent()) problem = shown(verified->findings.front());
    }
    journals.push_back({named, std::move(evidence->lines), std::move(problem)});
  }
  const Json programme = programme_of(journals, *rubric, *at);
  if (arguments.has("json")) {
    print_json(programme);
  } else {
    const std::string text = text_programme(programme);
    print(text.substr(0, text.find_last_not_of('\n') + 1));
  }
  return programme.items("unverifiable").empty() ? 0 : 1;
}

int run(const Arguments& arguments) {
  return arguments.positionals.size() == 1 ? score_one(arguments) : score_programme(arguments);
}

}  // namespace

extern const CommandRow score_command;
const CommandRow score_command{
    "score",
    "Scores a drill again from its journal; several as a programme, with a grade.",
    "gameday score demo",
    {"DRILL|DIR", "A drill's id or the start of it, or a bundle's folder.", true, true},
    kOptions,
    run,
    Group::afterwards};

}  // namespace gameday
