// The score: each pillar as a range, for what was not looked at is no score; then every criterion,
// those that say least first, each with the events that it goes by.
#include "reports/html_parts.h"
#include "reports/markup.h"
#include "reports/result.h"

namespace gameday {
namespace {

std::string percent(double points) { return fixed(points, 1) + "%"; }

// From nothing to all: what was earned, and what could be if all that is open were passed.
std::string range_bar(const Json& sum, const std::string& name) {
  const double floor = sum.number("floor", 0);
  const double ceiling = std::max(floor, sum.number("ceiling", 100));
  return "<svg role=\"img\" aria-label=\"" + escaped(name + ": " + shown_range(sum)) +
         "\"><rect class=\"track\" x=\"0\" y=\"1\" width=\"100%\" height=\"14\"/><rect "
         "class=\"open\" x=\"" +
         percent(floor) + "\" y=\"1\" width=\"" + percent(ceiling - floor) +
         "\" height=\"14\"/><rect class=\"earned\" x=\"0\" y=\"1\" width=\"" + percent(floor) +
         "\" height=\"14\"/></svg>";
}

std::string bar_row(const Json& sum, const std::string& name, const std::string& after,
                    bool whole) {
  return "<div" + std::string(whole ? " class=\"whole\"" : "") + ">" + escaped(name) + "</div>\n" +
         range_bar(sum, name) + "\n<div class=\"of\">" + fixed(sum.number("floor", 0), 1) +
         "&ndash;" + fixed(sum.number("ceiling", 100), 1) + " <span>" + escaped(after) +
         "</span></div>\n";
}

std::string coverage_of(const Json& sum) {
  return "coverage " + shown_ratio(sum.number("coverage", 0));
}

std::string bars(const Json& score) {
  std::string out = "<div class=\"pillars\">\n" + bar_row(score, "all", coverage_of(score), true);
  for (const auto& pillar : score.items("pillars")) {
    out += bar_row(pillar, pillar.text("pillar") + ", " + shown_ratio(pillar.number("weight", 0)),
                   coverage_of(pillar), false);
  }
  return out +
         bar_row(score.get("equal_weights"), "with every pillar alike",
                 coverage_of(score.get("equal_weights")), false) +
         "</div>\n<ul class=\"key\"><li><svg width=\"26\" height=\"12\"><rect class=\"earned\" "
         "width=\"26\" height=\"12\"/></svg> earned</li><li><svg width=\"26\" height=\"12\"><rect "
         "class=\"open\" width=\"26\" height=\"12\"/></svg> not assessed: could be earned</li>"
         "</ul>\n";
}

std::string gates(const Json& score) {
  std::string list;
  for (const auto& gate : score.items("gates")) {
    list += "<li><strong class=\"bad\">Gate " + escaped(gate.text("id")) +
            " is shut</strong>: " + escaped(gate.text("reason")) + "</li>\n";
  }
  return list.empty() ? "" : "<ul class=\"gates\">\n" + list + "</ul>\n";
}

std::string result_mark(const std::string& result) {
  if (result == "pass") return mark(Json(true), "pass", "", "");
  if (result == "fail") return mark(Json(false), "", "fail", "");
  if (result == "not_applicable") {
    return "<span class=\"mark\"><b aria-hidden=\"true\">–</b> does not apply</span>";
  }
  const std::string_view word = result == "partial"   ? "partial"
                                : result == "invalid" ? "invalid"
                                                      : "not assessed";
  return mark(Json(), "", "", word);
}

std::string events(const Json& criterion) {
  std::string out;
  for (const auto& number : criterion.items("evidence")) {
    if (number.is_integer()) out += (out.empty() ? "" : ", ") + std::to_string(number.integer());
  }
  return out;
}

std::string criteria(const Json& pillar) {
  Table table(
      {"Criterion", "What holds where it passes", "Result", "Weight", "Level", "Why", "Events"});
  for (const auto& one : in_reading_order(pillar)) {
    table.row({escaped(one.text("id")), escaped(one.text("title")), result_mark(one.text("result")),
               fixed(one.number("weight", 0), 0), escaped(one.text("level")),
               escaped(one.text("reason")), events(one)});
  }
  const Json& measured = pillar.get("measured");
  const std::string of =
      measured.is_number() ? fixed(measured.number(), 1) + " of what was assessed" : "not assessed";
  const std::string why = pillar.text("why").empty()
                              ? ""
                              : "<p class=\"note\">" + escaped(pillar.text("why")) + ".</p>\n";
  return "<h3>" + escaped(pillar.text("pillar")) + " <span>" + escaped(of) + "</span></h3>\n" +
         why + table.html("Its criteria, those that say least first");
}

}  // namespace

std::string score_part(const Page& page) {
  const Json& score = page.result.get("score");
  std::string content = "<p class=\"score-head\">" + fixed(score.number("floor", 0), 1) +
                        " <small>of 100; the " + "range is " + fixed(score.number("floor", 0), 1) +
                        " to " + fixed(score.number("ceiling", 100), 1) + ", for " +
                        escaped(coverage_of(score)) + "</small></p>\n" + gates(score) + bars(score);
  std::string tables;
  for (const auto& pillar : score.items("pillars")) tables += criteria(pillar);
  content += "<div class=\"criteria\">\n" + tables + "</div>\n";
  return section("score", "Score",
                 content +
                     "<p class=\"note\">What was not assessed earns nothing and stays in "
                     "the sum. Events are the numbers of lines in journal.jsonl. Of the six "
                     "pillars of today's framework, sustainability is not looked at.</p>\n");
}

}  // namespace gameday
