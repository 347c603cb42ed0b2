#include "reports/retries.h"

#include <algorithm>
#include <cmath>

#include "reports/markup.h"

namespace gameday {
namespace {

constexpr double kEarly = 2;          // seconds
constexpr double kLeastLate = 2;      // seconds between the early ones and the end
constexpr double kLeastBaseline = 4;  // seconds

// The totals of one link as a course over time; between two looks it goes straight on.
class Course {
 public:
  explicit Course(const std::vector<LinkLook>& looks) : looks_(looks) {}

  [[nodiscard]] double attempts(double from, double to) const {
    return at(to, &LinkLook::accepted) - at(from, &LinkLook::accepted);
  }
  [[nodiscard]] double bytes(double from, double to) const {
    return at(to, &LinkLook::bytes_up) - at(from, &LinkLook::bytes_up);
  }
  [[nodiscard]] double first() const { return looks_.front().at_s; }
  [[nodiscard]] double last() const { return looks_.back().at_s; }

 private:
  [[nodiscard]] double at(double when, std::int64_t LinkLook::* total) const {
    const auto next = std::ranges::lower_bound(looks_, when, {}, &LinkLook::at_s);
    if (next == looks_.begin()) return static_cast<double>(looks_.front().*total);
    if (next == looks_.end()) return static_cast<double>(looks_.back().*total);
    const auto prior = next - 1;
    const double share = (when - prior->at_s) / std::max(next->at_s - prior->at_s, 1e-9);
    const auto from = static_cast<double>((*prior).*total);
    return from + share * (static_cast<double>((*next).*total) - from);
  }

  const std::vector<LinkLook>& looks_;
};

struct Busy {
  double attempts_per_s = 0, bytes_per_s = 0;
};

// The busiest second of a time, bit by bit.
Busy busiest(const Course& course, double from, double to) {
  Busy most;
  for (double at = from; at + 1 <= to; at += 0.5) {
    most.attempts_per_s = std::max(most.attempts_per_s, course.attempts(at, at + 1));
    most.bytes_per_s = std::max(most.bytes_per_s, course.bytes(at, at + 1));
  }
  return most;
}

std::int64_t due_in(const Story& story, double from, double to) {
  double due = 0;
  for (const auto& [load, seconds] : story.loads) {
    for (const auto& second : seconds) {
      const double share = std::min(to, second.from_s + 1) - std::max(from, second.from_s);
      if (share > 0) due += share * static_cast<double>(second.due);
    }
  }
  return std::llround(due);
}

// When the next fault begins, or the drill's load ends: from there on it is another story.
double undisturbed_until(const Story& story, const DeedStory& after) {
  double until = story.ended.at_s;
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected || deed.mark == after.mark) continue;
    if (deed.recorded.at_s >= after.reverted->at_s) until = std::min(until, deed.recorded.at_s);
  }
  return until;
}

class Counting {
 public:
  Counting(const Story& story, const Calm& calm, double first_fault)
      : story_(story), calm_(calm), first_fault_(first_fault) {}

  Retries of(const DeedStory& deed, const std::string& link, const std::vector<LinkLook>& looks) {
    const Course course(looks);
    const double from = deed.injected->at_s;
    const double to = deed.reverted->at_s;
    Retries found;
    found.fault = deed.id;
    found.link = link;
    found.lasted_s = to - from;
    found.attempts = course.attempts(from, to);
    found.due = due_in(story_, from, to);
    if (found.lasted_s >= kEarly + kLeastLate) {
      found.early_per_s = course.attempts(from, from + kEarly) / kEarly;
      const double late = std::max(from + kEarly, (from + to) / 2);
      found.late_per_s = course.attempts(late, to) / (to - late);
    }
    found.baseline = first_fault_ - course.first() >= kLeastBaseline;
    after(found, course, to, std::min(undisturbed_until(story_, deed), course.last()));
    for (const auto& look : looks) {
      if (look.at_s < from && !found.evidence.empty()) found.evidence.clear();
      if (look.at_s <= to) found.evidence.push_back(look.number);
    }
    if (found.evidence.size() > 2) {
      found.evidence = {found.evidence.front(), found.evidence.back()};
    }
    return found;
  }

 private:
  void after(Retries& found, const Course& course, double heal, double until) const {
    found.seen_after_s = std::max(0.0, until - heal);
    if (!found.baseline) return;
    const Busy before = busiest(course, course.first(), first_fault_);
    const double attempts =
        std::max(calm_.attempts_per_s, before.attempts_per_s * (1 + calm_.margin));
    const double bytes = before.bytes_per_s * (1 + calm_.margin) + calm_.bytes_per_s;
    found.busy_after_s = 0;
    for (double at = heal; at + 1 <= until; at += 0.5) {
      const bool busy = course.attempts(at, at + 1) > attempts || course.bytes(at, at + 1) > bytes;
      if (busy) found.busy_after_s = at + 1 - heal;
    }
  }

  const Story& story_;
  const Calm& calm_;
  const double first_fault_;
};

}  // namespace

std::optional<double> Retries::amplification() const {
  if (due <= 0) return {};
  return attempts / static_cast<double>(due);
}

std::vector<Retries> retries_of(const Story& story, const Calm& calm) {
  std::optional<double> first;
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected) continue;
    first = std::min(first.value_or(deed.recorded.at_s), deed.recorded.at_s);
  }
  std::vector<Retries> found;
  if (!first) return found;
  Counting counting(story, calm, *first);
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected_ok || !deed.injected || !deed.reverted) continue;
    for (const auto& target : deed.targets) {
      const auto looks = story.links.find(target);
      if (looks == story.links.end()) continue;
      found.push_back(counting.of(deed, target, looks->second));
    }
  }
  return found;
}

std::string in_words(const Retries& retries) {
  std::string text =
      fixed(retries.attempts, 0) + " connections in " + shown_seconds(retries.lasted_s);
  if (const auto each = retries.amplification()) {
    text += ", " + fixed(*each, 2) + " for each request due";
  }
  if (retries.early_per_s && retries.late_per_s) {
    text += "; " + fixed(*retries.early_per_s, 1) + " a second at first, " +
            fixed(*retries.late_per_s, 1) + " later";
  }
  if (!retries.baseline) return text + "; it was not looked at for long enough before";
  if (*retries.busy_after_s <= 0) return text + "; no busier afterwards than before";
  return text + "; busier than before until " + shown_seconds(*retries.busy_after_s) + " after";
}

}  // namespace gameday
