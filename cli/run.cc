#include <filesystem>

#include "cli/bundle_files.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/rubric_option.h"
#include "cli/say.h"
#include "cli/signals.h"
#include "cli/step_summary.h"
#include "cli/terminal_lines.h"
#include "engine/runtime/drill_run.h"
#include "reports/document.h"
#include "reports/openmetrics.h"
#include "reports/result.h"
#include "reports/unstarted.h"

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
    {"quiet", OptionKind::flag, "", "No progress on standard error."}};

std::string out_folder(const Arguments& arguments, const std::string& drill) {
  return arguments.text("out", "gameday-report/" + drill);
}

// A drill that came to no journal is a document too. `playbook` may be null.
int refuse(const Arguments& arguments, int exit_code, std::vector<std::string> reasons,
           const Playbook* playbook) {
  if (!arguments.has("json")) return exit_code;
  Unstarted unstarted;
  unstarted.exit_code = exit_code;
  unstarted.reasons = std::move(reasons);
  unstarted.version = GAMEDAY_VERSION;
  unstarted.operator_name = operator_name();
  unstarted.seed = arguments.number("seed").value_or(1);
  unstarted.at = SystemClock().now().utc;
  if (playbook != nullptr) {
    unstarted.environment = playbook->environment;
    unstarted.playbook = playbook->name;
    unstarted.playbook_sha256 = playbook->sha256;
  }
  print_json(unstarted_document(unstarted));
  return exit_code;
}

int refuse(const Arguments& arguments, int exit_code, const Error& error,
           const Playbook* playbook) {
  say_error(error);
  return refuse(arguments, exit_code, std::vector{error.text}, playbook);
}

int finish(const Arguments& arguments, const std::string& store_file, const DrillOutcome& outcome,
           const Playbook& playbook) {
  if (outcome.drill.empty()) {
    return refuse(arguments, outcome.exit_code, {outcome.message}, &playbook);
  }
  const SystemClock clock;
  const auto out = out_folder(arguments, outcome.drill);
  auto store = Store::open(store_file, clock, {}, ReserveRule::wanted);
  const auto lines = store ? (*store)->lines(outcome.drill)
                           : Result<std::vector<std::string>>(std::unexpected(store.error()));
  if (!lines) return say_error(lines.error()), outcome.exit_code;
  const auto story = story_of(*lines);
  if (!story) return say_error(story.error()), outcome.exit_code;
  const Json result = document_of(*story);
  const auto written = write_bundle_files(*lines, outcome.private_folder, out, *story, result);
  if (!written) say_error(written.error().in("the bundle could not be written"));
  append_step_summary(result);
  if (arguments.has("metrics")) {
    const auto kept = Files().write(arguments.text("metrics"), openmetrics_report(*story, result));
    if (!kept) say_error(kept.error().in("the metrics could not be written"));
  }
  if (arguments.has("json")) print_json(result);
  if (!arguments.has("quiet")) {
    say(text_summary(result));
    if (written) say("result: " + out + "/result.json\nreport: " + out + "/report.html");
  }
  return outcome.exit_code;
}

int run(const Arguments& arguments) {
  StopSignals signals;
  TerminalLines terminal;
  const Rows& rows = arguments.world.rows;
  const auto checked = check_aloud(arguments.positionals.front(), arguments, rows);
  const auto& playbook = checked.playbook;
  if (!playbook) return refuse(arguments, 2, checked.errors, nullptr);
  const auto rubric = chosen_rubric(arguments);
  if (!rubric) {
    return refuse(arguments, 2, std::vector<std::string>{"the rubric is invalid"}, playbook.get());
  }
  const auto store = store_path(arguments);
  if (!store) return refuse(arguments, 3, store.error(), playbook.get());
  // Evidence that could not be written would be found out only after the harm is done.
  const auto room = arguments.has("out") ? open_bundle_folder(arguments.text("out"))
                                         : open_folder("gameday-report");
  if (!room) return refuse(arguments, 2, room.error(), playbook.get());
  DrillOptions options;
  options.playbook = playbook;
  options.store = *store;
  options.seed = arguments.number("seed").value_or(1);
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
    kVerdictCodes};

}  // namespace gameday
