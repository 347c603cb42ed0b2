// What a reader wants first: the verdict, why, what is left to do by hand, and the objectives.
#include <algorithm>

#include "reports/html_parts.h"
#include "reports/markup.h"

namespace gameday {
namespace {

struct VerdictWords {
  std::string_view verdict, word, glyph, style, meaning;
};
constexpr VerdictWords kVerdicts[] = {
    {"passed", "Passed", "✓", "good", "The drill ran and every objective held."},
    {"failed", "Failed", "✕", "bad",
     "On valid evidence, an objective was missed, data was lost, or a restore failed."},
    {"not_started", "Not started", "–", "unknown", "No fault was injected."},
    {"stopped", "Stopped", "■", "unknown", "The drill was broken off; every fault is undone."},
    {"residue", "Residue", "!", "bad", "Something is left behind and must be put right by hand."},
    {"inconclusive", "Inconclusive", "?", "unknown",
     "What was to be shown was not shown: this is no pass."},
    {"defect", "Defect", "!", "bad", "A defect in gameday itself ended the drill."}};

constexpr const char* kNotMeasured = "not measured";

VerdictWords words_of(const std::string& verdict) {
  for (const auto& words : kVerdicts) {
    if (words.verdict == verdict) return words;
  }
  return {verdict, "Unknown verdict", "?", "unknown", ""};
}

std::string duration_or(const Json& seconds) {
  return seconds.is_number() ? shown_seconds(seconds.number()) : std::string(kNotMeasured);
}

std::string count_or(const Json& count) {
  return count.is_integer() ? shown_count(count.integer()) : std::string(kNotMeasured);
}

// The outage on which RTO is judged.
const Json* longest_outage(const Json& result) {
  const Json* longest = nullptr;
  for (const auto& outage : result.items("outages")) {
    const double hi = outage.get("rto_s").number("hi", 0);
    if (longest == nullptr || hi > longest->get("rto_s").number("hi", 0)) longest = &outage;
  }
  return longest;
}

std::string recovery_tiles(const Json& result) {
  const Json& recovery = result.get("recovery");
  const Json* outage = longest_outage(result);
  std::string beside = "no outage was seen";
  if (outage != nullptr) {
    beside = "at most; at least " + shown_seconds(outage->get("rto_s").number("lo", 0));
  } else if (recovery.get("rto_s").is_null()) {
    beside = "";
  }
  const std::string verified =
      recovery.get("verified_s").is_number()
          ? "data verified after " + unbroken(duration_or(recovery.get("verified_s")))
          : "";
  const std::string of = recovery.get("lost").is_integer()
                             ? "of " + count_or(recovery.get("acknowledged")) + " acknowledged"
                             : "";
  return tile("Time to recover (RTO)", duration_or(recovery.get("rto_s")), beside) +
         tile("Data lost, in time (RPO)", duration_or(recovery.get("rpo_s")), verified) +
         tile("Writes lost", count_or(recovery.get("lost")), of);
}

std::string steady_tiles(const Json& result) {
  std::string out;
  for (const auto& load : result.items("load")) {
    for (const auto& phase : load.items("phases")) {
      const auto due = phase.integer("due", 0);
      if (phase.text("phase") != "steady" || due == 0) continue;
      const double ratio = static_cast<double>(phase.integer("ok", 0)) / static_cast<double>(due);
      out += tile("Success, no fault open", shown_ratio(ratio),
                  load.text("name") + ": " + shown_count(due) + " requests");
      const Json& p99 = phase.get("latency_s").get("p99");
      if (p99.is_number()) {
        out += tile(
            "Latency p99, no fault open", shown_seconds(p99.number()),
            load.text("name") + ": p50 " + shown_seconds(phase.get("latency_s").number("p50", 0)));
      }
    }
  }
  return out;
}

std::string score_tile(const Json& score) {
  const std::string range = "at most " + fixed(score.number("ceiling", 100), 1) + "; coverage " +
                            unbroken(shown_ratio(score.number("coverage", 0)));
  return tile("Score of 100", fixed(score.number("floor", 0), 1), range);
}

std::string asked_for(const std::string& name, const Json& objective) {
  if (name == "rpo" && objective.is_number() && objective.number() == 0) return "nothing lost";
  const bool share = name.find("rate") != std::string::npos;
  return (share ? "at least " : "within ") + shown_measure(name, objective);
}

std::string length_of(const Page& page) {
  const auto from = page.story.offset_of(page.result.get("started"));
  const auto to = page.story.offset_of(page.result.get("ended"));
  return from && to ? shown_seconds(*to - *from) : "";
}

}  // namespace

std::string tile(std::string_view name, const std::string& figure, const std::string& beside) {
  return "<div class=\"tile\"><dt>" + escaped(name) + "</dt><dd class=\"figure" +
         (figure == kNotMeasured ? " none" : "") + "\">" + escaped(figure) + "</dd>" +
         (beside.empty() ? "" : "<dd class=\"beside\">" + escaped(beside) + "</dd>") + "</div>\n";
}

std::string verdict_part(const Page& page) {
  const Json& result = page.result;
  const auto words = words_of(result.text("verdict"));
  const Json& playbook = page.story.planned.get("playbook");
  const char* kind = page.story.planned.find("rehearsal") == nullptr
                         ? "gameday drill report"
                         : "gameday rehearsal: a simulated system, nothing real was measured";
  std::string out = "<header class=\"top\">\n<p class=\"kicker\">" + std::string(kind) +
                    "</p>\n<h1>" + escaped(result.get("playbook").text("name", "unnamed drill")) +
                    "</h1>\n";
  if (!playbook.text("summary").empty()) {
    out += "<p class=\"summary\">" + escaped(playbook.text("summary")) + "</p>\n";
  }
  out += "<p class=\"facts\">" + escaped(shown_time(result.text("started")));
  const auto fact = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) {
      out += " <span class=\"dot\">·</span> " + escaped(name) + escaped(value);
    }
  };
  fact("took ", length_of(page));
  fact("in ", result.text("environment"));
  fact("by ", result.text("operator"));
  fact("owned by ", playbook.text("owner"));
  out += "</p>\n</header>\n<div class=\"verdict " + std::string(words.style) +
         "\">\n<p class=\"word\"><b aria-hidden=\"true\">" + std::string(words.glyph) + "</b> " +
         std::string(words.word) + "</p>\n<div><p class=\"meaning\">" + std::string(words.meaning) +
         " <span class=\"code\">Exit code " + std::to_string(result.integer("exit_code", 0)) +
         ".</span></p>\n<ul>\n";
  for (const auto& reason : result.items("reasons")) {
    out += "<li>" + escaped(reason.text("text")) + "</li>\n";
  }
  return out + "</ul></div>\n</div>\n";
}

std::string by_hand_part(const Page& page) {
  std::string out;
  const auto& residue = page.result.items("residue");
  if (!residue.empty()) {
    std::string list = "<ol>\n";
    for (const auto& item : residue) {
      list += "<li><strong>" + escaped(item.text("what")) + "</strong><br>by hand: <code>" +
              escaped(item.text("by_hand")) + "</code></li>\n";
    }
    out += "<section id=\"residue\" class=\"alarm\">\n<h2>Left behind: do this by hand</h2>\n" +
           list + "</ol>\n</section>\n";
  }
  const Json& stop = page.result.get("stop");
  if (stop.is_null()) return out;
  Table table({"Stopped by", "At", "Why", "Undone after"});
  const Json& undone = stop.get("undone_after_s");
  table.row({escaped(stop.text("by")), escaped(shown_clock(stop.text("at"))),
             escaped(stop.text("reason")),
             undone.is_number() ? escaped(shown_seconds(undone.number())) : "nothing was undone"});
  std::string text = stop.get("last_sample").is_text()
                         ? "Counted from the sample that decided, at " +
                               shown_clock(stop.text("last_sample")) +
                               ", to the last undo seen gone."
                         : "Counted from the stop to the last undo seen gone.";
  return out + section("stop", "The stop",
                       table.html("Who stopped the drill, and why") + "<p class=\"note\">" +
                           escaped(text) + "</p>\n");
}

std::string figures_part(const Page& page) {
  return "<dl class=\"tiles\">\n" + recovery_tiles(page.result) + steady_tiles(page.result) +
         score_tile(page.result.get("score")) + "</dl>\n";
}

std::string objectives_part(const Page& page) {
  const auto& objectives = page.result.items("objectives");
  const bool whys =
      std::ranges::any_of(objectives, [](const Json& o) { return !o.text("why").empty(); });
  std::vector<std::string> headings{"Objective", "Asked for", "Measured", "Held"};
  if (whys) headings.emplace_back("Why");
  Table table(std::move(headings));
  for (const auto& objective : objectives) {
    const std::string name = objective.text("name");
    std::vector<std::string> cells{escaped(name),
                                   escaped(asked_for(name, objective.get("objective"))),
                                   escaped(shown_measure(name, objective.get("measured"))),
                                   mark(objective.get("held"), "held", "missed", "not judged")};
    if (whys) cells.push_back(escaped(objective.text("why")));
    table.row(std::move(cells));
  }
  const std::string content =
      table.empty() ? paragraph("No objective was judged.")
                    : table.html("What counts as having survived, and what was measured");
  return section("objectives", "Objectives", content);
}

}  // namespace gameday
