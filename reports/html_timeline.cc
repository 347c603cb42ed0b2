// The timeline: steps, outages and probes over the time axis, with the faults' bands behind.
#include <algorithm>
#include <cmath>

#include "reports/html_parts.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr int kRowHeight = 22;
constexpr int kMostLines = 6;  // of the time axis: so many labels fit a narrow screen
constexpr double kRoomBefore = 25;
constexpr double kRoomAfter = 75;  // percent; further right a bar's text stands before it

double percent(const Page& page, double at_s) {
  return std::clamp(at_s / page.length_s, 0.0, 1.0) * 100;
}

std::string rectangle(const Page& page, double from, double to, int y, int height,
                      std::string_view style) {
  const double x = percent(page, from);
  return "<rect class=\"" + std::string(style) + "\" x=\"" + fixed(x, 3) + "%\" y=\"" +
         std::to_string(y) + "\" width=\"" + fixed(percent(page, to) - x, 3) + "%\" height=\"" +
         std::to_string(height) + "\"/>";
}

// A text right of a bar; left of it where there is no room, or else at its end.
std::string beside(const Page& page, double from, double to, int y, const std::string& text) {
  const bool after = percent(page, to) <= kRoomAfter;
  const bool inside = !after && percent(page, from) < kRoomBefore;
  return "<text class=\"bar-text" + std::string(after ? "" : " before") + "\" x=\"" +
         across(page, after || inside ? to : from) + "\" y=\"" + std::to_string(y) + "\" dx=\"" +
         (after ? "6" : "-6") + "\">" + escaped(text) + "</text>";
}

std::string step_row(const Page& page, const StepStory& step) {
  const double from = step.started.at_s;
  const double to = step.ended ? step.ended->at_s : page.story.ended.at_s;
  const DeedStory* deed = step.step == "fault" ? page.story.deed(step.id) : nullptr;
  std::string content;
  double end = to;
  if (deed != nullptr && deed->injected) {
    end = deed->reverted ? deed->reverted->at_s : page.story.ended.at_s;
    end = std::max(end, to);
    content += rectangle(page, deed->recorded.at_s, end, 9, 4, "in-force");
  }
  content += rectangle(page, from, to, 4, 14, "bar " + step.step);
  std::string text = shown_seconds(to - from);
  if (deed != nullptr && deed->injected) {
    text = "in force " + shown_seconds(end - deed->recorded.at_s);
  }
  if (!step.ended) text += ", never ended";
  if (step.ended && !step.ok) text += " ✕ failed";
  content += beside(page, from, end, 15, text);
  const std::string kind = deed != nullptr ? deed->kind : step.step;
  // An id that was made from the kind says it already.
  const std::string more = step.id.starts_with(kind) ? "" : " <span>" + escaped(kind) + "</span>";
  return plot_row(
      page, {"<b>" + escaped(step.id) + "</b>" + more,
             step.id + ": from " + shown_offset(from) + " to " + shown_offset(to), 22, content});
}

// What every drill ends with, after its last step: one row.
std::string ending_row(const Page& page) {
  std::vector<const Note*> phases;
  for (const auto& note : page.story.notes) {
    if (note.type == "phase") phases.push_back(&note);
  }
  std::string content, told;
  double first = -1, last = 0;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const std::string name = phases[i]->data.text("phase");
    if (name == "starting" || name == "loading" || name == "running" || name == "closed") continue;
    const double from = phases[i]->at.at_s;
    last = i + 1 < phases.size() ? phases[i + 1]->at.at_s : page.story.ended.at_s;
    if (first < 0) first = from;
    content += rectangle(page, from, last, 4, 14, "bar " + name);
    told += (told.empty() ? "" : ", ") + name + " " + shown_seconds(last - from);
  }
  if (first < 0) return "";
  content += beside(page, first, last, 15, shown_seconds(last - first));
  return plot_row(page,
                  {"<b>the end</b> <span title=\"" + escaped(told) + "\">undo to clean-up</span>",
                   "the end of the drill: " + told, 22, content});
}

struct Run {
  double from = 0, to = 0;
  bool ok = false;
};

// Attempts of the same outcome, one after the other, become one run. Runs too short to be seen
// become one with their neighbours, failed if one of them is: a page has no room for a million.
std::vector<Run> runs_of(const std::vector<ProbeAttempt>& attempts, double shortest_s) {
  std::vector<Run> runs;
  for (const auto& attempt : attempts) {
    if (!runs.empty() && runs.back().ok == attempt.ok) {
      runs.back().to = attempt.end_s;
    } else if (!runs.empty() && attempt.end_s - runs.back().from < shortest_s) {
      runs.back().to = std::max(runs.back().to, attempt.end_s);
      runs.back().ok = runs.back().ok && attempt.ok;
    } else {
      if (!runs.empty()) runs.back().to = std::max(runs.back().to, attempt.start_s);
      runs.push_back({attempt.start_s, attempt.end_s, attempt.ok});
    }
  }
  return runs;
}

constexpr std::string_view kKey =
    "<ul class=\"key\"><li><svg width=\"26\" height=\"14\"><rect class=\"band\" width=\"26\" "
    "height=\"14\"/></svg> a fault is in force</li><li><svg width=\"26\" height=\"14\"><rect "
    "class=\"outage\" y=\"3\" width=\"26\" height=\"8\"/></svg> outage, as clients saw it</li>"
    "<li><svg width=\"26\" height=\"14\"><rect class=\"good\" y=\"6\" width=\"10\" "
    "height=\"3\"/><rect class=\"failed\" x=\"11\" width=\"15\" height=\"14\"/></svg> probe: good, "
    "failed</li><li><svg width=\"26\" height=\"14\"><rect class=\"good\" y=\"6\" width=\"10\" "
    "height=\"3\"/><rect class=\"no\" x=\"11\" y=\"6\" width=\"15\" height=\"3\"/></svg> evidence "
    "alone: "
    "yes, no</li></ul>\n";

}  // namespace

std::string time_axis(const Page& page) {
  std::string content;
  const double step = axis_step(page.length_s);
  for (double at = 0; at <= page.length_s; at += step) {
    const double x = percent(page, at);
    const char* anchor = x < 4 ? "start" : x > 96 ? "end" : "middle";
    std::string label = shown_offset(at);
    if (step >= 1) label.resize(label.size() - 2);
    content += "<text class=\"axis\" x=\"" + fixed(x, 3) + "%\" y=\"13\" text-anchor=\"" + anchor +
               "\">" + label + "</text>";
  }
  return "<div class=\"row axis-row\"><div class=\"label\">min:s</div><div "
         "class=\"plot\"><svg height=\"18\" role=\"img\" aria-label=\"time axis\">" +
         content + "</svg></div></div>\n";
}

double axis_step(double length_s) {
  constexpr double kSteps[] = {1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600};
  for (const double step : kSteps) {
    if (length_s / step <= kMostLines) return step;
  }
  return std::ceil(length_s / kMostLines / 3600) * 3600;
}

std::string across(const Page& page, double at_s) { return fixed(percent(page, at_s), 3) + "%"; }

std::string backdrop(const Page& page) {
  std::string out;
  for (const auto& band : page.bands) {
    const std::string x = across(page, band.from_s);
    out += "<rect class=\"band\" x=\"" + x + "\" y=\"0\" width=\"" +
           fixed(percent(page, band.to_s) - percent(page, band.from_s), 3) +
           "%\" height=\"100%\"><title>" + escaped(band.id) + "</title></rect>";
  }
  const double step = axis_step(page.length_s);
  for (double at = 0; at <= page.length_s; at += step) {
    const std::string x = across(page, at);
    out += "<line class=\"grid\" x1=\"" + x + "\" x2=\"" + x + "\" y1=\"0\" y2=\"100%\"/>";
  }
  return out;
}

std::string plot_row(const Page& page, const PlotRow& row) {
  return "<div class=\"row\"><div class=\"label" +
         std::string(row.height > kRowHeight ? "" : " one-line") + "\">" + row.label +
         "</div><div class=\"plot\"><svg height=\"" + std::to_string(row.height) +
         "\" role=\"img\" aria-label=\"" + escaped(row.description) + "\">" + backdrop(page) +
         row.content + "</svg></div></div>\n";
}

std::string step_rows(const Page& page) {
  std::string out;
  for (const auto& step : page.story.steps) out += step_row(page, step);
  return out + ending_row(page);
}

std::string outage_rows(const Page& page) {
  std::map<std::string, std::string> content;
  for (const auto& outage : page.result.items("outages")) {
    const auto from = page.story.offset_of(outage.get("from"));
    const auto to = page.story.offset_of(outage.get("to"));
    if (!from) continue;
    std::string& row = content[outage.text("source")];
    const double end = to.value_or(page.story.ended.at_s);
    row += rectangle(page, *from, end, 7, 8, "outage");
    row += beside(page, *from, end, 15,
                  "at most " + shown_seconds(outage.get("rto_s").number("hi", 0)));
  }
  std::string out;
  for (const auto& [source, bars] : content) {
    out += plot_row(page, {"<b>outage</b> <span>" + escaped(source) + "</span>",
                           "outages that " + source + " saw", 22, bars});
  }
  return out;
}

std::string probe_rows(const Page& page) {
  std::string out;
  for (const auto& [probe, attempts] : page.story.probes) {
    std::string content;
    const bool alone = page.story.is_evidence_alone(probe);
    std::int64_t good = 0;
    for (const auto& attempt : attempts) good += attempt.ok;
    constexpr double kNarrowest = 1.0 / 1200;  // of the page
    for (const auto& run : runs_of(attempts, kNarrowest * page.length_s)) {
      content += run.ok  ? rectangle(page, run.from, run.to, 9, 3, "good")
                 : alone ? rectangle(page, run.from, run.to, 9, 3, "no")
                         : rectangle(page, run.from, run.to, 4, 14, "failed");
    }
    out += plot_row(
        page, {"<b>" + escaped(probe) + "</b> <span>probe</span>",
               probe + ": " + shown_count(good) + " of " +
                   shown_count(static_cast<std::int64_t>(attempts.size())) + " attempts were good",
               22, content});
  }
  return out;
}

std::string timeline_part(const Page& page) {
  if (page.story.steps.empty() && page.story.loads.empty() && page.story.probes.empty()) {
    return section("timeline", "Timeline", paragraph("No step was begun."));
  }
  return section("timeline", "Timeline",
                 std::string(kKey) + "<div class=\"chart\">\n" + time_axis(page) + step_rows(page) +
                     outage_rows(page) + probe_rows(page) + load_charts(page) + time_axis(page) +
                     "</div>\n");
}

}  // namespace gameday
