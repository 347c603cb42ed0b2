// The state of one drill, and the machine that moves it. `step` is a pure function of state and
// event: no clock, no file, no thread. The runtime journals an event, hands it in, and does what
// comes out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/conductor/events.h"
#include "engine/conductor/phases.h"
#include "engine/conductor/plan.h"

namespace gameday {

// How far a deed is. From `recorded` on its undo is on disk and owed.
enum class Stage { none, preparing, recorded, injected, proven, undone, superseded, residue };
[[nodiscard]] std::string_view name_of(Stage stage);

struct DeedState {
  Deed deed;
  std::string step_id;
  std::string mark;
  std::vector<std::string> targets;
  std::vector<std::string> instances;
  bool holds_data = false;
  bool is_fault = false;
  bool is_action = false;   // nothing is ever owed for it
  bool is_scratch = false;  // a restore into a copy, which goes at the end of its step
  bool may_end_early = false;
  bool comes_back = false;    // with a restore to a point after it
  bool came_back = false;     // as far as is known: its undo stays owed
  bool proven_again = false;  // asked once more whether it still bites, before its undo
  Stage stage = Stage::none;
  Undo undo;
  Instant inject_deadline;
  bool uncertain = false;  // its end never became known, or came too late
  bool unproven = false;
  bool undoing = false;  // its undo has been asked for
  int undo_tries = 0;
  std::string trouble;            // the last error of undoing
  std::uint64_t recorded = 0;     // in which order its undo came to be owed, from 1
  std::uint64_t proof_event = 0;  // the journal's number of its proof
  // `begun`: the injection was asked for; what it breaks may break before it has returned.
  std::optional<Now> begun, injected, proven, reverted;
  [[nodiscard]] bool open() const {
    const bool stands =
        stage == Stage::recorded || stage == Stage::injected || stage == Stage::proven;
    return stands && !is_action;
  }
};

struct StepState {
  std::string id;
  StepKind kind = StepKind::wait;
  std::optional<Now> started, ended;
  bool ok = false;
};

struct ProbeState {
  Duration every{}, timeout{};
  std::int64_t failures = 1, successes = 1;  // in a row, before they count
  std::int64_t in_a_row = 0;                 // the newest samples that are as the last one
  bool last_ok = false;
  Instant row_start;                 // of the first of these
  std::optional<Instant> since_ok;   // start of the first of the good samples that count
  std::optional<Instant> since_bad;  // start of the first of consecutive failures that count
  std::optional<Instant> last_end;
  During during = During::always;
  std::optional<Instant> asked_since;  // none: it is not asked now
  bool ever_asked = false;
  std::uint64_t attempts = 0;
  std::vector<Sample> samples;  // kept for an RTO that is judged by this probe
};

// A steady state that is being waited for.
struct SteadyWait {
  Instant start;
  Duration steady_for{}, within{};
  std::vector<std::string> probes;
};

// One way through the timeline, a step after another. The first lane is the timeline itself, and
// the drill's end. A step inside a `parallel` has a lane of its own while that goes on.
struct Lane {
  std::size_t step = 0;  // the current one
  bool over = false;     // of a step inside a `parallel`: it has ended
  std::optional<SteadyWait> steady;
  std::optional<Instant> deadline;  // of a restore or verify
  std::size_t deed = kNoDeed;       // of its step, or the one that is being undone
  std::size_t restore = 0;          // its step's, in Drill::restores
  std::deque<std::size_t> to_undo;  // newest first; what is being undone stands in front
  TimerId step_timer = 0, retry_timer = 0, late_timer = 0;
  std::optional<std::size_t> asked;  // a person is waited for: in Drill::humans
};

struct StopState {
  StopAsked asked;
  Now at;
  std::optional<Instant> undone;  // when the last open fault was proven gone
};

struct ResidueNote {
  std::string what;     // "fault west-killed (kill on west)"
  std::string by_hand;  // what to do
};

struct BackupNote {
  std::string step_id;
  BackupTaken taken;
  Instant at;
  std::optional<double> age_at_disaster_s;
};
struct RestoreNote {
  std::string step_id, target;
  std::size_t backup = 0;  // in Drill::backups: two of them may have one id
  bool into_place = false;
  bool done = false;
  Restored restored;
  double took_s = 0;
  std::optional<Instant> started, cutover;
};

// Invariants of live targets as they were read together: when the drill began, or when it verified.
struct InvariantsNote {
  std::string step_id;  // of the verify step; empty: the drill's beginning, or its end
  std::vector<InvariantSeen> seen;
};

// What was asked of people, and what became of it.
struct HumanNote {
  enum class Outcome { none, acknowledged, approved, refused, timed_out } outcome = Outcome::none;
  std::string step_id;
  StepKind kind = StepKind::human;
  std::string what, person;  // as the step says
  Now asked;
  std::optional<Now> answered;
  std::optional<Person> who;
  std::string reason;  // of a refusal
};

struct Reason {
  int code = 0;
  std::string text;
};

// Everything that is known of the drill; the verdict is a function of it.
struct Drill {
  explicit Drill(Plan from);

  Plan plan;
  Phase phase = Phase::starting;
  Now began{}, now{};
  std::vector<StepState> steps;
  std::vector<DeedState> deeds;  // loads first, then in the order in which they were prepared
  std::map<std::string, ProbeState> probes;
  std::map<TaskId, Task> tasks;  // in flight
  TaskId last_task = 0;
  TimerId last_timer = 0;

  std::vector<Lane> lanes{1};
  TimerId limit_timer = 0, watch_timer = 0;
  std::uint64_t recorded_deeds = 0;
  std::size_t to_close = 0;               // the next deed whose private files go
  std::deque<std::string> loads_to_read;  // verify
  std::set<std::string> loads_summed;     // asked for their summary, once
  std::vector<std::string> loads_running;
  std::size_t loads_started = 0;

  bool started_system = false;
  bool backs_up = false;  // a backup's step has begun, and what it took has not gone yet
  bool any_injected = false;
  bool undrained = false;        // queues were not empty when a ledger was read
  bool hurried = false;          // a second stop by a person
  bool timeline_failed = false;  // no further step is begun
  bool verified_since_fault = false;
  bool steady_again = false;  // at the end; meaningful once settling is over
  bool settle_missed = false;
  std::optional<Now> first_step, last_undone;
  std::optional<StopState> stop;
  std::vector<Reason> reasons;  // found on the way; the verdict adds those it measures
  std::vector<ResidueNote> residue;
  std::vector<BackupNote> backups;
  std::vector<RestoreNote> restores;
  std::vector<HumanNote> humans;
  std::optional<InvariantsNote> begun, verified;  // of several that verified, the last counts
  std::vector<LoadSummary> loads;
  std::vector<LedgerSummary> ledgers;
  std::optional<Now> verified_at;

  [[nodiscard]] std::vector<FaultSpan> spans() const;
  [[nodiscard]] bool fault_open() const;
  [[nodiscard]] bool fault_lives() const;  // one that was proven, and is not being undone
};

// Moves the drill by one event. `now` is the event's own time.
[[nodiscard]] std::vector<DrillCommand> step(Drill& drill, Now now, const Happening& happening);

// The lane whose step this answers; else why it answers none: nothing waits for it (`not_found`),
// several do (`conflict`), or whoever answers may not (`refused`).
[[nodiscard]] Result<std::size_t> lane_answered(const Drill& drill, const Answered& answered);

// The verdict of a drill as far as it is known: exit code, its name and all reasons, and the parts
// of the result document that the drill measured. Pure.
struct Judgement {
  int exit_code = 0;
  std::string verdict;
  std::vector<Reason> reasons;
  Json document;
};
[[nodiscard]] Judgement judge(const Drill& drill);

// How an event stands in the journal: its type, its data, and whether it must be on disk before the
// conductor may see it. Called before `step`, on the state that the event finds.
struct Described {
  std::string type;
  Json data;
  bool durable = true;
};
[[nodiscard]] Described describe(const Drill& drill, const Happening& happening);

}  // namespace gameday
