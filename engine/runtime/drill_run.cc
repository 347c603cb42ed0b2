#include "engine/runtime/drill_run.h"

#include <unistd.h>

#include <algorithm>

#include "engine/base/by_hand.h"
#include "engine/base/digest.h"
#include "engine/load/request_mix.h"
#include "engine/runtime/door.h"
#include "engine/runtime/locks.h"
#include "engine/runtime/own_backups.h"
#include "engine/runtime/replayer.h"

namespace gameday {
namespace {

constexpr Duration kLockWithin = std::chrono::seconds(1);

// What attempts of probes use. One that never returns keeps it when the drill is over.
struct Reach {
  explicit Reach(const DrillOptions& options)
      : playbook(options.playbook),
        files(options.observer),
        http(make_curl_http(clock, options.observer)),
        processes(make_processes(
            clock,
            [this](const ProcessId& child) {
              if (guardian) guardian->child(child);
            },
            options.observer)),
        doors{clock, files, *processes, *http, options.observer} {
    // Not one of our children is given them: the proxies and the system outlive us.
    secrets.take_from_environment(playbook->source);
  }

  const std::shared_ptr<const Playbook> playbook;
  const SystemClock clock;
  const Files files;
  std::unique_ptr<GuardianLink> guardian;
  const std::unique_ptr<Http> http;
  const std::unique_ptr<Processes> processes;
  const Doors doors;
  Secrets secrets;
};

// Everything that one drill holds, taken in order and given back in reverse.
class DrillRun {
 public:
  DrillRun(const DrillOptions& options, const Rows& rows)
      : options_(options), rows_(rows), reach_(std::make_shared<Reach>(options)) {}
  // The guardian is to see the end of the drill, whoever keeps its link.
  ~DrillRun() { guardian_.reset(); }
  DrillRun(const DrillRun&) = delete;
  DrillRun& operator=(const DrillRun&) = delete;

  DrillOutcome run() {
    if (auto entered = enter(); !entered) return not_started(entered.error());
    auto plan = make_plan(options_.playbook, rows_, drill_, options_.seed, {});
    if (!plan) return not_started(plan.error());
    plan->operator_name = options_.operator_name;
    plan->store = options_.store;
    plan->operator_uid = geteuid();
    plan->identities = lock_names(*options_.playbook, rows_);
    if (auto opened = open_journal(*plan); !opened) return not_started(opened.error());
    if (auto guarded = start_guardian(); !guarded) return not_started(guarded.error());
    Drill drill(std::move(*plan));
    return conduct(drill);
  }

 private:
  Status enter() {
    TRY(store, Store::open(options_.store, clock_, options_.observer));
    store_ = std::move(store);
    TRY(left, leftovers(*store_, processes_));
    for (const auto& drill : left) {
      if (drill.runner_alive) continue;
      return fail(ErrorCode::refused,
                  "drill " + drill.drill.id + " has left something: " + drill.open.front().kind +
                      " on " + drill.open.front().target,
                  revert_by_hand(options_.store, drill.drill.id));
    }
    Random random(options_.seed ^
                  static_cast<std::uint64_t>(clock_.now().utc.time_since_epoch().count()));
    drill_ = ulid(clock_.now().utc, random);
    TRY(folder, LockFolder::find(files_));
    const Until until{Stop(), clock_.in(kLockWithin)};
    TRY(drill_lock, folder.hold_drill(drill_, clock_, until));
    drill_lock_ = std::move(drill_lock);
    TRY(locks, folder.hold_targets(lock_names(*options_.playbook, rows_), drill_, options_.store));
    for (const auto& holder : locks.previous) TRY_OK(refuse_leftovers_of(holder));
    locks_ = std::move(locks);
    private_folder_ = private_folder_of(options_.store, drill_);
    return files_.make_folder(private_folder_, 0700);
  }

  // A drill of another store may have died on the same targets.
  Status refuse_leftovers_of(const Holder& holder) {
    if (holder.store == options_.store || !files_.exists(holder.store)) return {};
    auto other = Store::open(holder.store, clock_, {}, ReserveRule::wanted);
    if (!other) return {};
    TRY(left, leftovers(**other, processes_));
    for (const auto& drill : left) {
      if (drill.drill.id != holder.drill) continue;
      return fail(ErrorCode::refused,
                  "drill " + holder.drill + " of store " + holder.store +
                      " has left something on a target of this playbook",
                  revert_by_hand(holder.store, holder.drill));
    }
    return {};
  }

  // Another playbook may have another name for one of them.
  Status hold_instances(const std::vector<Instance>& found) {
    TRY(folder, LockFolder::find(files_));
    TRY(more, folder.hold_targets(lock_names(found), drill_, options_.store));
    for (const auto& holder : more.previous) TRY_OK(refuse_leftovers_of(holder));
    locks_.add(std::move(more));
    return {};
  }

  Status open_journal(const Plan& plan) {
    TRY(self, processes_.look(getpid()));
    DrillRecord record;
    record.id = drill_;
    record.name = options_.playbook->name;
    record.playbook = options_.playbook->path;
    record.runner = self.id;
    record.created = rfc3339(clock_.now().utc);
    // Beside the ledger, for the bundle: the file itself may be edited while the drill runs.
    TRY_OK(files_.write(private_folder_ + "/playbook.yaml", options_.playbook->source, 0600));
    TRY_OK(store_->add(record));
    TRY(journal, store_->journal(drill_));
    journal_ = std::move(journal);
    const Json document = to_json(plan, rows_);
    TRY(kept,
        journal_->append(clock_.now(), "planned", planned_json(document), Durability::durable));
    (void)kept;
    return {};
  }

  Json planned_json(const Json& plan) const {
    const Playbook& playbook = *options_.playbook;
    Json vars = Json::object();
    for (const auto& [name, value] : playbook.vars) vars.set(name, value);
    return Json::object({{"gameday", "1"},
                         {"version", options_.version},
                         {"operator", options_.operator_name},
                         {"operator_uid", geteuid()},
                         {"store", options_.store},
                         {"environment", playbook.environment},
                         {"seed", options_.seed},
                         {"playbook", Json::object({{"name", playbook.name},
                                                    {"summary", playbook.summary},
                                                    {"owner", playbook.owner},
                                                    {"cadence", playbook.cadence},
                                                    {"sha256", playbook.sha256},
                                                    {"git", options_.git},
                                                    {"vars", std::move(vars)}})},
                         {"rubric", options_.rubric},
                         {"plan_sha256", sha256(plan.dump())},
                         {"plan", plan}});
  }

  Status start_guardian() {
    TRY(link, GuardianLink::start(options_.executable, options_.store, drill_, clock_));
    guardian_ = std::move(link);
    // Undos may need them after our death, and a load's requests from the start.
    for (const auto& load : options_.playbook->loads) {
      std::string texts = load.arguments.dump();
      auto requests = requests_of(load);
      if (load.cleanup) requests.push_back(*load.cleanup);
      for (const LoadRequest& request : requests) texts += texts_of(request);
      TRY_OK(secrets_.reveal(texts));
    }
    for (const auto& reference : references_in(options_.playbook->source)) {
      // One that is not there may stand in a comment; whoever uses it says so.
      const auto value = secrets_.reveal("${" + reference + "}");
      if (value) guardian_->secret(reference, *value);
    }
    return {};
  }

  DrillOutcome conduct(Drill& drill) {
    Inbox inbox;
    Performer performer({doors_, rows_, secrets_, options_.playbook, drill_, options_.seed,
                         private_folder_, options_.executable,
                         [&inbox](const std::string& load, const WindowCount& window) {
                           inbox.put(Noted{"window", window_json(load, window)});
                         },
                         [this](const auto& found) { return hold_instances(found); }});
    auto runner = std::make_unique<Runner>(
        drill,
        RunnerTerms{clock_, rows_, *journal_, performer, guardian_.get(), options_.stop_requests,
                    options_.watcher, options_.ticker, options_.typed, reach_});
    auto door = open_door(inbox);
    const RunEnd end = runner->run(inbox);
    door.reset();
    if (end == RunEnd::unreturned) wait_for_the_guardian();
    const std::string trouble = runner->trouble();
    runner.reset();
    performer.end_all_loads();
    if (end == RunEnd::fenced) {
      guardian_.reset();
      return {4, drill_, "another replayer has taken this drill over: " + trouble, private_folder_};
    }
    if (end == RunEnd::defect) return undo_after_defect(trouble);
    return close(drill, performer);
  }

  // Without one the drill runs; it is only to be stopped in its own terminal.
  std::unique_ptr<DrillDoor> open_door(Inbox& inbox) {
    auto door = DrillDoor::open(drill_, inbox, clock_, files_);
    if (door) return std::move(*door);
    (void)journal_->append(clock_.now(), "no_door", Json::object({{"error", door.error().text}}),
                           Durability::durable);
    return nullptr;
  }

  static Json window_json(const std::string& load, const WindowCount& window) {
    return Json::object({{"load", load},
                         {"from_ns", window.from.time_since_epoch().count()},
                         {"due", window.due},
                         {"sent", window.sent},
                         {"ok", window.ok},
                         {"errors", window.errors},
                         {"p50_s", window.p50_s},
                         {"p99_s", window.p99_s},
                         {"send_lag_p99_s", window.send_lag_p99_s},
                         {"marked", window.marked}});
  }

  // A deed of ours hangs and cannot be taken back from here. The end of our socket tells the
  // guardian, which ends this process before it undoes.
  [[noreturn]] void wait_for_the_guardian() {
    guardian_.reset();
    while (true) (void)clock_.sleep({Stop(), clock_.in(std::chrono::hours(1))});
  }

  DrillOutcome close(const Drill& drill, Performer& performer) {
    const Judgement verdict = judge(drill);
    std::string problem;
    for (const auto& ledger : performer.ledgers()) {
      (void)journal_->append(clock_.now(), "evidence",
                             Json::object({{"file", ledger.file},
                                           {"bytes", ledger.mark.bytes},
                                           {"sha256", ledger.mark.digest}}),
                             Durability::durable);
    }
    const std::string defect = performer.defect();
    if (!defect.empty()) note_defect(defect);
    if (auto closed = append_closing(); !closed) problem = closed.error().text;
    (void)store_->set_verdict(drill_, verdict.verdict);
    if (drill.residue.empty()) locks_.forget();
    guardian_->bye();
    guardian_.reset();
    const int code = defect.empty() ? verdict.exit_code : 70;
    return {code, drill_, problem, private_folder_};
  }

  // Decides the exit code of the result document, whatever the verdict says.
  void note_defect(const std::string& text) {
    (void)journal_->append(clock_.now(), "defect", Json::object({{"text", text}}),
                           Durability::durable);
  }

  Status append_closing() {
    TRY(record, store_->drill(drill_));
    TRY(kept, journal_->append(clock_.now(), kClosing,
                               Json::object({{"events", record.events + 1}}), Durability::durable));
    (void)kept;
    return {};
  }

  // Our own mistake: the conductor is not to be trusted any more, but the journal is.
  DrillOutcome undo_after_defect(const std::string& trouble) {
    DrillOutcome outcome{70, drill_, "defect in gameday: " + trouble, private_folder_};
    note_defect(trouble);
    const auto lines = store_->lines(drill_);
    const auto owed = lines ? owed_by(*lines) : Result<Owed>(std::unexpected(lines.error()));
    if (!owed) {
      outcome.message += "; the journal cannot be read: " + owed.error().text;
      return outcome;
    }
    const auto done = replay(*owed, *journal_,
                             {doors_, rows_, secrets_, drill_, private_folder_, "runner"}, Stop());
    for (const auto& residue : done.residue) outcome.message += "; NOT undone: " + residue;
    if (done.residue.empty()) {
      outcome.message += "; everything was undone";
      locks_.forget();
      guardian_->bye();
    }
    guardian_.reset();
    (void)store_->set_verdict(drill_, done.residue.empty() ? "defect" : "residue");
    return outcome;
  }

  DrillOutcome not_started(const Error& error) {
    if (guardian_) guardian_->bye();
    guardian_.reset();
    locks_.forget();
    if (journal_) {
      (void)journal_->append(clock_.now(), "not_started", Json::object({{"reason", error.text}}),
                             Durability::durable);
      (void)append_closing();
      (void)store_->set_verdict(drill_, "not_started");
    }
    std::string message = error.text;
    if (!error.hint.empty()) message += "\n  hint: " + error.hint;
    return {3, journal_ ? drill_ : "", message, private_folder_};
  }

  const DrillOptions& options_;
  const Rows& rows_;
  const std::shared_ptr<Reach> reach_;
  const SystemClock& clock_ = reach_->clock;
  const Files& files_ = reach_->files;
  std::unique_ptr<GuardianLink>& guardian_ = reach_->guardian;
  Processes& processes_ = *reach_->processes;
  const Doors& doors_ = reach_->doors;
  Secrets& secrets_ = reach_->secrets;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Journal> journal_;
  std::string drill_, private_folder_;
  Descriptor drill_lock_;
  TargetLocks locks_;
};

}  // namespace

DrillOutcome run_drill(const DrillOptions& options, const Rows& rows) {
  return DrillRun(options, rows).run();
}

namespace {

// What a restore has superseded stays until somebody has read the ledger.
bool has_files_to_erase(const Owed& owed, const std::string& drill, const std::string& store_file) {
  if (!std::ranges::all_of(owed.to_erase, &PrivateFiles::superseded)) return true;
  const std::string folder = private_folder_of(store_file, drill);
  if (may_forget_backups(owed) && has_own_backups(folder)) return true;
  return !unrecorded_files(owed, drill, folder).empty();
}

Result<std::vector<Leftover>> left_in(
    Store& store, const Processes& processes,
    const std::function<bool(const Owed&, const std::string&)>& also) {
  std::vector<Leftover> found;
  TRY(drills, store.drills());
  for (const auto& drill : drills) {
    if (drill.closed && drill.verdict != "residue") continue;
    TRY(lines, store.lines(drill.id));
    TRY(owed, owed_by(lines));
    if (!owed.open.empty() || also(owed, drill.id)) {
      found.push_back({drill, processes.alive(drill.runner), std::move(owed.open)});
    }
  }
  return found;
}

}  // namespace

Result<std::vector<Leftover>> leftovers(Store& store, const Processes& processes) {
  return left_in(store, processes, [](const Owed&, const std::string&) { return false; });
}

Result<std::vector<Leftover>> unfinished(Store& store, const std::string& store_file,
                                         const Processes& processes) {
  return left_in(store, processes, [&](const Owed& owed, const std::string& drill) {
    return has_files_to_erase(owed, drill, store_file);
  });
}

}  // namespace gameday
