// One turn of the machine: the handlers of events, over the drill's state. Internal to the
// conductor.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/conductor/drill.h"

namespace gameday {

inline constexpr int kUndoTries = 5;

class Turn {
 public:
  Turn(Drill& drill, Now now, std::vector<DrillCommand>& out) : d(drill), now_(now), out_(out) {}

  void on(const Begun&);
  void on(const Done& done);
  void on(const Sampled& sample);
  void on(const Woken& woken);
  void on(const StopAsked& asked);
  void on(const Answered& answered);
  void on(const LoadProblem& problem);
  void on(const JournalFailed& failed);
  // After each of them.
  void revert_once_halted();
  void ask_probes();

 private:
  // turn.cc: the start, the stop and the common means
  void enter(Phase phase);
  TaskId run(Task task);
  TimerId wake(Instant at);
  void record(std::string_view type, Json data);
  void reason(int code, std::string text);
  void system_started(const Done& done);
  void start_next_load();
  void begin_timeline();
  void stop_now(const StopAsked& asked);
  void break_off();
  [[nodiscard]] Lane& lane() { return d.lanes[lane_]; }
  [[nodiscard]] const Lane& lane() const { return d.lanes[lane_]; }
  [[nodiscard]] const Step& lane_step() const { return d.plan.steps[lane().step].step; }
  [[nodiscard]] bool halted() const { return d.stop || d.timeline_failed; }
  [[nodiscard]] int blame()
      const;  // of a step that cannot go on: 3 before the first fault, 6 after
  [[nodiscard]] std::string called(const DeedState& deed) const;

  // invariants.cc: before anything is touched, and when the drill verifies
  void read_invariants();
  void invariants_begun(const Done& done);
  void look_at_invariants();
  void invariants_verified(const Done& done);

  // steps.cc: the timeline
  void begin_step();
  void begin_fault(const PlannedStep& planned);
  void begin_restore(const PlannedStep& planned);
  void prepare_restore(const PlannedStep& planned);
  void begin_backup(const PlannedStep& planned);
  void begin_revert(const PlannedStep& planned);
  void begin_action(const PlannedStep& planned);
  void begin_parallel();
  void join_lanes();
  void end_step(bool ok);
  void fail_step(int code, std::string text);
  void give_up();
  [[nodiscard]] std::size_t targets_under_fault(const PlannedStep& and_this) const;
  void step_timer_fired();
  void begin_steady(const Step& terms);
  void judge_steady(bool at_deadline);
  void steady_over(bool held, const std::string& missing = "");
  [[nodiscard]] std::string not_steady() const;  // the probes that do not hold yet

  // probes.cc
  void take(const Sampled& sample, ProbeState& probe);
  void watch_probes();
  [[nodiscard]] bool to_be_asked(const ProbeState& probe) const;

  // people.cc: what a step asks of a person
  void begin_asking(const Step& step);
  void nobody_answered();
  void refused(const Answered& answered, const std::string& step);

  // deeds.cc: from the prior state to the proof
  std::size_t add_deed(const PlannedStep& planned);
  void prepare(std::size_t index);
  [[nodiscard]] BackupTaken backup_of_step() const;
  void deed_task_done(const Task& task, const Done& done);
  void prepared(const Task& task, const Done& done);
  void injected(const Task& task, const Done& done);
  void fault_injected(DeedState& deed, const Task& task, const Done& done);
  void restore_injected(DeedState& deed, const Task& task, const Done& done);
  void performed(DeedState& deed, const Task& task, const Done& done);
  void action_proved(DeedState& deed, const Done& done);
  void proved(const Task& task, const Done& done);
  void held_to_the_end(DeedState& deed, const Task& task, const Done& done);
  void backed_up(const Done& done);
  void scratch_restored(const Task& task, const Done& done);
  [[nodiscard]] Duration running_for(const std::string& load) const;
  void replay_or_finish();
  [[nodiscard]] const DeedState* held_over(const BackupNote& backup, const Step& restore) const;
  void restore_holds(std::size_t from = 0);
  void proved_after_restore(const Task& task, const Done& done);
  void supersede(const std::string& target, const std::string& by);
  Task deed_task(std::size_t index, Op op, Duration patience) const;
  [[nodiscard]] Task undo_task(std::size_t index) const;

  // undoing.cc
  void start_reverting();
  void end_open_steps();
  void undo_all(std::deque<std::size_t> newest_first);
  void next_undo();
  void undone(const Task& task, const Done& done);
  void looked(const Task& task, const Done& done);
  void undo_failed(std::size_t index, std::string why);
  void undoing_over();
  void late_look();

  // ending.cc: what no playbook writes
  void settle();
  void begin_verify(std::vector<std::string> loads);
  void verify_task_done(const Task& task, const Done& done);
  void read_next();
  void summarise_next();
  void verify_over();
  void verify_at_end();
  void clean();
  void close();
  void close_next();
  void finish();
  enum class Data { complete, unknown, missing };  // of what was acknowledged, as far as was read
  [[nodiscard]] Data data() const;
  void forget_backups(Data found);
  void backups_forgotten(const Done& done);
  void stop_system();
  [[nodiscard]] Task read_back_task(const std::string& load) const;

  Drill& d;
  const Now now_;
  std::vector<DrillCommand>& out_;
  std::size_t lane_ = 0;  // whose turn it is
};

// Of an injection: ended by a stop or at its deadline, it may still be under way somewhere.
[[nodiscard]] bool end_unknown(const Status& injection);
// Until the settle time is over, "it is gone" does not close such a deed.
[[nodiscard]] bool may_still_arrive(const DeedState& deed, Instant now);

// document.cc: parts of the result document, from the state
[[nodiscard]] Utc utc_of(const Drill& drill, Instant at);
[[nodiscard]] Json steps_json(const Drill& drill);
[[nodiscard]] Json faults_json(const Drill& drill);
[[nodiscard]] Json loads_json(const Drill& drill);
[[nodiscard]] Json outages_json(const Drill& drill);
[[nodiscard]] Json ledgers_json(const Drill& drill);
[[nodiscard]] Json backups_json(const Drill& drill);
[[nodiscard]] Json restores_json(const Drill& drill);
[[nodiscard]] Json humans_json(const Drill& drill);
[[nodiscard]] Json stop_json(const Drill& drill);
[[nodiscard]] Json residue_json(const Drill& drill);
[[nodiscard]] std::vector<Outage> all_outages(const Drill& drill);
// invariants.cc: each reading by itself, in the order in which they were made; and what does not
// hold when the drill verifies.
[[nodiscard]] Json invariants_json(const Drill& drill);
// How long it may take to read all of them, one after another.
[[nodiscard]] Duration invariants_take(const System& system);
void add_invariant_reasons(const Drill& drill, std::vector<Reason>& reasons);

}  // namespace gameday
