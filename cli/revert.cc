#include <unistd.h>

#include "cli/common.h"
#include "cli/discover.h"
#include "cli/evidence.h"
#include "cli/say.h"
#include "engine/base/digest.h"
#include "engine/runtime/drill_run.h"
#include "engine/runtime/locks.h"
#include "engine/runtime/replayer.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    kStoreOption,
    {"list", OptionKind::flag, "", "Only show what is left."},
    {"discover", OptionKind::text, "PLAYBOOK", "Look for marks on its targets, without the store."},
    kVarOption,
    kJsonOption};

constexpr Duration kLockWithin = std::chrono::seconds(15);

Json open_json(const std::vector<Leftover>& left) {
  Json open = Json::array();
  for (const auto& drill : left) {
    for (const auto& undo : drill.open) {
      open.push(Json::object({{"drill", drill.drill.id},
                              {"seq", undo.event},
                              {"kind", undo.kind},
                              {"target", undo.target},
                              {"since", undo.since},
                              {"runner_alive", drill.runner_alive}}));
    }
  }
  return Json::object({{"open", std::move(open)}});
}

int list(const std::vector<Leftover>& left, bool json) {
  if (json) return print_json(open_json(left)), 0;
  for (const auto& drill : left) {
    for (const auto& undo : drill.open) {
      print(drill.drill.id + "  " + undo.kind + " on " + undo.target + "  since " + undo.since +
            (drill.runner_alive ? "  (its runner is alive)" : ""));
    }
  }
  if (left.empty()) print("nothing is left");
  return 0;
}

// What was undone, and what was not.
class Reverting {
 public:
  Reverting(Store& store, std::string store_file, const CommandWorld& world)
      : store_(store),
        store_file_(std::move(store_file)),
        world_(world),
        http_(make_curl_http(clock_, world.observer)),
        processes_(make_processes(clock_, {}, world.observer)) {}

  Status revert(const Leftover& left, Json& report) {
    if (left.runner_alive) {
      return fail(ErrorCode::conflict, "drill " + left.drill.id + " is alive",
                  "stop it with Ctrl-C in its terminal; it undoes by itself");
    }
    const Files files(world_.observer);
    TRY(folder, LockFolder::find(files));
    TRY(lock, folder.hold_drill(left.drill.id, clock_, {Stop(), clock_.in(kLockWithin)}));
    // A guardian may have undone everything while we waited for the lock.
    TRY(lines, store_.lines(left.drill.id));
    TRY(owed, owed_by(lines));
    TRY(journal, journal_for(left.drill));
    const Doors doors{clock_, files, *processes_, *http_, world_.observer};
    const auto done = replay(owed, *journal,
                             {doors,
                              world_.rows,
                              {},
                              left.drill.id,
                              private_folder_of(store_file_, left.drill.id),
                              "revert"},
                             Stop());
    for (const auto& name : done.undone) report.push(Json::object({{"undone", name}}));
    for (const auto& name : done.residue) report.push(Json::object({{"residue", name}}));
    for (const auto& name : done.undone) say("undone: " + name);
    for (const auto& name : owed.under_way) {
      report.push(Json::object({{"under_way", name}}));
      say("under way, and nothing undoes it: action " + name + "; see whether it was done");
    }
    if (!done.residue.empty()) {
      return fail(ErrorCode::failed, "NOT undone: " + done.residue.front());
    }
    return store_.set_verdict(left.drill.id, "stopped");
  }

 private:
  // A chain that is closed stays as it is: what is undone afterwards is a record of its own.
  Result<std::unique_ptr<Journal>> journal_for(const DrillRecord& drill) {
    if (!drill.closed) return store_.take_over(drill.id);
    Random random(static_cast<std::uint64_t>(clock_.now().utc.time_since_epoch().count()));
    TRY(self, processes_->look(getpid()));
    DrillRecord own;
    own.id = ulid(clock_.now().utc, random);
    own.name = "revert of " + drill.id;
    own.playbook = drill.playbook;
    own.runner = self.id;
    own.created = rfc3339(clock_.now().utc);
    TRY_OK(store_.add(own));
    return store_.journal(own.id);
  }

  Store& store_;
  std::string store_file_;
  const CommandWorld& world_;
  const SystemClock clock_;
  std::unique_ptr<Http> http_;
  std::unique_ptr<Processes> processes_;
};

int report_done(Json report, int code, const Arguments& arguments) {
  if (report.items().empty() && code == 0) say("nothing is left");
  if (arguments.has("json")) {
    print_json(Json::object({{"ok", code == 0}, {"done", std::move(report)}}));
  }
  return code;
}

// Drills that are not closed, whether they owe something or only private files.
int revert_all(Store& store, const std::string& file, const std::vector<Leftover>& left,
               const std::string& wanted, const Arguments& arguments) {
  Reverting reverting(store, file, arguments.world);
  Json report = Json::array();
  int code = 0;
  for (const auto& drill : left) {
    if (!wanted.empty() && drill.drill.id != wanted) continue;
    if (wanted.empty() && drill.runner_alive) continue;
    if (auto done = reverting.revert(drill, report); !done) {
      say_error(done.error());
      code = 1;
    }
  }
  return report_done(std::move(report), code, arguments);
}

int run_discovery(const Arguments& arguments) {
  const auto playbook =
      check_aloud(arguments.text("discover"), arguments, arguments.world.rows).playbook;
  if (!playbook) return 2;
  const Json found = discover(*playbook, arguments.world.rows);
  if (arguments.has("json")) {
    print_json(found);
  } else {
    print(shown_discovery(found));
  }
  return 0;
}

int run(const Arguments& arguments) {
  if (arguments.has("discover")) return run_discovery(arguments);
  const bool named = !arguments.positionals.empty();
  const SystemClock clock;
  auto store = existing_store(arguments, clock);
  if (!store && store.error().code == ErrorCode::not_found && !named) {
    say("gameday: " + store.error().text);
    if (arguments.has("list")) return list({}, arguments.has("json"));
    return report_done(Json::array(), 0, arguments);
  }
  if (!store) return say_error(store.error()), named ? exit_code_of(store.error()) : 1;
  const auto file = store_path(arguments);
  if (!file) return say_error(file.error()), 1;
  const auto processes = make_processes(clock);
  const auto left = arguments.has("list") ? leftovers(**store, *processes)
                                          : unfinished(**store, *file, *processes);
  if (!left) return say_error(left.error()), 1;
  if (arguments.has("list")) return list(*left, arguments.has("json"));
  std::string wanted;
  if (named) {
    const auto drill = (*store)->drill(arguments.positionals.front());
    if (!drill) return say_error(drill.error()), 2;
    wanted = drill->id;
  }
  return revert_all(**store, *file, *left, wanted, arguments);
}

}  // namespace

extern const CommandRow revert_command;
const CommandRow revert_command{
    "revert",
    "Undoes what a dead drill left; refuses drills that are alive.",
    "gameday revert --list",
    {"DRILL", "Its id, the start of it, or `latest`; without it, all that left something.", false,
     false},
    kOptions,
    run};

}  // namespace gameday
