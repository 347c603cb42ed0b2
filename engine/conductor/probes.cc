// What probes say, and when they are asked.
#include <algorithm>

#include "engine/base/units.h"
#include "engine/conductor/turn.h"

namespace gameday {

// What a probe says counts once it has said it often enough in a row, and then since the first
// time.
void Turn::take(const Sampled& sample, ProbeState& probe) {
  probe.last_end = sample.end;
  if (probe.in_a_row == 0 || probe.last_ok != sample.ok) {
    probe.in_a_row = 0;
    probe.row_start = sample.start;
  }
  ++probe.in_a_row;
  probe.last_ok = sample.ok;
  const bool counts = probe.in_a_row >= (sample.ok ? probe.successes : probe.failures);
  if (sample.ok && counts) {
    probe.since_bad.reset();
    if (!probe.since_ok) probe.since_ok = probe.row_start;
  } else if (!sample.ok && (counts || probe.since_bad)) {
    probe.since_ok.reset();
    // While it hung, silence may have been counted already, from a later moment.
    probe.since_bad = std::min(probe.since_bad.value_or(probe.row_start), probe.row_start);
  }
}

void Turn::on(const Sampled& sample) {
  const auto found = d.probes.find(sample.probe);
  if (found == d.probes.end()) return;
  auto& probe = found->second;
  ++probe.attempts;
  // An answer that crossed the end of the time in which it was asked for is of no time any more.
  if (!probe.asked_since || sample.start < *probe.asked_since) return;
  take(sample, probe);
  if (d.plan.playbook->objectives.rto && d.plan.playbook->objectives.rto->from == sample.probe) {
    probe.samples.push_back({probe.samples.size(), sample.start, sample.start, sample.end,
                             sample.ok ? SampleOutcome::ok : SampleOutcome::refused, 0});
  }
  const bool may_stop = d.phase == Phase::loading || d.phase == Phase::running;
  for (const auto& stop : d.plan.playbook->limits.stop_when) {
    if (!may_stop || stop.probe != sample.probe || !probe.since_bad) continue;
    if (sample.end - *probe.since_bad < stop.fails_for) continue;
    stop_now({StopBy::condition, "probe " + stop.probe + " has failed for " + shown(stop.fails_for),
              stop.probe, sample.end});
  }
  for (std::size_t i = 0; i < d.lanes.size(); ++i) {
    lane_ = i;
    if (lane().steady) judge_steady(false);
  }
}

// A stop probe that gives no answer for three intervals counts as failing since then.
void Turn::watch_probes() {
  if (d.phase != Phase::running || d.stop) return;
  Duration next = std::chrono::hours(1);
  for (const auto& stop : d.plan.playbook->limits.stop_when) {
    auto& probe = d.probes[stop.probe];
    next = std::min(next, probe.every);
    if (!probe.asked_since) continue;
    const Instant from = std::max(*probe.asked_since, d.first_step->boot);
    const Instant last = std::max(probe.last_end.value_or(from), from);
    if (now_.boot - last <= 3 * probe.every + probe.timeout) continue;
    probe.in_a_row = 0;
    if (!probe.since_bad) {
      probe.since_bad = last;
      probe.since_ok.reset();
    }
    if (now_.boot - *probe.since_bad >= stop.fails_for) {
      return stop_now({StopBy::condition,
                       "probe " + stop.probe + " has given no answer for " + shown(stop.fails_for),
                       stop.probe, now_.boot});
    }
  }
  if (!d.plan.playbook->limits.stop_when.empty()) d.watch_timer = wake(now_.boot + next);
}

bool Turn::to_be_asked(const ProbeState& probe) const {
  switch (probe.during) {
    case During::always: return true;
    case During::edge:
      return std::ranges::any_of(d.lanes, [](const Lane& lane) { return lane.steady.has_value(); });
    case During::fault: return d.fault_lives();
  }
  return true;
}

// After each event. A probe that is asked again starts anew: what it said of an earlier time says
// nothing of this one.
void Turn::ask_probes() {
  if (d.phase == Phase::starting || d.phase == Phase::closed) return;
  for (auto& [name, probe] : d.probes) {
    // What is always asked is left with the system itself, by the runtime.
    const bool begins = d.phase < Phase::closing;
    const bool asked = to_be_asked(probe) && (begins || probe.asked_since);
    if (asked == probe.asked_since.has_value()) continue;
    probe.asked_since.reset();
    if (asked) {
      probe.asked_since = now_.boot;
      probe.ever_asked = true;
      probe.in_a_row = 0;
      probe.since_ok.reset();
      probe.since_bad.reset();
      probe.last_end.reset();
    }
    out_.emplace_back(Ask{name, asked});
  }
}

}  // namespace gameday
