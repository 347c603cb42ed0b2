#include "engine/sim/failures.h"

#include <array>

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Roughly how long the drill takes and how many durable events it has, so that what is drawn falls
// into it.
struct Extent {
  Duration lasts = seconds(4);
  std::uint64_t durable = 30;
  std::uint64_t events = 30;  // samples and windows too
  std::size_t deeds = 0;
  bool people = false;                    // somebody is asked something
  std::vector<std::size_t> faults;        // those of the deeds that are one
  std::vector<std::size_t> leased;        // and that may end by themselves
  std::optional<std::size_t> into_place;  // a restore
};

bool may_end(const Step& step, const Rows& rows) {
  const FaultRow* row = step.kind == StepKind::fault ? rows.fault(step.fault) : nullptr;
  return row != nullptr && (row->renew != nullptr || row->ends_with_instance);
}

bool is_scratch_deed(const Step& step, const Playbook& playbook, const Rows& rows) {
  const Target* target = playbook.system.target(step.target);
  if (step.kind != StepKind::restore || step.into_place || target == nullptr) return false;
  const RestoreRow* row = rows.restore_of(*target);
  return row != nullptr && row->prepare_scratch != nullptr;
}

Extent extent_of(const Playbook& playbook, const Rows& rows) {
  Extent extent;
  extent.deeds = playbook.loads.size();
  for (const auto& step : playbook.timeline) {
    const bool deed = step.kind == StepKind::fault || step.kind == StepKind::action ||
                      step.into_place || is_scratch_deed(step, playbook, rows);
    extent.lasts += step.steady_for + step.hold.value_or(milliseconds(200));
    extent.durable += deed ? 8 : 3;
    if (step.kind == StepKind::fault) extent.faults.push_back(extent.deeds);
    if (may_end(step, rows)) extent.leased.push_back(extent.deeds);
    if (step.into_place) extent.into_place = extent.deeds;
    extent.deeds += deed;
    extent.people |= step.kind == StepKind::human || step.kind == StepKind::approve;
  }
  extent.events = extent.durable;
  for (const auto& probe : playbook.probes) {
    extent.events += static_cast<std::uint64_t>(extent.lasts / probe.every);
  }
  extent.events += static_cast<std::uint64_t>(extent.lasts / seconds(1)) * playbook.loads.size();
  return extent;
}

class Draw {
 public:
  Draw(Random& random, const Playbook& playbook, const Rows& rows)
      : random_(random), extent_(extent_of(playbook, rows)) {}

  Failures draw() {
    // Most seeds have one or two: more of them hide each other.
    static constexpr std::array kCounts{0, 1, 1, 1, 2, 2, 2, 3};
    const int count = kCounts[random_.below(kCounts.size())];
    for (int i = 0; i < count; ++i) {
      std::uint64_t at = random_.below(kWeights);
      for (const auto& [weight, one] : kDrawn) {
        if (at < weight) {
          (this->*one)();
          break;
        }
        at -= weight;
      }
    }
    return std::move(drawn_);
  }

 private:
  struct Drawn {
    std::uint64_t weight;
    void (Draw::*one)();
  };
  static const std::array<Drawn, 36> kDrawn;
  static const std::uint64_t kWeights;

  void tell(const std::string& what) {
    if (!drawn_.told.empty()) drawn_.told += ", ";
    drawn_.told += what;
  }
  std::uint64_t an_event() { return 1 + random_.below(extent_.durable); }
  std::size_t a_deed() { return extent_.deeds == 0 ? 0 : random_.below(extent_.deeds); }
  std::size_t a_fault_mostly() {
    if (extent_.faults.empty() || random_.chance(0.2)) return a_deed();
    return extent_.faults[random_.below(extent_.faults.size())];
  }
  Duration within(Duration most) {
    return Duration(
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most.count()))));
  }
  Failures::Span a_span(Duration most) {
    return {within(extent_.lasts), milliseconds(200) + within(most)};
  }

  void disk_full() {
    drawn_.disk_full_from = 1 + random_.below(extent_.events);
    if (random_.chance(0.2)) drawn_.reserve_events = random_.below(20);
    tell("disk full from event " + std::to_string(drawn_.disk_full_from));
  }
  // Not even the reserve takes it all: what is undone, and waited for, is told to nobody.
  void disk_full_while_undoing() {
    disk_full();
    drawn_.reserve_events = random_.below(12);
    static constexpr std::array<void (Draw::*)(), 3> kHow{&Draw::undo_fails_twice, &Draw::undo_lies,
                                                          &Draw::late};
    (this->*kHow[random_.below(kHow.size())])();
  }
  void runner_dies() { runner_dies(an_event()); }
  void runner_dies(std::uint64_t at) {
    drawn_.runner = {at, random_.chance(0.5)};
    tell("runner dies at event " + std::to_string(drawn_.runner.at));
  }
  // When a restore has closed what was owed.
  void runner_dies_late() { runner_dies((extent_.durable + an_event()) / 2); }
  void runner_dies_in_a_deed() {
    drawn_.runner_dies_in = a_fault_mostly();
    tell("runner dies in deed " + std::to_string(*drawn_.runner_dies_in));
    // What it asked for arrives when a replayer has looked already.
    if (random_.chance(0.4)) deed_fails(*drawn_.runner_dies_in, DeedFailure::late, "answers late");
  }
  void both_die() {
    random_.chance(0.3) ? runner_dies_in_a_deed() : runner_dies();
    drawn_.guardian_dies_too = true;
    if (random_.chance(0.5)) drawn_.revert = {1 + random_.below(8), random_.chance(0.5)};
    tell("guardian with it");
  }
  void guardian_dies_later() {
    runner_dies();
    drawn_.guardian = {1 + random_.below(8), random_.chance(0.5)};
    tell("guardian while it undoes");
  }
  void guardian_dies_alone() {
    drawn_.guardian_dies_at = an_event();
    tell("guardian dies alone");
  }
  void runner_freezes() {
    drawn_.freeze = {an_event(), milliseconds(200) + within(seconds(8)), random_.chance(0.7)};
    tell("runner stopped at event " + std::to_string(drawn_.freeze.at));
  }
  void person_stops() {
    drawn_.stops.push_back(an_event());
    if (random_.chance(0.4)) drawn_.stops.push_back(drawn_.stops.back() + 1 + random_.below(10));
    tell("stop asked at event " + std::to_string(drawn_.stops.front()));
  }
  void stops_in_an_undo() {
    drawn_.stop_in_undo = a_deed();
    tell("stop asked while deed " + std::to_string(*drawn_.stop_in_undo) + " is undone");
  }
  // Most of all in a restore into place, which no stop may cancel.
  void stops_in_a_deed() {
    const bool restore = extent_.into_place && random_.chance(0.7);
    drawn_.stop_in_deed = restore ? *extent_.into_place : a_deed();
    tell("stop asked while deed " + std::to_string(*drawn_.stop_in_deed) + " is done");
  }
  void deed_fails(DeedFailure how, const std::string& what) { deed_fails(a_deed(), how, what); }
  void deed_fails(std::size_t deed, DeedFailure how, const std::string& what) {
    drawn_.failing_deed = deed;
    drawn_.deed = how;
    tell("deed " + std::to_string(drawn_.failing_deed) + " " + what);
  }
  void not_prepared() { deed_fails(DeedFailure::not_prepared, "is not prepared"); }
  void half_done() { deed_fails(DeedFailure::half_done, "is half done"); }
  void refused() { deed_fails(DeedFailure::refused, "is refused"); }
  void late() { deed_fails(DeedFailure::late, "answers late"); }
  void hangs() { deed_fails(DeedFailure::hangs, "hangs"); }
  void does_not_bite() {
    deed_fails(a_fault_mostly(), DeedFailure::does_not_bite, "does not bite");
  }
  void ends_early() {
    if (extent_.leased.empty()) return;
    const std::size_t deed = extent_.leased[random_.below(extent_.leased.size())];
    deed_fails(deed, DeedFailure::ends_early, "ends early");
  }
  void vanishes() { deed_fails(DeedFailure::target_vanishes, "loses its target"); }
  void undo_fails_twice() {
    drawn_.failing_undo = a_deed();
    drawn_.undo_fails = 2;
    tell("undo of deed " + std::to_string(drawn_.failing_undo) + " fails twice");
  }
  void undo_never_works() {
    drawn_.failing_undo = a_deed();
    drawn_.undo_fails = Failures::kAlways;
    tell("undo of deed " + std::to_string(drawn_.failing_undo) + " never works");
  }
  void undo_lies() { undo_lies(a_deed()); }
  void undo_lies(std::size_t deed) {
    drawn_.failing_undo = deed;
    drawn_.undo_lies = random_.chance(0.2) ? Failures::kAlways : 1;
    tell("undo of deed " + std::to_string(drawn_.failing_undo) + " lies");
  }
  // What the runner died in is what is surely owed.
  void undo_lies_to_a_replayer() {
    runner_dies_in_a_deed();
    undo_lies(random_.chance(0.5) ? *drawn_.runner_dies_in : a_deed());
  }
  void probe_hangs() {
    drawn_.probe_hangs = a_span(seconds(8));
    tell("probes hang");
  }
  void load_lags() {
    drawn_.load_lags = a_span(seconds(10));
    drawn_.load_lags->lasts += milliseconds(500);
    tell("load lags");
  }
  void system_down() {
    drawn_.system_down = a_span(seconds(8));
    tell("system down for a while");
  }
  void no_steady_state() {
    drawn_.system_down = Failures::Span{Duration{}, std::chrono::hours(1)};
    tell("no steady state");
  }
  void never_recovers() {
    drawn_.system_down = Failures::Span{within(extent_.lasts), std::chrono::hours(1)};
    tell("system down for good");
  }
  void clock_jumps() {
    const Duration by = within(std::chrono::hours(2)) - std::chrono::hours(1);
    drawn_.jump = Failures::Jump{within(extent_.lasts), by};
    tell("clock jumps");
  }
  void no_start() {
    drawn_.system_does_not_start = true;
    tell("system does not start");
  }
  void stays_down() {
    drawn_.stays_down = true;
    tell("system stays down under a fault");
  }
  void backup_fails() {
    constexpr std::array kHow{BackupFailure::fails, BackupFailure::corrupt, BackupFailure::vacuous};
    drawn_.backup = kHow[random_.below(kHow.size())];
    tell("backup fails, way " + std::to_string(static_cast<int>(drawn_.backup)));
  }
  void queue_sticks() {
    drawn_.queue_sticks = true;
    tell("queue sticks");
  }
  void queue_forgets() {
    drawn_.queue_keeps = within(seconds(2));
    tell("queue forgets early");
  }
  void loses_writes() {
    drawn_.loses_writes = 1 + static_cast<int>(random_.below(3));
    tell("writes are lost");
  }
  void corrupts_writes() {
    drawn_.corrupts_writes = 1;
    tell("a write is corrupted");
  }

  void both_lanes_fail() {
    constexpr std::array kHow{&Draw::hangs, &Draw::late, &Draw::half_done, &Draw::does_not_bite};
    (this->*kHow[random_.below(kHow.size())])();
    drawn_.next_deed_too = true;
    tell("the next deed too");
  }
  void people_fail() {
    if (!extent_.people) return person_stops();
    // The operator twice: only some steps are not theirs to decide.
    constexpr std::array kHow{PeopleFailure::operator_alone, PeopleFailure::silent,
                              PeopleFailure::operator_alone, PeopleFailure::refuse,
                              PeopleFailure::twice};
    drawn_.people = kHow[random_.below(kHow.size())];
    tell("people fail, way " + std::to_string(static_cast<int>(drawn_.people)));
  }

  void rare_of_the_data() {
    static constexpr std::array kRare{&Draw::backup_fails, &Draw::queue_sticks,
                                      &Draw::queue_forgets, &Draw::corrupts_writes};
    (this->*kRare[random_.below(kRare.size())])();
  }

  Random& random_;
  const Extent extent_;
  Failures drawn_;
};

// What seldom shows, because it needs the right deed or the right moment, is drawn more often.
constexpr std::array<Draw::Drawn, 36> Draw::kDrawn{{
    {1, &Draw::disk_full},
    {3, &Draw::disk_full_while_undoing},
    {1, &Draw::runner_dies},
    {3, &Draw::runner_dies_late},
    {5, &Draw::runner_dies_in_a_deed},
    {2, &Draw::both_die},
    {1, &Draw::guardian_dies_later},
    {1, &Draw::guardian_dies_alone},
    {4, &Draw::runner_freezes},
    {2, &Draw::person_stops},
    {5, &Draw::stops_in_an_undo},
    {4, &Draw::stops_in_a_deed},
    {1, &Draw::not_prepared},
    {1, &Draw::half_done},
    {1, &Draw::refused},
    {2, &Draw::late},
    {1, &Draw::hangs},
    {4, &Draw::does_not_bite},
    {4, &Draw::ends_early},
    {2, &Draw::vanishes},
    {1, &Draw::undo_fails_twice},
    {2, &Draw::undo_never_works},
    {1, &Draw::undo_lies},
    {4, &Draw::undo_lies_to_a_replayer},
    {1, &Draw::probe_hangs},
    {5, &Draw::load_lags},
    {1, &Draw::clock_jumps},
    {1, &Draw::stays_down},
    {1, &Draw::system_down},
    {1, &Draw::no_steady_state},
    {3, &Draw::never_recovers},
    {1, &Draw::no_start},
    {4, &Draw::loses_writes},
    {2, &Draw::rare_of_the_data},
    {1, &Draw::both_lanes_fail},
    {8, &Draw::people_fail},
}};
constexpr std::uint64_t Draw::kWeights = [] {
  std::uint64_t sum = 0;
  for (const auto& drawn : kDrawn) sum += drawn.weight;
  return sum;
}();

}  // namespace

Failures draw_failures(Random& random, const Playbook& playbook, const Rows& rows) {
  return Draw(random, playbook, rows).draw();
}

}  // namespace gameday
