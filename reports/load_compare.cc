#include "reports/load_compare.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/base/random.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr std::size_t kDraws = 4000;
constexpr double kLevel = 0.05;        // of being wrong about any figure
constexpr double kResolution = 0.008;  // of a histogram's buckets: no difference below is seen
constexpr double kSameRate = 0.01;

struct Second {
  double due = 0, ok = 0, p50 = 0, p99 = 0;
};
using Seconds = std::vector<Second>;

std::unexpected<Error> cannot(const std::string& why) {
  return fail(ErrorCode::invalid, "not comparable: " + why);
}

// Those that are whole, not marked, and had something due.
Seconds seconds_of(const Json& document) {
  Seconds seconds;
  const double length = document.number("length_s", 0);
  for (const auto& second : document.items("seconds")) {
    const bool whole = second.number("from_s", 0) + 1 <= length + 1e-6;
    const bool told = second.get("p50_s").is_number() && second.get("p99_s").is_number();
    if (!whole || !told || second.boolean("marked", true)) continue;
    seconds.push_back({static_cast<double>(second.integer("due", 0)),
                       static_cast<double>(second.integer("ok", 0)), second.number("p50_s", 0),
                       second.number("p99_s", 0)});
  }
  return seconds;
}

Status is_usable(const Json& document, const std::string& name) {
  if (document.text("command") != "load" || document.text("gameday") != "1") {
    return cannot(name + " is no document of `gameday load --json`");
  }
  const std::string verdict = document.text("verdict");
  if (verdict != "measured" && verdict != "stopped") {
    return cannot(name + " is of a load that was " + verdict);
  }
  return {};
}

Status are_alike(const Json& a, const Json& b) {
  for (const char* member : {"loop", "arrivals"}) {
    if (a.text(member) != b.text(member)) {
      return cannot(std::string("their ") + member + " differ");
    }
  }
  const double rate_a = a.number("rate", 0), rate_b = b.number("rate", 0);
  if (std::abs(rate_a - rate_b) > kSameRate * std::max(rate_a, rate_b)) {
    return cannot("their rates differ: " + fixed(rate_a, 1) + "/s and " + fixed(rate_b, 1) + "/s");
  }
  const bool closed = a.text("loop") == "closed";
  if (closed && a.integer("connections", 0) != b.integer("connections", 0)) {
    return cannot("their connections differ, and a closed loop's latencies with them");
  }
  return {};
}

std::vector<std::string> notes_of(const Json& a, const Json& b) {
  std::vector<std::string> notes;
  const auto differ = [&](const std::string& what, const Json& in_a, const Json& in_b) {
    if (in_a != in_b) notes.push_back(what + ": " + in_a.dump() + " and " + in_b.dump());
  };
  for (const char* member : {"method", "url", "timeout_s", "connections"}) {
    differ(member, a.get("plan").get(member), b.get("plan").get(member));
  }
  const auto carried = [](const Json& document) {
    const auto& loads = document.items("load");
    return loads.empty() ? Json() : loads.front().get("transport").get("name");
  };
  differ("transport", carried(a), carried(b));
  return notes;
}

double median_of(Seconds& seconds, double Second::* value) {
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::ranges::nth_element(seconds, middle, {}, value);
  const double high = (*middle).*value;
  if (seconds.size() % 2 == 1) return high;
  return (high + (*std::ranges::max_element(seconds.begin(), middle, {}, value)).*value) / 2;
}

double mean_ok(Seconds& seconds) {
  double sum = 0;
  for (const auto& second : seconds) sum += second.ok;
  return sum / static_cast<double>(seconds.size());
}

double error_share(Seconds& seconds) {
  double due = 0, ok = 0;
  for (const auto& second : seconds) {
    due += second.due;
    ok += second.ok;
  }
  return due > 0 ? (due - ok) / due : 0;
}

struct Figure {
  std::string name;
  bool is_ratio;
  double resolution;
  std::function<double(Seconds&)> of;
};

std::vector<Figure> figures_of(bool closed) {
  std::vector<Figure> figures = {
      {"p50", true, kResolution, [](Seconds& s) { return median_of(s, &Second::p50); }},
      {"p99", true, kResolution, [](Seconds& s) { return median_of(s, &Second::p99); }},
      {"errors", false, 0, error_share}};
  if (closed) figures.push_back({"ok_rate", true, 0, mean_ok});
  return figures;
}

Seconds drawn(const Seconds& from, Random& random) {
  const auto block =
      static_cast<std::size_t>(std::ceil(std::cbrt(static_cast<double>(from.size()))));
  Seconds made;
  made.reserve(from.size() + block);
  while (made.size() < from.size()) {
    const std::size_t at = random.below(from.size());
    for (std::size_t i = 0; i < block; ++i) made.push_back(from[(at + i) % from.size()]);
  }
  made.resize(from.size());
  return made;
}

double change(const Figure& figure, double a, double b) { return figure.is_ratio ? b / a : b - a; }

// Of all figures, from the same draws.
std::vector<LoadDifference> differences_of(const std::vector<Figure>& figures, Seconds a, Seconds b,
                                           std::uint64_t seed) {
  std::vector<std::vector<double>> changes(figures.size());
  Random random(seed);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    Seconds one = drawn(a, random), other = drawn(b, random);
    for (std::size_t i = 0; i < figures.size(); ++i) {
      const double from = figures[i].of(one);
      changes[i].push_back(change(figures[i], from, figures[i].of(other)));
    }
  }
  const double each = kLevel / static_cast<double>(figures.size());
  const auto out = static_cast<std::size_t>(each / 2 * static_cast<double>(kDraws));
  std::vector<LoadDifference> all;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const Figure& figure = figures[i];
    std::ranges::sort(changes[i]);
    LoadDifference made{figure.name, figure.of(a), figure.of(b), figure.is_ratio, 0, 0, false};
    made.lo = changes[i][out];
    made.hi = changes[i][kDraws - 1 - out];
    const double none = figure.is_ratio ? 1 : 0;
    made.shown = made.lo > none + figure.resolution || made.hi < none - figure.resolution;
    all.push_back(std::move(made));
  }
  return all;
}

std::string shown_figure(const LoadDifference& difference, double value) {
  if (difference.figure == "errors") return shown_ratio(value);
  if (difference.figure == "ok_rate") return fixed(value, 1) + "/s";
  return shown_seconds(value);
}

std::string shown_change(const LoadDifference& difference, double value) {
  if (!difference.is_ratio) value += 1;
  const double percent = (value - 1) * 100;
  return (percent >= 0 ? "+" : "") + fixed(percent, difference.is_ratio ? 1 : 3) + " %";
}

std::string padded(std::string text, std::size_t columns) {
  text.resize(std::max(text.size() + 1, columns), ' ');
  return text;
}

}  // namespace

bool LoadComparison::differs() const {
  return std::ranges::any_of(differences, &LoadDifference::shown);
}

Result<LoadComparison> compared_loads(const Json& a, const Json& b, std::uint64_t seed) {
  TRY_OK(is_usable(a, "A"));
  TRY_OK(is_usable(b, "B"));
  TRY_OK(are_alike(a.get("plan"), b.get("plan")));
  const Seconds seconds_a = seconds_of(a), seconds_b = seconds_of(b);
  for (const auto& [name, seconds] : {std::pair("A", &seconds_a), std::pair("B", &seconds_b)}) {
    if (seconds->size() >= kLeastSeconds) continue;
    return cannot(std::string(name) + " has " + std::to_string(seconds->size()) +
                  " whole seconds that are not marked, and " + std::to_string(kLeastSeconds) +
                  " are needed");
  }
  LoadComparison made{{}, seconds_a.size(), seconds_b.size(), notes_of(a, b), seed};
  const auto figures = figures_of(a.get("plan").text("loop") == "closed");
  for (const auto& figure : figures) {
    Seconds one = seconds_a;
    if (figure.is_ratio && figure.of(one) <= 0) return cannot("A has no " + figure.name);
  }
  made.differences = differences_of(figures, seconds_a, seconds_b, seed);
  return made;
}

Json to_json(const LoadComparison& comparison) {
  Json differences = Json::array(), notes = Json::array();
  for (const auto& one : comparison.differences) {
    differences.push(Json::object({{"figure", one.figure},
                                   {"a", one.a},
                                   {"b", one.b},
                                   {"change", one.is_ratio ? "b/a" : "b-a"},
                                   {"lo", one.lo},
                                   {"hi", one.hi},
                                   {"shown", one.shown}}));
  }
  for (const auto& note : comparison.notes) notes.push(note);
  return Json::object(
      {{"gameday", "1"},
       {"command", "load --compare"},
       {"differs", comparison.differs()},
       {"confidence", 1 - kLevel},
       {"seconds", Json::object({{"a", comparison.seconds_a}, {"b", comparison.seconds_b}})},
       {"seed", comparison.seed},
       {"differences", differences},
       {"notes", notes}});
}

std::string text_of(const LoadComparison& comparison) {
  std::string out = "  " + padded("a second's", 12) + padded("A", 12) + padded("B", 12) +
                    "change of B, with its 95 % interval\n";
  for (const auto& one : comparison.differences) {
    const double now = one.is_ratio ? one.b / one.a : one.b - one.a;
    out += "  " + padded(one.figure, 12) + padded(shown_figure(one, one.a), 12) +
           padded(shown_figure(one, one.b), 12) + padded(shown_change(one, now), 10) + "[" +
           shown_change(one, one.lo) + ", " + shown_change(one, one.hi) + "]  " +
           (one.shown ? "differs" : "no difference shown") + "\n";
  }
  for (const auto& note : comparison.notes) out += "  not the same: " + neutral(note) + "\n";
  out += "  " + std::to_string(comparison.seconds_a) + " and " +
         std::to_string(comparison.seconds_b) + " seconds, drawn in blocks (bootstrap, seed " +
         std::to_string(comparison.seed) + "); steady runs are assumed.\n";
  return out + (comparison.differs() ? "the two runs differ"
                                     : "no difference was shown, which does not make them equal");
}

}  // namespace gameday
