#include <algorithm>
#include <filesystem>

#include "cli/bundle_files.h"
#include "cli/common.h"
#include "cli/planned.h"
#include "cli/progress.h"
#include "cli/refusal.h"
#include "cli/rubric_option.h"
#include "cli/say.h"
#include "cli/signals.h"
#include "cli/step_summary.h"
#include "cli/terminal_lines.h"
#include "engine/playbook/production.h"
#include "engine/runtime/drill_run.h"
#include "reports/document.h"
#include "reports/openmetrics.h"
#include "reports/result.h"
#include "reports/without_evidence.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    kStoreOption,
    {"out", OptionKind::text, "DIR", "Where the bundle goes; default gameday-report/DRILL."},
    kJsonOption,
    kVarOption,
    kSeedOption,
    kRubricOption,
    {"metrics", OptionKind::text, "FILE",
     "An OpenMetrics text file too, for a textfile collector; replaced as a whole."},
    {"confirm", OptionKind::text, "NAME",
     "The playbook's name once more; in production it does not start without."},
    {"plan", OptionKind::text, "sha256:...",
     "Starts only if the plan is this one, as `gameday plan` prints it; needed in production."},
    {"quiet", OptionKind::flag, "", "No progress on standard error."}};

std::string out_folder(const Arguments& arguments, const std::string& drill) {
  return arguments.text("out", "gameday-report/" + drill);
}

std::uint64_t seed_of(const Arguments& arguments) {
  return arguments.number("seed").value_or(kUsualSeed);
}

// A command line that was not understood: `out` is what it names as such, if it does.
void misused(const Error& error, bool json, const std::string& out) {
  const Json result = refusal_document({2, {error.text}});
  tell_ci(result, out);
  if (json) print_json(result);
}

int refuse(const Arguments& arguments, int exit_code, std::vector<std::string> reasons,
           const Playbook* playbook, const std::string& out) {
  const Json result =
      refusal_document({exit_code, std::move(reasons), playbook, seed_of(arguments)});
  tell_ci(result, out);
  if (arguments.has("json")) print_json(result);
  return exit_code;
}

int refuse(const Arguments& arguments, int exit_code, const Error& error, const Playbook* playbook,
           const std::string& out) {
  say_error(error);
  return refuse(arguments, exit_code, std::vector{error.text}, playbook, out);
}

// --quiet is for progress; why a drill did not pass is said all the same.
void tell_reasons(const Json& result) {
  std::string verdict = result.text("verdict");
  std::ranges::replace(verdict, '_', ' ');
  for (const auto& reason : result.items("reasons")) {
    say("gameday: " + verdict + ": " + reason.text("text"));
  }
}

// `story` may be null: the journal could not be read, and no report can be made of it.
int without_bundle(const Arguments& arguments, const DrillOutcome& outcome, const Error& error,
                   const Playbook& playbook, const Story* story) {
  const std::string& drill = outcome.drill;
  const std::string out = out_folder(arguments, drill);
  std::string again = "gameday report " + drill + " --out DIR";
  if (arguments.has("store")) again += " --store " + arguments.text("store");
  say_error({error.code, error.text, "put that right, then: " + again + "; the store has it all"});
  Json result = story != nullptr
                    ? document_of(*story)
                    : refusal_document({outcome.exit_code, {}, &playbook, seed_of(arguments)});
  result = without_evidence(std::move(result), drill, error.text);
  abandon_bundle_files(out);
  tell_ci(result, out);
  if (arguments.has("json")) print_json(result);
  if (arguments.has("quiet")) {
    tell_reasons(result);
  } else {
    say(text_summary(result));
  }
  return static_cast<int>(result.integer("exit_code", 70));
}

Result<Story> story_in(const std::string& store_file, const std::string& drill,
                       std::vector<std::string>& lines) {
  const SystemClock clock;
  TRY(store, Store::open(store_file, clock, {}, ReserveRule::wanted));
  TRY(found, store->lines(drill));
  lines = std::move(found);
  return story_of(lines);
}

int finish(const Arguments& arguments, const std::string& store_file, const DrillOutcome& outcome,
           const Playbook& playbook) {
  if (outcome.drill.empty()) {
    return refuse(arguments, outcome.exit_code, {outcome.message}, &playbook,
                  arguments.text("out"));
  }
  std::vector<std::string> lines;
  const auto story = story_in(store_file, outcome.drill, lines);
  if (!story) return without_bundle(arguments, outcome, story.error(), playbook, nullptr);
  const auto out = out_folder(arguments, outcome.drill);
  const Json result = document_of(*story);
  if (arguments.has("metrics")) {
    const auto kept = Files().write(arguments.text("metrics"), openmetrics_report(*story, result));
    if (!kept) say_error(kept.error().in("the metrics could not be written"));
  }
  const auto written = write_bundle_files(lines, outcome.private_folder, out, *story, result);
  if (!written) {
    return without_bundle(arguments, outcome, written.error().in("the bundle could not be written"),
                          playbook, &*story);
  }
  append_step_summary(result);
  if (arguments.has("json")) print_json(result);
  if (!arguments.has("quiet")) {
    say(text_summary(result));
    say("result: " + out + "/result.json\nreport: " + out + "/report.html");
  } else if (outcome.exit_code != 0) {
    tell_reasons(result);
  }
  return outcome.exit_code;
}

// What lacks before this drill may start; of nothing, none.
std::vector<std::string> lacking_of(const Arguments& arguments,
                                    const std::shared_ptr<const Playbook>& playbook,
                                    const Rows& rows) {
  const auto plan = planned(playbook, rows);
  if (!plan) return {plan.error().text};
  const Consent consent{arguments.text("confirm"), arguments.text("plan"), SystemClock().now().utc};
  auto lacks = lacking(*playbook, consent, plan->sha256);
  for (auto& lack : lacks) {
    lack = "environment " + playbook->environment + ", not started: " + lack;
    say_error({ErrorCode::refused, lack, ""});
  }
  return lacks;
}

int run(const Arguments& arguments) {
  StopSignals signals;
  TerminalLines terminal;
  const Rows& rows = arguments.world.rows;
  const auto checked = check_aloud(arguments.positionals.front(), arguments, rows);
  const auto& playbook = checked.playbook;
  const std::string named = arguments.text("out");
  if (!playbook) return refuse(arguments, 2, checked.errors, nullptr, named);
  const auto rubric = chosen_rubric(arguments);
  if (!rubric) {
    return refuse(arguments, 2, std::vector<std::string>{"the rubric is invalid"}, playbook.get(),
                  named);
  }
  if (auto lacks = lacking_of(arguments, playbook, rows); !lacks.empty()) {
    return refuse(arguments, 3, std::move(lacks), playbook.get(), named);
  }
  const auto store = store_path(arguments);
  if (!store) return refuse(arguments, 3, store.error(), playbook.get(), named);
  // Evidence that could not be written would be found out only after the harm is done.
  const auto room =
      arguments.has("out") ? open_bundle_folder(named) : open_folder("gameday-report");
  if (!room) return refuse(arguments, 2, room.error(), playbook.get(), "");
  DrillOptions options;
  options.playbook = playbook;
  options.store = *store;
  options.seed = seed_of(arguments);
  options.version = GAMEDAY_VERSION;
  options.operator_name = operator_name();
  options.executable = own_executable();
  options.git = git_of(playbook->folder);
  options.rubric = to_json(*rubric);
  options.observer = arguments.world.observer;
  options.stop_requests = [&signals] { return signals.count(); };
  const SystemClock clock;
  Progress progress(clock, !arguments.has("quiet") && !arguments.has("json"));
  options.typed = [&terminal] { return terminal.next(); };
  if (!arguments.has("quiet")) {
    options.watcher = [&progress](const Drill& drill, std::string_view type, const Json& data) {
      progress.watch(drill, type, data);
    };
    options.ticker = [&progress](const Drill& drill) { progress.tick(drill); };
  }
  const DrillOutcome outcome = run_drill(options, rows);
  progress.end();
  if (!outcome.message.empty()) say("gameday: " + outcome.message);
  return finish(arguments, *store, outcome, *playbook);
}

}  // namespace

extern const CommandRow run_command;
const CommandRow run_command{
    "run",
    "Runs the drill: injects, measures, restores, undoes everything, and says whether it passed.",
    "gameday run playbooks/shop/survives-a-killed-worker.yaml --out demo",
    {"PLAYBOOK", "The playbook.", true, false},
    kOptions,
    run,
    Group::drill,
    kVerdictCodes,
    misused};

}  // namespace gameday
