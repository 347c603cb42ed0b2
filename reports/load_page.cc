#include "reports/load_page.h"

#include <algorithm>

#include "reports/html_parts.h"
#include "reports/markup.h"

namespace gameday {
namespace {

struct Words {
  std::string_view verdict, word, style, glyph;
};
constexpr Words kVerdicts[] = {{"measured", "Measured", "good", "✓"},
                               {"failed", "Failed", "bad", "✕"},
                               {"stopped", "Stopped", "unknown", "■"},
                               {"inconclusive", "Inconclusive", "unknown", "?"}};

// What the charts are drawn from.
Story story_of_load(const Json& document) {
  Story story;
  auto& seconds = story.loads["load"];
  double end = document.number("length_s", 0);
  for (const auto& second : document.items("seconds")) {
    LoadSecond made;
    made.from_s = second.number("from_s", 0);
    made.due = second.integer("due", 0);
    made.ok = second.integer("ok", 0);
    made.errors = second.integer("errors", 0);
    made.p50_s = second.number("p50_s", 0);
    made.p99_s = second.number("p99_s", 0);
    made.max_s = second.number("max_s", 0);
    made.marked = second.boolean("marked", false);
    end = std::max(end, made.from_s + 1);
    seconds.push_back(made);
  }
  story.ended.at_s = end;
  return story;
}

bool closed(const Json& document) { return document.get("plan").text("loop") == "closed"; }

std::string rate_of(const Json& rate) {
  return rate.is_number() ? fixed(rate.number(), 1) + "/s" : "as fast as it goes";
}

std::string head_part(const Json& document) {
  const Json& plan = document.get("plan");
  const auto found = std::ranges::find(kVerdicts, document.text("verdict"), &Words::verdict);
  const Words words = found != std::end(kVerdicts) ? *found : Words{"", "Unknown", "unknown", "?"};
  const Json& carried =
      document.items("load").empty() ? document : document.items("load").front().get("transport");
  std::string out =
      "<header class=\"top\">\n<p class=\"kicker\">gameday load</p>\n<h1>" +
      escaped(plan.text("method") + " " + plan.text("url")) + "</h1>\n<p class=\"facts\">" +
      escaped(shown_time(document.text("started"))) + " <span class=\"dot\">·</span> " +
      escaped(plan.text("loop")) + " loop <span class=\"dot\">·</span> " +
      escaped(rate_of(plan.get("rate"))) + " <span class=\"dot\">·</span> over " +
      escaped(shown_seconds(document.number("length_s", 0))) + " <span class=\"dot\">·</span> by " +
      escaped(carried.text("name")) + " (" + escaped(carried.text("why")) + ")</p>\n</header>\n";
  out += "<div class=\"verdict " + std::string(words.style) +
         "\">\n<p class=\"word\"><b aria-hidden=\"true\">" + std::string(words.glyph) + "</b> " +
         std::string(words.word) +
         "</p>\n<div><p class=\"meaning\"><span class=\"code\">Exit code " +
         std::to_string(document.integer("exit_code", 0)) + ".</span></p>\n<ul>\n";
  for (const auto& reason : document.items("reasons")) {
    out += "<li>" + escaped(reason.is_text() ? reason.text() : "") + "</li>\n";
  }
  if (closed(document)) {
    out +=
        "<li>A closed loop: while the server stalls it is asked less, so these latencies flatter "
        "it.</li>\n";
  }
  return out + "</ul></div>\n</div>\n";
}

std::int64_t all_due(const Json& document) {
  std::int64_t due = 0;
  for (const auto& second : document.items("seconds")) due += second.integer("due", 0);
  return std::max(due, document.get("measured").integer("planned", 0));
}

std::string figures(const Json& document) {
  const Json& measured = document.get("measured");
  const std::int64_t due = all_due(document), ok = measured.integer("ok", 0);
  const double share = due > 0 ? static_cast<double>(ok) / static_cast<double>(due) : 0;
  const Json& latency = measured.get(closed(document) ? "service_s" : "response_s");
  const auto at = [&](std::string_view quantile) {
    const Json& value = latency.get(quantile);
    return value.is_number() ? shown_seconds(value.number()) : std::string("not measured");
  };
  const std::string planned = measured.get("planned").is_integer()
                                  ? shown_count(measured.integer("planned", 0)) + " planned"
                                  : std::string();
  return "<dl class=\"tiles\">\n" +
         tile("Answered as expected", due > 0 ? shown_ratio(share) : "not measured",
              shown_count(ok) + " of " + shown_count(due)) +
         tile("Rate, answered", fixed(measured.number("ok_rate", 0), 1) + "/s",
              fixed(measured.number("sent_rate", 0), 1) + "/s sent") +
         tile("Sent", shown_count(measured.integer("sent", 0)), planned) +
         tile("Latency p50", at("p50"), "p90 " + at("p90")) +
         tile("Latency p99", at("p99"), "p99.9 " + at("p99.9")) +
         tile("Latency, longest", at("max"), "p99.99 " + at("p99.99")) + "</dl>\n";
}

std::string errors_part(const Json& document) {
  const Json& errors = document.get("measured").get("errors");
  Table table({"Not answered as expected", "Requests"});
  const auto row = [&](const std::string& what, std::int64_t count) {
    if (count > 0) table.row({escaped(what), shown_count(count)});
  };
  const Json& by_status = errors.get("status");
  if (by_status.is_object()) {
    for (const auto& [status, count] : by_status.members()) {
      row("Status " + status, by_status.integer(status, 0));
    }
  }
  row("No connection", errors.integer("connect", 0));
  row("No answer within the timeout", errors.integer("timeout", 0));
  row("Cut off, or no answer that can be read", errors.integer("cut", 0));
  row("Not sent, by us", errors.integer("not_sent", 0));
  row("Not answered yet when it was stopped", errors.integer("given_up", 0));
  if (table.empty()) return section("errors", "Errors", paragraph("None."));
  return section("errors", "Errors", table.html("By what became of them", 1));
}

std::string latency_table(const Json& document) {
  Table table({"Latency", "p50", "p90", "p99", "p99.9", "p99.99", "max"});
  const Json& measured = document.get("measured");
  const auto row = [&](const std::string& what, std::string_view member) {
    const Json& quantiles = measured.get(member);
    if (!quantiles.is_object()) return;
    std::vector<std::string> cells{escaped(what)};
    for (const char* q : {"p50", "p90", "p99", "p99.9", "p99.99", "max"}) {
      cells.push_back(seconds_or(quantiles.get(q), "not measured"));
    }
    table.row(std::move(cells));
  };
  row("Response: from when it was due", "response_s");
  row("Service: from when it was sent", "service_s");
  row("Send lag: ours, from due to sent", "send_lag_s");
  const auto marked = measured.integer("marked", 0);
  const std::string note =
      marked > 0
          ? paragraph("Marked seconds: " + shown_count(marked) +
                      ". In these gameday was late itself, or the clock jumped; response and "
                      "service leave them out.")
          : std::string();
  if (table.empty()) return section("latency", "Latency", paragraph("Not measured.") + note);
  return section("latency", "Latency", table.html("Of the whole load", 1) + note);
}

}  // namespace

std::string load_page(const Json& document) {
  const Story story = story_of_load(document);
  Page page{story, document, std::max(story.ended.at_s, 1.0), {}, {}};
  page.counted_from =
      closed(document) ? "from when a request was sent" : "from when a request was due";
  const std::string charts = document.items("seconds").empty()
                                 ? paragraph("No second was measured.")
                                 : "<div class=\"chart\">\n" + time_axis(page) + load_charts(page) +
                                       time_axis(page) + "</div>\n";
  const std::string title = "load: " + document.get("plan").text("url");
  return html_document(title, head_part(document) + figures(document) +
                                  section("seconds", "Second by second", charts) +
                                  latency_table(document) + errors_part(document));
}

}  // namespace gameday
