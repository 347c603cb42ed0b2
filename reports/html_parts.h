// The parts of the HTML report, each a pure function of the page. Internal to reports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

// A time in which a fault was in force.
struct Band {
  std::string id;
  double from_s = 0, to_s = 0;
};

struct Page {
  const Story& story;
  const Json& result;
  double length_s = 1;  // of the timeline
  std::vector<Band> bands;
  std::string counted_from = "from when a request was due";  // what a load's latency is
};

// Where a moment stands on the timeline, as an SVG length: "12.345%".
[[nodiscard]] std::string across(const Page& page, double at_s);
// The faults' bands over the whole height of a plot, and the lines of its time axis.
[[nodiscard]] std::string backdrop(const Page& page);
// A row of the timeline: its label and its plot, `content` being SVG in a plot `height` high.
struct PlotRow {
  std::string label;        // HTML
  std::string description;  // plain text, for who cannot see the plot
  int height = 22;
  std::string content;
};
[[nodiscard]] std::string plot_row(const Page& page, const PlotRow& row);
// Seconds between lines of the time axis.
[[nodiscard]] double axis_step(double length_s);

[[nodiscard]] std::string section(std::string_view id, std::string_view title,
                                  const std::string& content);
[[nodiscard]] std::string paragraph(std::string_view text);  // plain text
// A number of seconds as a cell; `otherwise` where there is none.
[[nodiscard]] std::string seconds_or(const Json& value, std::string_view otherwise);
[[nodiscard]] std::string names_of(const Json::Array& names);

// A page around `body`, which loads nothing and runs nothing.
[[nodiscard]] std::string html_document(const std::string& title, const std::string& body);
// A figure with what it is and what stands beside it; plain texts.
[[nodiscard]] std::string tile(std::string_view name, const std::string& figure,
                               const std::string& beside);
[[nodiscard]] std::string time_axis(const Page& page);

[[nodiscard]] std::string_view report_style();
[[nodiscard]] std::string verdict_part(const Page& page);
[[nodiscard]] std::string by_hand_part(const Page& page);
[[nodiscard]] std::string figures_part(const Page& page);
[[nodiscard]] std::string objectives_part(const Page& page);
[[nodiscard]] std::string timeline_part(const Page& page);
[[nodiscard]] std::string step_rows(const Page& page);
[[nodiscard]] std::string outage_rows(const Page& page);
[[nodiscard]] std::string load_charts(const Page& page);
[[nodiscard]] std::string probe_rows(const Page& page);
[[nodiscard]] std::string outages_part(const Page& page);
[[nodiscard]] std::string ledgers_part(const Page& page);
[[nodiscard]] std::string copies_part(const Page& page);
[[nodiscard]] std::string invariants_part(const Page& page);
[[nodiscard]] std::string faults_part(const Page& page);
[[nodiscard]] std::string loads_part(const Page& page);
[[nodiscard]] std::string probes_part(const Page& page);
[[nodiscard]] std::string score_part(const Page& page);
[[nodiscard]] std::string people_part(const Page& page);
[[nodiscard]] std::string plan_part(const Page& page);
[[nodiscard]] std::string evidence_part(const Page& page);

}  // namespace gameday
