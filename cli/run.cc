#include <filesystem>

#include "cli/bundle_files.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/signals.h"
#include "cli/terminal_lines.h"
#include "engine/runtime/drill_run.h"
#include "reports/result.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    kStoreOption,
    {"out", OptionKind::text, "DIR", "Where the bundle goes; default gameday-report/DRILL."},
    kJsonOption,
    kVarOption,
    kSeedOption,
    {"quiet", OptionKind::flag, "", "No progress on standard error."}};

std::string out_folder(const Arguments& arguments, const std::string& drill) {
  return arguments.text("out", "gameday-report/" + drill);
}

int finish(const Arguments& arguments, const std::string& store_file, const DrillOutcome& outcome) {
  if (outcome.drill.empty()) return outcome.exit_code;
  const SystemClock clock;
  const auto out = out_folder(arguments, outcome.drill);
  auto store = Store::open(store_file, clock, {}, ReserveRule::wanted);
  const auto lines = store ? (*store)->lines(outcome.drill)
                           : Result<std::vector<std::string>>(std::unexpected(store.error()));
  if (!lines) return say_error(lines.error()), outcome.exit_code;
  const auto result = result_document(*lines);
  if (!result) return say_error(result.error()), outcome.exit_code;
  const auto written = write_bundle_files(*lines, outcome.private_folder, out, *result);
  if (!written) say_error(written.error().in("the bundle could not be written"));
  if (arguments.has("json")) print_json(*result);
  if (!arguments.has("quiet")) {
    say(text_summary(*result));
    if (written) say("result: " + out + "/result.json\nreport: " + out + "/report.html");
  }
  return outcome.exit_code;
}

int run(const Arguments& arguments) {
  StopSignals signals;
  TerminalLines terminal;
  const Rows& rows = arguments.world.rows;
  const auto playbook = checked_playbook(arguments, rows);
  if (!playbook) return 2;
  const auto store = store_path(arguments);
  if (!store) return say_error(store.error()), 3;
  // Evidence that could not be written would be found out only after the harm is done.
  const auto room = arguments.has("out") ? open_bundle_folder(arguments.text("out"))
                                         : open_folder("gameday-report");
  if (!room) return say_error(room.error()), 2;
  DrillOptions options;
  options.playbook = playbook;
  options.store = *store;
  options.seed = arguments.number("seed").value_or(1);
  options.version = GAMEDAY_VERSION;
  options.operator_name = operator_name();
  options.executable = own_executable();
  options.git = git_of(playbook->folder);
  options.observer = arguments.world.observer;
  options.stop_requests = [&signals] { return signals.count(); };
  options.typed = [&terminal] { return terminal.next(); };
  if (!arguments.has("quiet")) {
    options.watcher = [](const Drill& drill, std::string_view type, const Json& data) {
      const std::string line = progress_line(drill, type, data);
      if (!line.empty()) say(line);
    };
  }
  const DrillOutcome outcome = run_drill(options, rows);
  if (!outcome.message.empty()) say("gameday: " + outcome.message);
  return finish(arguments, *store, outcome);
}

}  // namespace

extern const CommandRow run_command;
const CommandRow run_command{
    "run",
    "Runs the drill: injects, measures, restores, undoes everything, and says whether it passed.",
    "gameday run playbooks/shop/survives-a-killed-worker.yaml --out demo",
    {"PLAYBOOK", "The playbook.", true, false},
    kOptions,
    run};

}  // namespace gameday
