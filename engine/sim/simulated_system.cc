#include "engine/sim/simulated_system.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/conductor/plan.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kRestores = "restores";  // beside the effects, in an undo's arguments
constexpr std::string_view kScratch = "scratch";    // the same, into a copy
constexpr std::string_view kLoad = "load";

std::optional<Effect> effect_from(std::string_view name) {
  for (const Effect effect :
       {Effect::stops, Effect::slows, Effect::cuts, Effect::loses, Effect::fills}) {
    if (name == name_of(effect)) return effect;
  }
  return {};
}

}  // namespace

std::size_t index_of(std::string_view mark) {
  std::size_t number = 0;
  const auto digits = mark.substr(mark.rfind('-') + 1);
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number == 0 ? 0 : number - 1;
}

SimulatedSystem::SimulatedSystem(const Playbook& playbook, const Rows& rows,
                                 const Failures& failures, Now start, Random random)
    : playbook_(playbook),
      rows_(rows),
      failures_(failures),
      random_(random),
      start_(start.boot),
      time_(start) {
  if (failures_.queue_sticks) store_.stick();
  if (failures_.jump) {
    later(start_ + failures_.jump->after, false, [this] { time_.jump(failures_.jump->by); });
  }
  has_queue_ = std::ranges::any_of(playbook.system.targets, [&](const Target& target) {
    return rows_.queue_of(target) != nullptr;
  });
}

void SimulatedSystem::advance(Instant to) {
  const auto go = [this](Instant at) {
    for (auto& [name, load] : loads_) load->run_to(at, *this);
    time_.go_to(at);
    store_.advance(time_.now());
  };
  while (!agenda_.empty() && agenda_.next() <= to) {
    go(agenda_.next());
    agenda_.take()();
  }
  go(to);
}

void SimulatedSystem::later(Instant at, bool local, std::function<void()> entry) {
  agenda_.add(at, [this, local, life = lives_, entry = std::move(entry)] {
    if (!local || life == lives_) entry();
  });
}

void SimulatedSystem::arrive(Instant at, std::function<void()> entry) {
  const std::uint64_t number = ++last_arrival_;
  arrivals_[number] = {at, std::move(entry)};
  const auto lands = [this, number] {
    const auto found = arrivals_.find(number);
    if (found == arrivals_.end() || found->second.at > now().boot) return;
    const auto arrived = std::move(found->second.entry);
    arrivals_.erase(found);
    arrived();
  };
  later(at, false, lands);
}

void SimulatedSystem::kill_local() {
  const bool first = ++lives_ == 1;
  end_loads();
  // What was sent before arrives soon or never: nobody is left who would send it later.
  const auto under_way = std::exchange(arrivals_, {});
  for (const auto& [number, arrival] : under_way) {
    const Instant soon = now().boot + takes(milliseconds(1), Deadlines::settle - milliseconds(50));
    arrive(first ? soon : std::min(arrival.at, soon), arrival.entry);
  }
}

Duration SimulatedSystem::takes(Duration least, Duration most) {
  return least + Duration(static_cast<std::int64_t>(
                     random_.below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

bool SimulatedSystem::during(const std::optional<Failures::Span>& span, Instant at) const {
  return span && at >= start_ + span->after && at < start_ + span->after + span->lasts;
}

bool SimulatedSystem::is_queue(const std::string& target) const {
  const Target* found = playbook_.system.target(target);
  return found != nullptr && rows_.queue_of(*found) != nullptr;
}

Undo SimulatedSystem::undo_of(const Deed& deed, Effect effect,
                              const std::vector<std::string>& targets) const {
  if (deed.kind == kLoad) {
    return {std::string(kLoad), Json::object({{"effect", kLoad}, {"load", deed.target}})};
  }
  Json names = Json::array();
  for (const auto& target : targets) names.push(target);
  return {deed.kind, Json::object({{"effect", name_of(effect)}, {"targets", std::move(names)}})};
}

Undo SimulatedSystem::undo_of_restore(const std::string& target, bool aside) const {
  const Target* found = playbook_.system.target(target);
  const RestoreRow* row = found != nullptr ? rows_.restore_of(*found) : nullptr;
  return {row != nullptr ? std::string(row->name) : "restore",
          Json::object({{"effect", aside ? kScratch : kRestores}, {"target", target}})};
}

void SimulatedSystem::changed(Actor by, const std::string& mark, std::string what) {
  changes_.push_back({now().boot, by, mark, std::move(what)});
}

void SimulatedSystem::inject(const std::string& mark, const Undo& undo, Actor by) {
  const auto effect = effect_from(undo.arguments.text("effect"));
  if (!effect) return;
  const auto& targets = undo.arguments.items("targets");
  if (*effect == Effect::loses) {
    const bool queue =
        !targets.empty() && targets.front().is_text() && is_queue(targets.front().text());
    queue ? store_.drop_queue(mark) : store_.lose(mark);
  } else {
    const Duration breaks = failures_.stays_down ? Duration(std::chrono::hours(1))
                                                 : takes(Duration{}, milliseconds(500));
    standing_[mark] = {*effect, now().boot, breaks};
  }
  changed(by, mark, "injected");
}

void SimulatedSystem::restore(const std::string& mark, const std::string& backup) {
  const auto how = failures_.backup == BackupFailure::corrupt   ? SimulatedStore::Restoring::corrupt
                   : failures_.backup == BackupFailure::vacuous ? SimulatedStore::Restoring::vacuous
                                                                : SimulatedStore::Restoring::whole;
  store_.restore(mark, backup, how);
  changed(Actor::runner, mark, "restored");
}

void SimulatedSystem::fill_scratch(const std::string& mark) {
  scratch_.insert(mark);
  changed(Actor::runner, mark, "injected");
}

void SimulatedSystem::perform(const std::string& mark) {
  performed_.insert(mark);
  changed(Actor::runner, mark, "performed");
}

void SimulatedSystem::end_by_itself(const std::string& mark) {
  if (standing_.erase(mark) > 0) changed(Actor::late, mark, "ended by itself");
}

// With a cut, a brake or a filler the thing itself is gone; what was stopped or lost is gone for
// good.
void SimulatedSystem::vanish(const std::string& mark) {
  if (!bites(mark)) return;
  changed(Actor::late, mark, "vanished");
  const auto found = standing_.find(mark);
  if (found == standing_.end() || found->second.effect == Effect::stops) {
    vanished_.insert(mark);
  } else {
    standing_.erase(found);
  }
}

Status SimulatedSystem::undo(const std::string& mark, const Undo& undo, Actor by) {
  const int tries = ++undo_tries_[mark];
  const bool fails = index_of(mark) == failures_.failing_undo;
  if (fails && tries <= failures_.undo_fails) {
    return fail(ErrorCode::failed, "the simulated undo does not work");
  }
  if (fails && tries <= failures_.undo_lies) return {};
  return undo_truly(mark, undo, by);
}

Status SimulatedSystem::undo_truly(const std::string& mark, const Undo& undo, Actor by) {
  const std::string effect = undo.arguments.text("effect");
  if (effect == kLoad) {
    const std::string name = undo.arguments.text("load");
    end_load(name);
    clean_up(name);
    changed(by, mark, "cleaned up");
    return {};
  }
  if (vanished_.contains(mark)) {
    return fail(ErrorCode::not_found, "the target is not there any more");
  }
  const bool data = effect == kRestores || effect_from(effect) == Effect::loses;
  if (data) {
    TRY_OK(store_.put_queue_back(mark));
    TRY_OK(store_.put_back(mark));
  }
  standing_.erase(mark);
  scratch_.erase(mark);
  changed(by, mark, "undone");
  return {};
}

void SimulatedSystem::clean_up(const std::string& load) {
  if (!missing_) missing_ = store_.missing();
  store_.clean_up(load);
}

bool SimulatedSystem::gone(const std::string& mark, const Undo& undo) const {
  if (undo.arguments.text("effect") == kLoad) {
    return !store_.has_rows_of(undo.arguments.text("load"));
  }
  return !bites(mark);
}

bool SimulatedSystem::bites(const std::string& mark) const {
  return standing_.contains(mark) || store_.content().harmed_by == mark ||
         store_.queue_dropped_by() == mark || performed_.contains(mark) || scratch_.contains(mark);
}

std::vector<std::string> SimulatedSystem::standing() const {
  std::vector<std::string> marks(scratch_.begin(), scratch_.end());
  for (const auto& [mark, standing] : standing_) marks.push_back(mark);
  for (const auto& mark : {store_.content().harmed_by, store_.queue_dropped_by()}) {
    if (!mark.empty()) marks.push_back(mark);
  }
  return marks;
}

bool SimulatedSystem::serves(Instant at) const {
  if (during(failures_.system_down, at) || !store_.queue_dropped_by().empty()) return false;
  if (store_.lost() && !has_queue_) return false;
  return std::ranges::none_of(standing_, [&](const auto& entry) {
    const Standing& standing = entry.second;
    const bool interrupts = standing.effect == Effect::stops || standing.effect == Effect::cuts ||
                            standing.effect == Effect::fills || failures_.stays_down;
    return interrupts && at >= standing.since && at < standing.since + standing.breaks;
  });
}

double SimulatedSystem::slowness(Instant at) const {
  double slow = 1;
  for (const auto& [mark, standing] : standing_) {
    if (standing.effect == Effect::slows && at >= standing.since) slow *= 10;
  }
  return slow;
}

std::optional<Instant> SimulatedSystem::probes_hang_until(Instant at) const {
  if (!during(failures_.probe_hangs, at)) return {};
  return start_ + failures_.probe_hangs->after + failures_.probe_hangs->lasts;
}

bool SimulatedSystem::lagged_since(Instant from) const {
  return std::ranges::any_of(loads_, [&](const auto& entry) {
    std::size_t due = 0, late = 0;
    for (const auto& sample : entry.second->samples()) {
      if (sample.due < from) continue;
      ++due;
      late += sample.send_lag() > milliseconds(100);
    }
    return late * 20 > due;
  });
}

void SimulatedSystem::start_load(const std::string& mark, const std::string& name,
                                 double most_rate) {
  const LoadSpec* spec = playbook_.load(name);
  if (spec == nullptr) return;
  loads_[name] = std::make_unique<SimulatedLoad>(*spec, most_rate, now().boot, random_.fork());
  changed(Actor::runner, mark, "load started");
}

void SimulatedSystem::end_load(const std::string& name) {
  if (SimulatedLoad* found = load(name)) found->end(now().boot);
}

void SimulatedSystem::end_loads() {
  for (auto& [name, load] : loads_) load->end(now().boot);
}

SimulatedLoad* SimulatedSystem::load(const std::string& name) {
  const auto found = loads_.find(name);
  return found == loads_.end() ? nullptr : found->second.get();
}

}  // namespace gameday
