#include "cli/screen.h"

#include <algorithm>
#include <cstdio>

#include "cli/doing.h"
#include "engine/playbook/evidence.h"

namespace gameday {
namespace {

constexpr int kLabel = 11;
constexpr std::size_t kNowWindows = 3;  // the last seconds, taken together

std::string milliseconds(double s) {
  char text[32];
  const double ms = s * 1e3;
  std::snprintf(text, sizeof text, ms < 9.95 ? "%.1f ms" : "%.0f ms", ms);
  return text;
}

std::string percent(double ratio) {
  // What is not all is never shown as all.
  const double shown = ratio < 1 ? std::min(ratio * 100, 99.9) : 100.0;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", shown);
  return text;
}

std::string rate_of(const LoadNow& now) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f/s", now.rate);
  return text;
}

class Screen {
 public:
  Screen(const Drill& drill, const WatchedDrill& watched, Instant now, const TerminalTerms& terms)
      : d_(drill), seen_(watched), now_(now), terms_(terms) {}

  std::vector<std::string> lines() {
    // Half of what is left belongs to what scrolls above.
    room_ = terms_.rows - 5 - kFixed;
    title();
    phases();
    steps();
    faults();
    loads();
    probes();
    undos();
    stopping();
    return std::move(out_);
  }

 private:
  static constexpr int kFixed = 6;  // title, phases, a step, a fault, undos, Ctrl-C

  Line line(std::string_view label) const {
    Line made(terms_);
    made.add(" ").field(label, kLabel - 1, Ink::dim);
    return made;
  }
  void put(const Line& line) { out_.push_back(line.text()); }
  // How many of `wanted` lines beside the first can be had.
  std::size_t take(std::size_t wanted) {
    const auto had = std::min(wanted, static_cast<std::size_t>(std::max(0, room_)));
    room_ -= static_cast<int>(had);
    return had;
  }
  std::string_view glyph(std::string_view fine, std::string_view plain) const {
    return terms_.unicode ? fine : plain;
  }

  void title() {
    const Duration gone = d_.began.boot == Instant{} ? Duration{} : now_ - d_.began.boot;
    const Duration left = least_left(d_, seen_, now_);
    std::string time = " " + brief(gone);
    if (left > Duration{}) time += ", at least " + brief(left) + " to go";
    const std::string rule(glyph("─", "-"));
    Line made(terms_);
    made.add(rule + rule + " ", Ink::dim);
    const int tail = static_cast<int>(time.size()) + 4;
    const std::string name = one_line(d_.plan.playbook->name, terms_.unicode);
    made.field(name, std::min(columns_of(name), made.left() - tail), Ink::strong);
    made.add(" ").fill(rule, tail - 1, Ink::dim).add(time).add(" " + rule + rule, Ink::dim);
    put(made);
  }

  void phases() {
    const auto at = static_cast<std::size_t>(d_.phase);
    Line made(terms_);
    made.add(" ");
    if (terms_.columns < 80) {
      made.add("phase " + std::to_string(std::min(at + 1, kPhases - 1)) + " of " +
               std::to_string(kPhases - 1) + ": ");
      made.add(name_of(d_.phase), Ink::strong);
      if (at + 2 < kPhases) made.add(", then " + std::string(name_of(Phase(at + 1))), Ink::dim);
      return put(made);
    }
    for (std::size_t i = 0; i + 1 < kPhases; ++i) {
      const auto mark = i < at ? glyph("✓", "+") : i == at ? glyph("▶", ">") : glyph("·", ".");
      const Ink ink = i == at ? Ink::strong : i < at ? Ink::good : Ink::dim;
      made.add((i > 0 ? " " : "") + std::string(mark) + std::string(name_of(Phase(i))), ink);
    }
    put(made);
  }

  void steps() {
    const auto now = doing(d_, seen_, now_);
    const bool timeline = d_.phase == Phase::running;
    const std::string label =
        timeline ? "step " + std::to_string(steps_begun(d_)) + "/" + std::to_string(d_.steps.size())
                 : "now";
    if (now.empty()) put(line(label).add("-", Ink::dim));
    const std::size_t shown = now.empty() ? 0 : 1 + take(std::min<std::size_t>(now.size() - 1, 3));
    for (std::size_t i = 0; i < shown; ++i) step(i == 0 ? label : "", now[i]);
  }

  void step(const std::string& label, const Doing& now) {
    Line made = line(label);
    const int bar_columns = terms_.columns >= 80 ? 10 : 6;
    // "3.1s of 5s, 1.9s left": in a narrow terminal the last part must do.
    const auto last = now.time.find(", ");
    const bool narrow = terms_.columns < 80 && last != std::string::npos;
    const std::string time = narrow ? now.time.substr(last + 2) : now.time;
    const int tail = (now.fraction ? bar_columns + 2 : 0) + static_cast<int>(time.size()) +
                     static_cast<int>(now.state.size()) + 2;
    made.field(now.what, std::max(12, made.left() - tail - 1), Ink::strong);
    made.add(" " + now.state);
    if (now.fraction) made.add("  " + bar(*now.fraction, bar_columns, terms_.unicode), Ink::good);
    if (!time.empty()) made.add("  " + time);
    put(made);
  }

  void faults() {
    std::vector<const DeedState*> open;
    for (const auto& deed : d_.deeds) {
      if (deed.is_fault && deed.open()) open.push_back(&deed);
    }
    if (open.empty()) return put(line("faults").add("none in force", Ink::dim));
    const std::size_t shown = 1 + take(open.size() - 1);
    for (std::size_t i = 0; i < shown; ++i) {
      if (i + 1 == shown && shown < open.size()) {
        return put(line(i == 0 ? "faults" : "")
                       .add("and " + counted(open.size() - i, "more fault"), Ink::warn));
      }
      fault(i == 0 ? "faults" : "", *open[i]);
    }
  }

  void fault(std::string_view label, const DeedState& deed) {
    const std::string target =
        deed.deed.target.empty() ? deed.deed.arguments.text("region") : deed.deed.target;
    const std::string until = until_when(deed);
    Line made = line(label);
    made.field(deed.step_id + "  " + deed.deed.kind + " " + target,
               made.left() - static_cast<int>(until.size()) - 11, Ink::bad);
    made.add(" ").field(name_of(deed.stage), 10, deed.proven ? Ink::bad : Ink::warn).add(until);
    put(made);
  }

  std::string until_when(const DeedState& deed) const {
    const auto* planned = planned_step(d_, deed.step_id);
    std::string text = "until the end";
    if (deed.undo_tries > 0) {
      text = "undo failed " + counted(static_cast<std::size_t>(deed.undo_tries), "time");
    } else if (planned != nullptr && planned->step.hold) {
      const Duration hold = *planned->step.hold;
      const Duration left = deed.proven ? deed.proven->boot + hold - now_ : hold;
      text = "for " + brief(left) + (deed.proven ? " more" : " once proven");
      if (left <= Duration{}) text = "being undone";
    } else if (deed.holds_data) {
      text = "until restored";
    } else {
      for (const auto& other : d_.plan.steps) {
        if (other.step.revert == deed.step_id) text = "until " + other.step.id;
      }
    }
    const auto guarded = seen_.not_after.find(deed.mark);
    if (guarded == seen_.not_after.end() || terms_.columns < 80) return text;
    return text + "; guardian in " + brief(guarded->second - now_);
  }

  void loads() {
    const auto& wanted = d_.plan.playbook->loads;
    const std::size_t shown = take(std::min<std::size_t>(wanted.size(), 3));
    // Failing probes come first, charts are had from what is left.
    probe_lines_ = take(d_.plan.playbook->probes.size());
    const std::size_t charts = take(2 * shown) / 2;
    for (std::size_t i = 0; i < shown; ++i) load(wanted[i].name, i < charts);
  }

  void load(const std::string& name, bool with_charts) {
    const auto found = seen_.loads.find(name);
    Line made = line("load");
    if (found == seen_.loads.end() || found->second.empty()) {
      return put(made.add(name + "  ").add("nothing sent yet", Ink::dim));
    }
    const auto& windows = found->second;
    const LoadNow now = load_now(windows, kNowWindows);
    const int gap = terms_.columns < 80 ? 1 : 2;
    const int late = now.marked ? 12 : 0;
    made.field(name, std::clamp(made.left() - 37 - 4 * gap - late, 8, 16)).add(" ");
    made.field(rate_of(now), 6 + gap);
    made.field(percent(now.success) + " ok", 10 + gap, now.success < 0.99 ? Ink::bad : Ink::good);
    // Where both do not fit, that a number is not the system's own comes before another number.
    if (!now.marked || gap > 1) made.field("p50 " + milliseconds(now.p50_s), 10 + gap);
    made.field("p99 " + milliseconds(now.p99_s), 10 + gap);
    if (now.marked) made.add(gap > 1 ? "we are late" : "we lag", Ink::warn);
    put(made);
    if (with_charts) charts(windows);
  }

  void charts(const std::deque<SeenWindow>& windows) {
    const auto room = static_cast<std::size_t>(std::max(10, terms_.columns - kLabel - 20));
    std::vector<double> p99, success;
    for (std::size_t i = windows.size() - std::min(room, windows.size()); i < windows.size(); ++i) {
      const bool measured = windows[i].due > 0;
      p99.push_back(measured && windows[i].ok > 0 ? windows[i].p99_s : -1);
      success.push_back(
          measured ? static_cast<double>(windows[i].ok) / static_cast<double>(windows[i].due) : -1);
    }
    const double highest = std::max(1e-6, std::ranges::max(p99));
    // The newest second is the last one on the right.
    p99.insert(p99.begin(), room - p99.size(), -1);
    success.insert(success.begin(), room - success.size(), -1);
    chart("p99", p99, 0, highest, "highest " + milliseconds(highest));
    double lowest = 1;
    for (const double value : success) lowest = value < 0 ? lowest : std::min(lowest, value);
    chart("success", success, 0, 1, "lowest " + percent(lowest));
  }

  void chart(std::string_view label, const std::vector<double>& values, double low, double high,
             const std::string& said) {
    Line made = line(label);
    made.add(sparkline(values, low, high, terms_.unicode)).add("  " + said, Ink::dim);
    put(made);
  }

  void probes() {
    std::vector<const ProbeSpec*> order, good;
    for (const auto& probe : d_.plan.playbook->probes) {
      const auto found = seen_.probes.find(probe.name);
      const bool fails = found != seen_.probes.end() && !found->second.ok &&
                         !is_evidence_alone(probe, *d_.plan.playbook) && is_asked(probe);
      (fails ? order : good).push_back(&probe);
    }
    order.insert(order.end(), good.begin(), good.end());
    const std::size_t shown = std::min(order.size(), probe_lines_);
    for (std::size_t i = 0; i < shown; ++i) {
      if (i + 1 == shown && shown < order.size()) {
        return put(line(i == 0 ? "probes" : "")
                       .add("and " + counted(order.size() - i, "more probe"), Ink::dim));
      }
      probe(i == 0 ? "probes" : "", *order[i]);
    }
  }

  [[nodiscard]] bool is_asked(const ProbeSpec& spec) const {
    const auto state = d_.probes.find(spec.name);
    return spec.during == During::always ||
           (state != d_.probes.end() && state->second.asked_since.has_value());
  }

  void probe(std::string_view label, const ProbeSpec& spec) {
    Line made = line(label);
    const auto found = seen_.probes.find(spec.name);
    const int name = std::clamp(columns_of(one_line(spec.name, terms_.unicode)), 14, 24);
    made.field(spec.name, name).add(" ");
    if (found == seen_.probes.end()) return put(made.add("not asked yet", Ink::dim));
    if (!is_asked(spec)) return put(made.add("not asked now", Ink::dim));
    const SeenAnswer& answer = found->second;
    const Duration ago = now_ - answer.end;
    const bool old = ago > 3 * spec.every + spec.timeout;
    const bool bad = !answer.ok && !is_evidence_alone(spec, *d_.plan.playbook);
    made.field(answer.ok ? "ok"
               : bad     ? "FAILS"
                         : "no",
               6,
               answer.ok ? Ink::good
               : bad     ? Ink::bad
                         : Ink::dim);
    const std::string when = old ? "  " + brief(ago) + " ago" : "";
    made.field(answer.text, made.left() - static_cast<int>(when.size()));
    put(made.add(when, Ink::warn));
  }

  void undos() {
    std::size_t owed = 0, done = 0, superseded = 0;
    for (const auto& deed : d_.deeds) {
      owed += deed.open() ? 1 : 0;
      done += deed.stage == Stage::undone ? 1 : 0;
      superseded += deed.stage == Stage::superseded ? 1 : 0;
    }
    const bool alone = d_.stop && d_.stop->asked.by == StopBy::guardian;
    Line made = line("undos");
    made.add(std::to_string(owed) + " owed, " + std::to_string(done) + " done");
    if (superseded > 0) made.add(", " + std::to_string(superseded) + " superseded");
    if (!d_.residue.empty()) {
      made.add(", " + std::to_string(d_.residue.size()) + " RESIDUE", Ink::bad);
    }
    made.add(alone ? "; the guardian is DEAD" : "; the guardian watches",
             alone ? Ink::bad : Ink::dim);
    put(made);
  }

  void stopping() {
    std::string text = what_a_stop_does(d_);
    Line made(terms_);
    made.add(" ");
    // What the next one does is left out rather than cut.
    if (columns_of(text) > made.left()) text = text.substr(0, text.find(';'));
    put(made.add(text, d_.stop ? Ink::warn : Ink::dim));
  }

  const Drill& d_;
  const WatchedDrill& seen_;
  const Instant now_;
  const TerminalTerms& terms_;
  int room_ = 0;
  std::size_t probe_lines_ = 0;
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> screen(const Drill& drill, const WatchedDrill& watched, Instant now,
                                const TerminalTerms& terms) {
  if (terms.columns < kLeastColumns || terms.rows < kLeastRows) return {};
  return Screen(drill, watched, now, terms).lines();
}

std::string load_line(const std::string& load, const std::deque<SeenWindow>& windows,
                      std::size_t last) {
  const LoadNow now = load_now(windows, last);
  return load + " " + rate_of(now) + ", " + percent(now.success) + " ok, p99 " +
         milliseconds(now.p99_s) + (now.marked ? ", we are late" : "");
}

}  // namespace gameday
