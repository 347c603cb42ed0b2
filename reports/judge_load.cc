// Criteria on what clients saw: the error budget, latency after the heal, and our own schedule.
#include <algorithm>
#include <cmath>

#include "reports/assessment.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr double kMonth = 30 * 86400.0;
constexpr std::size_t kLeastWindows = 5;  // of a baseline, and of latency that is back

// Windows of all loads, evidence for what is counted in them.
std::vector<std::uint64_t> ends_of(const std::vector<const LoadSecond*>& windows) {
  if (windows.empty()) return {};
  return {windows.front()->number, windows.back()->number};
}

// How much of 30 days' errors, at the load's own rate in the mean, the whole drill spent.
Assessment judged_budget(const Case& drill, const Criterion& criterion) {
  double objective = -1;
  for (const auto& one : drill.result.items("objectives")) {
    if (one.text("name") == "success_rate") objective = one.number("objective", -1);
  }
  if (objective < 0) return unassessed("the playbook has no objective success_rate");
  if (objective >= 1) return unassessed("an objective of 100 % leaves no error budget");
  double worst = 0;
  bool any = false;
  for (const auto& load : drill.result.items("load")) {
    if (load.find("closed_loop") != nullptr) {
      return unassessed("load " + load.text("name") +
                        " is a closed loop: it asks less while the system fails");
    }
    std::int64_t due = 0, ok = 0;
    double lasted = 0;
    for (const auto& phase : load.items("phases")) {
      due += phase.integer("due", 0);
      ok += phase.integer("ok", 0);
      const double rate = phase.number("rate", 0);
      if (rate > 0) lasted += static_cast<double>(phase.integer("due", 0)) / rate;
    }
    if (due == 0 || lasted <= 0) continue;
    const double rate = static_cast<double>(due) / lasted;
    any = true;
    worst = std::max(worst, static_cast<double>(due - ok) / (rate * kMonth * (1 - objective)));
  }
  if (!any) return unassessed("no load was summed up");
  const std::string text = "spent " + fixed(worst * 100, 3) + " % of 30 days' error budget, " +
                           fixed(criterion.allowance * 100, 1) + " % are allowed";
  auto evidence = events_of(drill.story, "summarise");
  return worst <= criterion.allowance ? passed(text, std::move(evidence))
                                      : failed(text, std::move(evidence));
}

double median_p99(const std::vector<const LoadSecond*>& windows) {
  std::vector<double> values;
  for (const auto* window : windows) values.push_back(window->p99_s);
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// When all was put back and clients were served again.
std::optional<double> healed(const Case& drill) {
  auto at = all_put_back(drill.story);
  for (const auto& outage : drill.result.items("outages")) {
    const auto to = drill.story.offset_of(outage.get("to"));
    if (!to) return std::nullopt;
    if (at) at = std::max(*at, *to);
  }
  return at;
}

Assessment regained(const Criterion& criterion, const std::vector<const LoadSecond*>& before,
                    const std::vector<const LoadSecond*>& after, double heal, bool ended_early) {
  const double baseline = median_p99(before);
  const double slack = criterion.slack ? seconds(*criterion.slack) : 0;
  const double limit = baseline * (1 + criterion.margin) + slack;
  auto evidence = ends_of(before);
  for (const auto number : ends_of(after)) evidence.push_back(number);
  std::size_t run = 0;
  for (const auto* window : after) {
    run = window->p99_s <= limit ? run + 1 : 0;
    if (run < kLeastWindows) continue;
    const double took = window->from_s + 1 - heal;
    return passed("p99 of " + shown_seconds(baseline) + " before, under " + shown_seconds(limit) +
                      " for " + std::to_string(kLeastWindows) + " s by " + shown_seconds(took) +
                      " after",
                  std::move(evidence));
  }
  if (ended_early && run > 0) return unassessed("the load ended before it could be seen");
  return failed("p99 of " + shown_seconds(baseline) + " before, " +
                    shown_seconds(median_p99(after)) + " after, asked at most " +
                    shown_seconds(limit),
                std::move(evidence));
}

// Whether the load asks for other rates at other times, by the playbook's own word.
bool has_stages(const Case& drill, const std::string& load) {
  for (const auto& planned : drill.story.planned.get("plan").items("load")) {
    if (planned.text("name") == load) return !planned.items("stages").empty();
  }
  return false;
}

double mean_due(const std::vector<const LoadSecond*>& windows) {
  double sum = 0;
  for (const auto* window : windows) sum += static_cast<double>(window->due);
  return sum / static_cast<double>(windows.size());
}

Assessment judged_latency(const Case& drill, const Criterion& criterion) {
  const auto first = first_fault(drill.story);
  const auto heal = healed(drill);
  if (!first || !heal) return unassessed("there is no time after the last fault");
  const double within = criterion.within ? seconds(*criterion.within) : 0;
  Assessment worst = unassessed("no load was sent");
  for (const auto& [load, windows] : drill.story.loads) {
    std::vector<const LoadSecond*> before, after;
    double last = 0;
    for (const auto& window : windows) {
      last = std::max(last, window.from_s + 1);
      if (window.marked || window.p99_s <= 0) continue;
      if (window.from_s + 1 <= *first) before.push_back(&window);
      const bool soon = window.from_s + 1 <= *heal + within;
      if (window.from_s >= *heal && soon) after.push_back(&window);
    }
    if (before.size() < kLeastWindows || after.size() < kLeastWindows) {
      return unassessed("load " + load + " has too few seconds before the first fault or after " +
                        "the last");
    }
    constexpr double kAlike = 0.1;
    const double rate = mean_due(before);
    if (has_stages(drill, load) && std::abs(mean_due(after) - rate) > rate * kAlike) {
      return unassessed("load " + load + " was of " + fixed(rate, 1) +
                        "/s before the first fault and of " + fixed(mean_due(after), 1) +
                        "/s after the last: its latency is not to be compared");
    }
    Assessment found = regained(criterion, before, after, *heal, last < *heal + within);
    if (found.outcome != Outcome::pass) return found;
    worst = std::move(found);
  }
  return worst;
}

Assessment judged_schedule(const Case& drill) {
  std::int64_t due = 0, sent = 0;
  std::string missed;
  for (const auto& load : drill.result.items("load")) {
    const Json& users = load.get("closed_loop");
    if (users.integer("spawned", 0) < users.integer("users", 0)) {
      missed += (missed.empty() ? "" : "; ") + load.text("name") + ": " +
                std::to_string(users.integer("spawned", 0)) + " of " +
                std::to_string(users.integer("users", 0)) + " users were there";
    }
    for (const auto& phase : load.items("phases")) {
      const auto of_phase = phase.integer("due", 0);
      due += of_phase;
      sent += phase.integer("sent", 0);
      const std::int64_t late =
          std::max(phase.integer("late", 0), of_phase - phase.integer("sent", 0));
      if (late * 20 <= of_phase) continue;  // 95 % on time
      missed += (missed.empty() ? "" : "; ") + load.text("name") + " in phase " +
                phase.text("phase") + ": " + std::to_string(late) + " of " +
                std::to_string(of_phase) + " late";
    }
  }
  if (due == 0) return unassessed("no load was summed up");
  auto evidence = events_of(drill.story, "summarise");
  if (!missed.empty()) return failed(missed, std::move(evidence));
  return passed(shown_count(sent) + " of " + shown_count(due) + " due requests were sent",
                std::move(evidence));
}

}  // namespace

Assessment judged_load(const Case& drill, const Criterion& criterion) {
  switch (criterion.judged_by) {
    case JudgedBy::budget: return judged_budget(drill, criterion);
    case JudgedBy::latency_regained: return judged_latency(drill, criterion);
    default: return judged_schedule(drill);
  }
}

}  // namespace gameday
