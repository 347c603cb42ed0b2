// What clients saw second by second: latency on a logarithmic scale, and answers.
#include <algorithm>
#include <cmath>

#include "reports/html_parts.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr std::size_t kMostPoints = 1200;
constexpr int kLatencyHeight = 150, kAnswersHeight = 96;
constexpr int kPlotUnits = 10000;  // width of the inner plots, stretched to the page's

using Seconds = std::vector<LoadSecond>;

// Long drills are drawn in steps of several seconds: quantiles cannot be merged, so the worst one
// stands for all.
struct Drawn {
  Seconds points;
  double every_s = 1;
};

Drawn drawn_of(const Seconds& seconds) {
  const std::size_t every = (seconds.size() + kMostPoints - 1) / kMostPoints;
  Drawn drawn{{}, static_cast<double>(std::max<std::size_t>(every, 1))};
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    if (every <= 1 || i % every == 0) {
      drawn.points.push_back(seconds[i]);
      continue;
    }
    auto& point = drawn.points.back();
    point.due += seconds[i].due;
    point.ok += seconds[i].ok;
    point.errors += seconds[i].errors;
    point.p50_s = std::max(point.p50_s, seconds[i].p50_s);
    point.p99_s = std::max(point.p99_s, seconds[i].p99_s);
    point.max_s = std::max(point.max_s, seconds[i].max_s);
    point.marked = point.marked || seconds[i].marked;
  }
  return drawn;
}

std::string x_of(const Page& page, double at_s) {
  return fixed(std::clamp(at_s / page.length_s, 0.0, 1.0) * kPlotUnits, 0);
}

// A plot stretched over the width, whose lines keep their own.
std::string stretched(int height, const std::string& content) {
  return "<svg class=\"stretched\" width=\"100%\" height=\"" + std::to_string(height) +
         "\" viewBox=\"0 0 " + std::to_string(kPlotUnits) + " " + std::to_string(height) +
         "\" preserveAspectRatio=\"none\" aria-hidden=\"true\">" + content + "</svg>";
}

std::string path(std::string_view style, const std::string& points) {
  return "<path class=\"" + std::string(style) + "\" d=\"" + points +
         "\" vector-effect=\"non-scaling-stroke\"/>";
}

// Decades of seconds that hold all latencies.
struct LogScale {
  double low = -3, high = 0;
  int height = kLatencyHeight;
  [[nodiscard]] double y(double seconds) const {
    const double decade = std::log10(std::max(seconds, 1e-9));
    const double share = std::clamp((decade - low) / (high - low), 0.0, 1.0);
    return height - 4 - share * (height - 12);
  }
};

LogScale scale_of(const Seconds& points) {
  double low = 0, high = -9;
  for (const auto& point : points) {
    for (const double value : {point.p50_s, point.p99_s, point.max_s}) {
      if (value <= 0) continue;
      low = std::min(low, std::floor(std::log10(value)));
      high = std::max(high, std::ceil(std::log10(value)));
    }
  }
  if (high <= low) high = low + 1;
  return {low, high, kLatencyHeight};
}

std::string latency_lines(const Page& page, const Drawn& drawn, const LogScale& scale,
                          double LoadSecond::* value) {
  std::string points;
  bool gap = true;
  double last = 0;
  for (const auto& point : drawn.points) {
    if (point.from_s - last > 1.5 * drawn.every_s) gap = true;  // a time without windows
    last = point.from_s;
    if (point.due == 0 || point.*value <= 0) {
      gap = true;
      continue;
    }
    points += (gap ? "M" : "L") + x_of(page, point.from_s + drawn.every_s / 2) + " " +
              fixed(scale.y(point.*value), 1);
    gap = false;
  }
  return points;
}

std::string gridline(double y, const std::string& label, std::string_view style) {
  const std::string at = fixed(y, 1);
  return "<line class=\"" + std::string(style) + "\" x1=\"0\" x2=\"100%\" y1=\"" + at + "\" y2=\"" +
         at + "\"/><text class=\"scale\" x=\"3\" y=\"" + fixed(y - 3, 1) + "\">" + escaped(label) +
         "</text>";
}

std::string objective_line(const Page& page, const LogScale& scale) {
  for (const auto& objective : page.result.items("objectives")) {
    const Json& wanted = objective.get("objective");
    if (objective.text("name") != "latency_p99" || !wanted.is_number()) continue;
    if (wanted.number() <= 0 || std::log10(wanted.number()) > scale.high) continue;
    const std::string y = fixed(scale.y(wanted.number()), 1);
    return "<line class=\"objective\" x1=\"0\" x2=\"100%\" y1=\"" + y + "\" y2=\"" + y +
           "\"/><text class=\"scale wanted\" x=\"100%\" dx=\"-3\" y=\"" +
           fixed(scale.y(wanted.number()) - 3, 1) + "\">p99 objective " +
           escaped(shown_seconds(wanted.number())) + "</text>";
  }
  return "";
}

constexpr std::string_view kLongest =
    "<li><svg width=\"26\" height=\"10\"><line class=\"max\" x1=\"0\" x2=\"26\" y1=\"5\" y2=\"5\"/>"
    "</svg> max</li>";

std::string latency_row(const Page& page, const std::string& load, const Drawn& drawn) {
  const std::string counted_from = page.counted_from;
  const LogScale scale = scale_of(drawn.points);
  std::string content;
  for (double decade = scale.low; decade <= scale.high; ++decade) {
    const double value = std::pow(10.0, decade);
    const std::string label = value >= 1       ? fixed(value, 0) + " s"
                              : value >= 0.001 ? fixed(value * 1000, 0) + " ms"
                                               : fixed(value * 1e6, 0) + " µs";
    content += gridline(scale.y(value), decade < scale.high ? label : "", "level");
  }
  for (const auto& point : drawn.points) {
    if (!point.marked) continue;
    const std::string at = "\" x=\"" + across(page, point.from_s) + "\" width=\"" +
                           fixed(100 * drawn.every_s / page.length_s, 3) + "%\" ";
    content += "<rect class=\"marked ground" + at + "y=\"0\" height=\"100%\"/>" +
               "<rect class=\"marked" + at + "y=\"" + std::to_string(kLatencyHeight - 4) +
               "\" height=\"4\"/>";
  }
  content += objective_line(page, scale);
  content += stretched(kLatencyHeight,
                       path("max", latency_lines(page, drawn, scale, &LoadSecond::max_s)) +
                           path("p50", latency_lines(page, drawn, scale, &LoadSecond::p50_s)) +
                           path("p99", latency_lines(page, drawn, scale, &LoadSecond::p99_s)));
  const bool told = std::ranges::any_of(drawn.points, [](auto& p) { return p.max_s > 0; });
  const std::string longest = told ? std::string(kLongest) : "";
  std::string label =
      "<b>latency</b> <span>" + escaped(load) + ", " + counted_from + "</span><ul class=\"key\">" +
      longest +
      "<li><svg width=\"26\" "
      "height=\"10\"><line class=\"p99\" x1=\"0\" x2=\"26\" y1=\"5\" y2=\"5\"/></svg> "
      "p99</li><li><svg width=\"26\" height=\"10\"><line class=\"p50\" x1=\"0\" x2=\"26\" y1=\"5\" "
      "y2=\"5\"/></svg> p50</li></ul>";
  if (std::ranges::any_of(drawn.points, &LoadSecond::marked)) {
    label +=
        "<ul class=\"key\"><li><svg width=\"26\" height=\"10\"><rect class=\"marked\" y=\"3\" "
        "width=\"26\" height=\"4\"/></svg> we were late ourselves</li></ul>";
  }
  if (drawn.every_s > 1) {
    label += "<span>the worst of each " + fixed(drawn.every_s, 0) + " s</span>";
  }
  return plot_row(page, {label, "latency of load " + load + ", per second, logarithmic",
                         kLatencyHeight, content});
}

std::string answers_row(const Page& page, const std::string& load, const Drawn& drawn) {
  double most = 1;
  for (const auto& point : drawn.points) {
    most = std::max(most, static_cast<double>(point.due) / drawn.every_s);
  }
  constexpr double kTop = 16, kGround = kAnswersHeight - 2;
  const auto y = [&](double count) {
    return kGround - count / drawn.every_s / most * (kGround - kTop);
  };
  std::string area = "M0 " + fixed(kGround, 0), errors;
  for (const auto& point : drawn.points) {
    const double ok = static_cast<double>(point.ok);
    const double due = ok + static_cast<double>(point.errors);
    const std::string from = x_of(page, point.from_s);
    const std::string to = x_of(page, point.from_s + drawn.every_s);
    area += "H" + from + "V" + fixed(y(ok), 1) + "H" + to;
    if (point.errors > 0) {
      errors += "<rect class=\"failed flat\" x=\"" + across(page, point.from_s) + "\" y=\"" +
                fixed(y(due), 1) + "\" width=\"" + fixed(100 * drawn.every_s / page.length_s, 3) +
                "%\" height=\"" + fixed(y(ok) - y(due), 1) + "\"/>";
    }
  }
  area += "V" + fixed(kGround, 0) + "Z";
  const std::string content = stretched(kAnswersHeight, path("answered", area)) + errors +
                              gridline(y(most * drawn.every_s), fixed(most, 0) + "/s", "level");
  return plot_row(
      page, {"<b>answers</b> <span>" + escaped(load) +
                 ", per second of being due</span><ul class=\"key\"><li><svg width=\"26\" "
                 "height=\"12\"><rect class=\"answered\" width=\"26\" height=\"12\"/></svg> as "
                 "expected</li><li><svg width=\"26\" height=\"12\"><rect class=\"failed\" "
                 "width=\"26\" height=\"12\"/></svg> not</li></ul>",
             "answers to load " + load + " per second", kAnswersHeight, content});
}

}  // namespace

std::string load_charts(const Page& page) {
  std::string out;
  for (const auto& [load, seconds] : page.story.loads) {
    if (seconds.empty()) continue;
    const Drawn drawn = drawn_of(seconds);
    out += answers_row(page, load, drawn) + latency_row(page, load, drawn);
  }
  return out;
}

}  // namespace gameday
