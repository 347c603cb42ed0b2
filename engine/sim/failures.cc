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
};

Extent extent_of(const Playbook& playbook) {
  Extent extent;
  extent.deeds = playbook.loads.size();
  for (const auto& step : playbook.timeline) {
    const bool deed =
        step.kind == StepKind::fault || step.kind == StepKind::action || step.into_place;
    extent.lasts += step.steady_for + step.hold.value_or(milliseconds(200));
    extent.durable += deed ? 8 : 3;
    extent.deeds += deed;
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
  Draw(Random& random, const Playbook& playbook) : random_(random), extent_(extent_of(playbook)) {}

  Failures draw() {
    static constexpr std::array kDrawn{&Draw::disk_full,
                                       &Draw::disk_full,
                                       &Draw::runner_dies,
                                       &Draw::runner_dies,
                                       &Draw::runner_dies_in_a_deed,
                                       &Draw::runner_dies_in_a_deed,
                                       &Draw::both_die,
                                       &Draw::both_die,
                                       &Draw::guardian_dies_later,
                                       &Draw::guardian_dies_alone,
                                       &Draw::runner_freezes,
                                       &Draw::runner_freezes,
                                       &Draw::person_stops,
                                       &Draw::person_stops,
                                       &Draw::not_prepared,
                                       &Draw::half_done,
                                       &Draw::refused,
                                       &Draw::late,
                                       &Draw::late,
                                       &Draw::hangs,
                                       &Draw::does_not_bite,
                                       &Draw::ends_early,
                                       &Draw::vanishes,
                                       &Draw::undo_fails_twice,
                                       &Draw::undo_never_works,
                                       &Draw::undo_lies,
                                       &Draw::undo_lies_to_a_replayer,
                                       &Draw::probe_hangs,
                                       &Draw::load_lags,
                                       &Draw::load_lags,
                                       &Draw::clock_jumps,
                                       &Draw::stays_down,
                                       &Draw::system_down,
                                       &Draw::no_steady_state,
                                       &Draw::no_start,
                                       &Draw::loses_writes,
                                       &Draw::loses_writes,
                                       &Draw::rare_of_the_data,
                                       &Draw::both_lanes_fail,
                                       &Draw::people_fail};
    const std::uint64_t count = random_.below(4);
    for (std::uint64_t i = 0; i < count; ++i) (this->*kDrawn[random_.below(kDrawn.size())])();
    return std::move(drawn_);
  }

 private:
  void tell(const std::string& what) {
    if (!drawn_.told.empty()) drawn_.told += ", ";
    drawn_.told += what;
  }
  std::uint64_t an_event() { return 1 + random_.below(extent_.durable); }
  std::size_t a_deed() { return extent_.deeds == 0 ? 0 : random_.below(extent_.deeds); }
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
  void runner_dies() {
    drawn_.runner = {an_event(), random_.chance(0.5)};
    tell("runner dies at event " + std::to_string(drawn_.runner.at));
  }
  void runner_dies_in_a_deed() {
    drawn_.runner_dies_in = a_deed();
    tell("runner dies in deed " + std::to_string(*drawn_.runner_dies_in));
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
    drawn_.freeze = {an_event(), milliseconds(200) + within(seconds(8)), random_.chance(0.5)};
    tell("runner stopped at event " + std::to_string(drawn_.freeze.at));
  }
  void person_stops() {
    drawn_.stops.push_back(an_event());
    if (random_.chance(0.4)) drawn_.stops.push_back(drawn_.stops.back() + 1 + random_.below(10));
    tell("stop asked at event " + std::to_string(drawn_.stops.front()));
  }
  void deed_fails(DeedFailure how, const std::string& what) {
    drawn_.failing_deed = a_deed();
    drawn_.deed = how;
    tell("deed " + std::to_string(drawn_.failing_deed) + " " + what);
  }
  void not_prepared() { deed_fails(DeedFailure::not_prepared, "is not prepared"); }
  void half_done() { deed_fails(DeedFailure::half_done, "is half done"); }
  void refused() { deed_fails(DeedFailure::refused, "is refused"); }
  void late() { deed_fails(DeedFailure::late, "answers late"); }
  void hangs() { deed_fails(DeedFailure::hangs, "hangs"); }
  void does_not_bite() { deed_fails(DeedFailure::does_not_bite, "does not bite"); }
  void ends_early() { deed_fails(DeedFailure::ends_early, "ends early"); }
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
  void undo_lies() {
    drawn_.failing_undo = a_deed();
    drawn_.undo_lies = random_.chance(0.2) ? Failures::kAlways : 1;
    tell("undo of deed " + std::to_string(drawn_.failing_undo) + " lies");
  }
  void undo_lies_to_a_replayer() {
    random_.chance(0.5) ? runner_dies_in_a_deed() : runner_dies();
    undo_lies();
  }
  void probe_hangs() {
    drawn_.probe_hangs = a_span(seconds(8));
    tell("probes hang");
  }
  void load_lags() {
    drawn_.load_lags = a_span(seconds(10));
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
    // The operator twice: only in some timelines is it them who may not.
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

}  // namespace

Failures draw_failures(Random& random, const Playbook& playbook) {
  return Draw(random, playbook).draw();
}

}  // namespace gameday
