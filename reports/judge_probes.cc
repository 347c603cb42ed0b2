// Criteria judged by the playbook's own probes: those that name them in `evidence_for`.
#include <algorithm>
#include <cmath>

#include "reports/assessment.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr std::size_t kLeastAttempts = 3;  // before and after, for a statement about either

struct Span {
  double from = 0, to = 0;
};

struct Witness {
  std::string name;
  int level = 3;
  const std::vector<ProbeAttempt>* attempts = nullptr;
};

std::vector<Witness> witnesses_of(const Story& story, const std::string& criterion) {
  std::vector<Witness> found;
  for (const auto& probe : story.planned.get("plan").items("probes")) {
    for (const auto& named : probe.items("evidence_for")) {
      if (!named.is_text() || named.text() != criterion) continue;
      const std::string level = probe.text("evidence_level", "E3");
      const auto attempts = story.probes.find(probe.text("name"));
      found.push_back({probe.text("name"), level.size() == 2 ? level[1] - '0' : 0,
                       attempts == story.probes.end() ? nullptr : &attempts->second});
    }
  }
  return found;
}

// The times in which faults that were proven were in force.
std::vector<Span> faults_of(const Story& story) {
  std::vector<Span> spans;
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected_ok || !deed.injected) continue;
    spans.push_back({deed.injected->at_s, deed.reverted ? deed.reverted->at_s : story.ended.at_s});
  }
  return spans;
}

std::vector<Span> outages_of(const Case& drill) {
  std::vector<Span> spans;
  for (const auto& outage : drill.result.items("outages")) {
    const auto from = drill.story.offset_of(outage.get("from"));
    const auto to = drill.story.offset_of(outage.get("to"));
    if (from) spans.push_back({*from, to.value_or(drill.story.ended.at_s)});
  }
  return spans;
}

bool overlaps(const ProbeAttempt& attempt, const std::vector<Span>& spans) {
  return std::ranges::any_of(spans, [&](const Span& span) {
    return attempt.start_s <= span.to && attempt.end_s >= span.from;
  });
}

// Judged before and after the faults and while they were in force. What failed while clients were
// served nothing at all says nothing of its own.
Assessment always(const Case& drill, const Witness& witness, bool after_alone) {
  const auto faults = faults_of(drill.story);
  const auto outages = outages_of(drill);
  const auto first = first_fault(drill.story);
  const auto last = all_put_back(drill.story);
  if (!first || !last) return unassessed("there is no time after the last fault");
  std::size_t before = 0, during = 0, after = 0;
  std::vector<std::uint64_t> evidence;
  for (const auto& attempt : *witness.attempts) {
    const bool is_after = attempt.start_s >= *last;
    if (after_alone && !is_after) continue;
    if (overlaps(attempt, outages)) continue;
    if (!attempt.ok) {
      return failed(
          "probe " + witness.name + " at " + shown_offset(attempt.start_s) + ": " + attempt.text,
          {attempt.number}, witness.level);
    }
    before += attempt.end_s < *first;
    during += overlaps(attempt, faults);
    after += is_after;
    if (evidence.empty()) evidence.push_back(attempt.number);
    if (evidence.size() == 1 || evidence.back() != attempt.number) {
      evidence.resize(1);
      evidence.push_back(attempt.number);
    }
  }
  const bool enough =
      after >= kLeastAttempts && (after_alone || (before >= kLeastAttempts && during > 0));
  if (!enough) {
    return unassessed("probe " + witness.name + " was asked too seldom: " + std::to_string(before) +
                      " times before, " + std::to_string(during) + " during, " +
                      std::to_string(after) + " after the faults");
  }
  const std::size_t asked = after_alone ? after : before + during + after;
  return passed("probe " + witness.name + " held " +
                    counted(static_cast<std::int64_t>(asked), "time", "times"),
                std::move(evidence), witness.level);
}

struct Detection {
  std::size_t all = 0, faults = 0, seen = 0;  // all, those that could be told, and that were
  double slowest_s = 0;
  std::string missed;
  std::vector<std::uint64_t> evidence;
};

// A probe that was good already when the fault came cannot tell that fault.
Detection detection_of(const Case& drill, const std::vector<Witness>& witnesses, double within) {
  Detection found;
  for (const auto& deed : drill.story.deeds) {
    if (!deed.is_fault() || !deed.proven || !deed.injected) continue;
    ++found.all;
    const double from = deed.injected->at_s;
    bool could = false, seen = false;
    for (const auto& witness : witnesses) {
      const ProbeAttempt* prior = nullptr;
      const ProbeAttempt* first = nullptr;
      for (const auto& attempt : *witness.attempts) {
        if (attempt.end_s < from) prior = &attempt;
        if (attempt.start_s >= from && attempt.ok && first == nullptr) first = &attempt;
      }
      if (prior == nullptr || prior->ok) continue;
      could = true;
      if (first == nullptr || first->end_s > from + within) continue;
      if (!seen) found.evidence.push_back(first->number);
      seen = true;
      found.slowest_s = std::max(found.slowest_s, first->end_s - from);
    }
    found.faults += could;
    found.seen += seen;
    if (could && !seen) found.missed += (found.missed.empty() ? "" : ", ") + deed.id;
  }
  found.evidence.resize(std::min(found.evidence.size(), kMostEvidence));
  return found;
}

struct Quiet {
  std::size_t attempts = 0, windows = 0, noisy = 0;
  std::string first;
  std::vector<std::uint64_t> evidence;
};

// Times in which nothing was wrong: before the first fault, and `settle` after all was put back.
Quiet quiet_of(const Case& drill, const std::vector<Witness>& witnesses, double settle) {
  Quiet found;
  const auto first = first_fault(drill.story);
  const auto last = all_put_back(drill.story);
  std::map<std::int64_t, bool> windows;
  for (const auto& witness : witnesses) {
    for (const auto& attempt : *witness.attempts) {
      const bool before = first && attempt.end_s < *first;
      const bool after = last && attempt.start_s > *last + settle;
      if (!before && !after) continue;
      ++found.attempts;
      bool& noisy = windows[std::llround(std::floor(attempt.start_s / std::max(settle, 1.0)))];
      if (!attempt.ok) continue;
      noisy = true;
      if (found.evidence.size() < kMostEvidence) found.evidence.push_back(attempt.number);
      if (found.first.empty()) found.first = witness.name + " at " + shown_offset(attempt.start_s);
    }
  }
  found.windows = windows.size();
  for (const auto& [at, noisy] : windows) found.noisy += noisy;
  if (found.evidence.empty() && found.attempts > 0) {
    for (const auto& witness : witnesses)
      found.evidence.push_back(witness.attempts->front().number);
  }
  return found;
}

// The interval in which a rate of k of n lies with 95 %, after Wilson.
Span wilson(std::size_t k, std::size_t n) {
  if (n == 0) return {0, 1};
  constexpr double z = 1.959964;
  const double count = static_cast<double>(n);
  const double rate = static_cast<double>(k) / count;
  const double middle = (rate + z * z / (2 * count)) / (1 + z * z / count);
  const double half =
      z / (1 + z * z / count) * std::sqrt(rate * (1 - rate) / count + z * z / (4 * count * count));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

int level_of(const std::vector<Witness>& witnesses) {
  int level = kLevels - 1;
  for (const auto& witness : witnesses) level = std::min(level, witness.level);
  return level;
}

Assessment detects(const Detection& found, double within, int level) {
  if (found.faults == 0) return unassessed("no fault came while its probes were quiet");
  if (!found.missed.empty()) {
    return failed("not told within " + shown_seconds(within) + ": " + found.missed, found.evidence,
                  level);
  }
  const std::string told = counted(static_cast<std::int64_t>(found.seen), "fault", "faults") +
                           " told, the slowest after " + shown_seconds(found.slowest_s);
  const auto untold = static_cast<std::int64_t>(found.all - found.faults);
  if (untold > 0) {
    return unassessed(told + "; " + counted(untold, "other", "others") +
                      " came while its probes were not quiet");
  }
  return passed(told, found.evidence, level);
}

Assessment quiet(const Quiet& found, int level) {
  if (found.attempts < kLeastAttempts) return unassessed("asked too seldom while all was well");
  if (found.noisy > 0) {
    return failed("fired while all was well: " + found.first, found.evidence, level);
  }
  return passed(
      "quiet in " + counted(static_cast<std::int64_t>(found.attempts), "attempt", "attempts"),
      found.evidence, level);
}

// Youden's J, with the worse ends of both rates' intervals.
Assessment informs(const Detection& told, const Quiet& calm, int level) {
  if (told.faults == 0 || calm.windows == 0) return unassessed("too little to count");
  const double rate = static_cast<double>(told.seen) / static_cast<double>(told.faults);
  const double noise = static_cast<double>(calm.noisy) / static_cast<double>(calm.windows);
  const double least = wilson(told.seen, told.faults).from - wilson(calm.noisy, calm.windows).to;
  const std::string text = "J " + fixed(rate - noise, 2) + ", at least " + fixed(least, 2) + " (" +
                           std::to_string(told.seen) + " of " + std::to_string(told.faults) +
                           " faults told, " + std::to_string(calm.noisy) + " of " +
                           std::to_string(calm.windows) + " quiet times noisy)";
  if (rate - noise <= 0) return failed(text, told.evidence, level);
  if (least > 0) return passed(text, told.evidence, level);
  return unassessed("too few faults and quiet times to tell: " + text);
}

}  // namespace

Assessment judged_probes(const Case& drill, const Criterion& criterion) {
  const auto witnesses = witnesses_of(drill.story, criterion.id);
  if (witnesses.empty()) return unassessed("no probe is evidence for it");
  for (const auto& witness : witnesses) {
    if (witness.attempts == nullptr || witness.attempts->empty()) {
      return unassessed("probe " + witness.name + " was never asked");
    }
  }
  const double within = criterion.within ? seconds(*criterion.within) : 0;
  const int level = level_of(witnesses);
  switch (criterion.when.value_or(When::always)) {
    case When::detects: return detects(detection_of(drill, witnesses, within), within, level);
    case When::quiet: return quiet(quiet_of(drill, witnesses, within), level);
    case When::informs:
      return informs(detection_of(drill, witnesses, within), quiet_of(drill, witnesses, within),
                     level);
    default: break;
  }
  // Each must hold; one that fails says more than one that was not asked.
  std::optional<Assessment> all;
  for (const auto& witness : witnesses) {
    Assessment one = always(drill, witness, criterion.when == When::after);
    if (one.outcome == Outcome::fail) return one;
    if (!all || one.outcome != Outcome::pass) all = std::move(one);
  }
  all->level = all->assessed() ? level : -1;
  return *all;
}

}  // namespace gameday
