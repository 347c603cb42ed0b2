#include "engine/sim/rehearsal.h"

#include <algorithm>
#include <exception>

#include "engine/base/digest.h"
#include "engine/conductor/journaled_drill.h"
#include "engine/conductor/replay.h"
#include "engine/journal/memory_journal.h"
#include "engine/sim/simulated_runner.h"
#include "engine/sim/watched_journal.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr Duration kHeartbeatLost = std::chrono::seconds(2);

// The simulated system, as a replayer undoes in it.
class SimulatedPlace : public UndoPlace {
 public:
  SimulatedPlace(SimulatedSystem& system, std::string boot, Actor actor, Instant abandoned)
      : system_(system), boot_(std::move(boot)), actor_(actor), abandoned_(abandoned) {}

  Now now() override { return system_.now(); }
  std::string boot() override { return boot_; }
  void wait_until(Instant time) override { system_.advance(time); }
  std::optional<Instant> abandoned() override { return abandoned_; }
  bool stopped() override { return false; }
  Status undo(const OpenUndo& owed) override {
    pass(milliseconds(60));
    return system_.undo(owed.mark, owed.undo, actor_);
  }
  Result<Proof> look(const OpenUndo& owed) override {
    pass(milliseconds(15));
    const bool gone = system_.gone(owed.mark, owed.undo);
    return Proof{gone, gone ? "it is gone" : "it is still there", {}};
  }
  Status erase(const Undo&, const std::string& mark) override {
    system_.store().erase_copy(mark);
    return {};
  }

 private:
  void pass(Duration most) {
    system_.advance(now().boot + system_.takes(std::chrono::microseconds(500), most));
  }

  SimulatedSystem& system_;
  const std::string boot_;
  const Actor actor_;
  const Instant abandoned_;
};

// Everything that is drawn first, in one order: the clock, the drill's id, the boot.
struct Beginning {
  Now now;
  std::string drill, boot;
};

Beginning beginning(Random& random) {
  constexpr std::int64_t kFirst = 1'767'225'600;  // 2026-01-01T00:00:00Z
  Beginning begin;
  const auto seconds = static_cast<std::int64_t>(random.below(std::uint64_t{365} * 86'400));
  begin.now.utc = Utc(std::chrono::seconds(kFirst + seconds));
  begin.now.utc += Duration(static_cast<std::int64_t>(random.below(1'000'000'000)));
  begin.now.boot = Instant(Duration(static_cast<std::int64_t>(random.below(1'000'000'000'000))));
  begin.drill = ulid(begin.now.utc, random);
  const std::string digits = sha256(begin.drill).substr(7, 32);
  begin.boot = digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
               digits.substr(16, 4) + "-" + digits.substr(20, 12);
  return begin;
}

class Rehearser {
 public:
  Rehearser(std::shared_ptr<const Playbook> playbook, const Rows& rows, std::uint64_t seed,
            const RehearsalOptions& options)
      : playbook_(std::move(playbook)),
        rows_(rows),
        options_(options),
        random_(seed),
        begin_(beginning(random_)),
        log_(std::make_shared<MemoryLog>()) {
    found_.seed = seed;
    found_.drill = log_->drill = begin_.drill;
    Random failing = random_.fork();
    found_.failures =
        options.draw_failures ? draw_failures(failing, *playbook_, rows_) : options.failures;
    log_->full_from = found_.failures.disk_full_from;
    log_->reserve_events = found_.failures.reserve_events;
    system_.emplace(*playbook_, rows_, found_.failures, begin_.now, random_.fork());
  }

  Result<Rehearsal> rehearse() {
    TRY(plan, make_plan(playbook_, rows_, begin_.drill, found_.seed, {}));
    plan.operator_name = kRehearsalOperator;
    plan.operator_uid = 1000;
    conduct(std::move(plan));
    found_.journal = log_->lines;
    found_.standing = system_->standing();
    found_.changes = system_->changes();
    found_.missing = system_->missing();
    found_.late_writes = system_->store().late_writes();
    for (std::size_t i = 1; i <= system_->changes().size() + 1; ++i) {
      const std::string mark = begin_.drill + "-" + std::to_string(i);
      if (system_->store().has_copy(mark)) found_.copies.push_back(mark);
    }
    return std::move(found_);
  }

 private:
  void conduct(Plan plan) {
    const Json planned = planned_json(plan);
    Drill drill(std::move(plan));
    SimulatedRunner* running = nullptr;
    WatchedJournal journal(memory_journal(log_, begin_.boot), found_.failures.runner,
                           [&](std::uint64_t count) {
                             if (running != nullptr) running->appended(count);
                           });
    SimulatedRunner runner(drill, journal, *system_, random_.fork(), options_.most_rate);
    bool guarded = true;
    try {
      if (auto kept = journal.append(system_->now(), "planned", planned, Durability::durable);
          !kept) {
        found_.end = RehearsalEnd::not_started;
        found_.exit_code = 3;
        found_.verdict = "not_started";
        found_.message = kept.error().text;
        return;
      }
      running = &runner;
      const SimulatedEnd end = runner.run([&](Instant since) { return frozen(runner, since); },
                                          [&](const std::string& mark) {
                                            if (!on_disk(mark)) found_.unrecorded.push_back(mark);
                                          });
      if (end == SimulatedEnd::closed) return closed(drill, runner);
      if (end == SimulatedEnd::fenced) {
        found_.end = RehearsalEnd::fenced;
        found_.exit_code = found_.replay_residue.empty() ? 4 : 5;
        return;
      }
      guarded = ended_by_guardian(runner, end);
    } catch (const Died&) {
      found_.message = "the runner died";
      guarded = runner.guardian_lives();
    } catch (const std::exception& error) {
      found_.end = RehearsalEnd::defect;
      found_.message = error.what();
      return;
    }
    interrupted(guarded);
  }

  // Is the deed's record there for whoever comes after us, were we to die now?
  bool on_disk(const std::string& mark) const {
    return std::ranges::any_of(log_->lines, [&](const std::string& line) {
      if (!line.contains(mark)) return false;
      const auto event = parse_event(line);
      return event && event->type == "deed" && event->data.text("deed") == mark;
    });
  }

  // Returns whether there is a guardian to undo.
  bool ended_by_guardian(const SimulatedRunner& runner, SimulatedEnd end) {
    found_.message = end == SimulatedEnd::unreturned ? "a deed did not return after a stop"
                     : end == SimulatedEnd::overdue  ? "a deed was in force after its time"
                                                     : "the runner waited for nothing";
    const auto not_after = runner.earliest_not_after();
    if (end == SimulatedEnd::overdue && !found_.taken_over && not_after) {
      system_->advance(*not_after);
    }
    return runner.guardian_lives();
  }

  void closed(const Drill& drill, SimulatedRunner& runner) {
    found_.document = judge(drill).document;
    const auto closing = runner.journaled_drill().close();
    found_.end = RehearsalEnd::closed;
    found_.exit_code = closing.exit_code;
    found_.verdict = closing.verdict;
    found_.message = closing.problem;
    for (const auto& deed : drill.deeds) {
      if (deed.stage == Stage::superseded) found_.superseded.push_back(deed.mark);
    }
    if (drill.first_step) found_.lagged = system_->lagged_since(drill.first_step->boot);
  }

  // The runner is stopped for a while. Returns whether it is dead when that is over.
  bool frozen(const SimulatedRunner& runner, Instant since) {
    const auto& freeze = found_.failures.freeze;
    const Instant wakes = since + freeze.lasts;
    if (freeze.lasts <= kHeartbeatLost || !runner.guardian_lives()) {
      system_->advance(wakes);
      return false;
    }
    found_.frozen = true;
    system_->advance(since + kHeartbeatLost + milliseconds(100));
    replay_as("guardian", Actor::guardian, found_.failures.guardian);
    system_->advance(wakes);
    return !freeze.outlives_guardian;
  }

  void interrupted(bool guarded) {
    found_.end = RehearsalEnd::interrupted;
    const auto& failures = found_.failures;
    if (guarded && !failures.guardian_dies_too && found_.replays == 0) {
      system_->advance(system_->now().boot + milliseconds(10));
      replay_as("guardian", Actor::guardian, failures.guardian);
    }
    system_->kill_local();
    // Whoever comes back after all have died runs `revert`, and runs it again.
    system_->advance(system_->now().boot +
                     system_->takes(milliseconds(100), std::chrono::minutes(1)));
    replay_as("revert", Actor::revert, failures.revert);
    replay_as("revert", Actor::revert, {});
    replay_as("revert", Actor::revert, {});
    found_.exit_code = found_.replay_residue.empty() ? 4 : 5;
    found_.verdict = found_.replay_residue.empty() ? "stopped" : "residue";
  }

  // One replayer: it ends what is left of the runner, takes the epoch, and undoes what is owed.
  void replay_as(const std::string& by, Actor actor, Failures::Death death) {
    ++found_.replays;
    system_->kill_local();
    WatchedJournal journal(take_over_memory_journal(log_, begin_.boot), death);
    if (!found_.taken_over) found_.taken_over = system_->now().boot;
    const auto owed = owed_by(log_->lines);
    if (!owed) {
      found_.replay_residue = {"the journal cannot be read: " + owed.error().text};
      return;
    }
    SimulatedPlace place(*system_, begin_.boot, actor, *found_.taken_over);
    const std::size_t changes = system_->changes().size();
    try {
      const auto done = replay_undos(*owed, journal, place, by);
      found_.replay_residue = done.residue;
      if (done.residue.empty() && !done.fenced) note_what_stands();
    } catch (const Died&) {
      found_.replay_residue = {by + " died"};
    }
    if (owed->open.empty()) found_.idle_changes += system_->changes().size() - changes;
  }

  // What was under way may arrive until the settle time is over.
  void note_what_stands() {
    system_->advance(system_->now().boot + Deadlines::settle);
    const auto standing = system_->standing();
    found_.claimed_gone.insert(found_.claimed_gone.end(), standing.begin(), standing.end());
  }

  Json planned_json(const Plan& plan) const {
    Json vars = Json::object();
    for (const auto& [name, value] : playbook_->vars) vars.set(name, value);
    const Json document = to_json(plan, rows_);
    return Json::object({{"gameday", "1"},
                         {"version", options_.version},
                         {"operator", plan.operator_name},
                         {"environment", playbook_->environment},
                         {"seed", found_.seed},
                         {"rehearsal", Json::object({{"most_rate", options_.most_rate},
                                                     {"failures", found_.failures.told}})},
                         {"playbook", Json::object({{"name", playbook_->name},
                                                    {"summary", playbook_->summary},
                                                    {"owner", playbook_->owner},
                                                    {"cadence", playbook_->cadence},
                                                    {"sha256", playbook_->sha256},
                                                    {"git", Json()},
                                                    {"vars", std::move(vars)}})},
                         {"rubric", options_.rubric},
                         {"plan_sha256", sha256(document.dump())},
                         {"plan", document}});
  }

  const std::shared_ptr<const Playbook> playbook_;
  const Rows& rows_;
  const RehearsalOptions& options_;
  Random random_;
  const Beginning begin_;
  std::shared_ptr<MemoryLog> log_;
  std::optional<SimulatedSystem> system_;
  Rehearsal found_;
};

}  // namespace

Result<Rehearsal> rehearse(std::shared_ptr<const Playbook> playbook, const Rows& rows,
                           std::uint64_t seed, const RehearsalOptions& options) {
  return Rehearser(std::move(playbook), rows, seed, options).rehearse();
}

}  // namespace gameday
