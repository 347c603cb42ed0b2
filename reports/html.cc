#include "reports/html.h"

#include <algorithm>

#include "reports/document.h"
#include "reports/html_parts.h"
#include "reports/markup.h"

namespace gameday {
namespace {

// The hatchings that tell bands and failures apart without colour.
constexpr std::string_view kPatterns =
    R"svg(<svg class="patterns" width="0" height="0"
 aria-hidden="true"><defs>
<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse"
 patternTransform="rotate(45)"><rect class="hatch-ground" width="7" height="7"/><rect
 class="hatch-line" width="1.5" height="7"/></pattern>
<pattern id="failed" width="4" height="4" patternUnits="userSpaceOnUse"
 patternTransform="rotate(-45)"><rect class="failed-ground" width="4" height="4"/><rect
 class="failed-line" width="1.4" height="4"/></pattern>
<pattern id="open" width="6" height="6" patternUnits="userSpaceOnUse"
 patternTransform="rotate(45)"><rect class="open-ground" width="6" height="6"/><rect
 class="open-line" width="1.2" height="6"/></pattern>
</defs></svg>
)svg";

std::vector<Band> bands_of(const Story& story) {
  std::vector<Band> bands;
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault() || !deed.injected) continue;
    const double to = deed.reverted ? deed.reverted->at_s : story.ended.at_s;
    bands.push_back({deed.id, deed.recorded.at_s, std::max(to, deed.recorded.at_s)});
  }
  return bands;
}

std::string whole(const Page& page) {
  const std::string name = page.result.get("playbook").text("name", "drill");
  std::string body = verdict_part(page) + by_hand_part(page) + figures_part(page) +
                     objectives_part(page) + timeline_part(page) + outages_part(page) +
                     ledgers_part(page) + copies_part(page) + invariants_part(page) +
                     score_part(page) + faults_part(page) + loads_part(page) + probes_part(page) +
                     people_part(page) + plan_part(page) + evidence_part(page);
  return html_document(page.result.text("verdict") + ": " + name, body);
}

}  // namespace

std::string html_document(const std::string& title, const std::string& body) {
  // The policy makes sure of what the page promises: nothing is loaded, nothing is run.
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         escaped(title) + "</title>\n<style>\n" + std::string(report_style()) +
         "</style>\n</head>\n<body>\n" + std::string(kPatterns) + "<main>\n" + body +
         "</main>\n</body>\n</html>\n";
}

std::string section(std::string_view id, std::string_view title, const std::string& content) {
  return "<section id=\"" + std::string(id) + "\">\n<h2>" + escaped(title) + "</h2>\n" + content +
         "</section>\n";
}

std::string paragraph(std::string_view text) { return "<p>" + escaped(text) + "</p>\n"; }

std::string seconds_or(const Json& value, std::string_view otherwise) {
  return escaped(value.is_number() ? unbroken(shown_seconds(value.number()))
                                   : std::string(otherwise));
}

std::string names_of(const Json::Array& names) {
  std::string out;
  for (const auto& name : names) {
    if (!name.is_text()) continue;
    out += (out.empty() ? "" : ", ") + escaped(name.text());
  }
  return out;
}

std::string html_report(const std::vector<std::string>& lines) {
  const auto story = story_of(lines);
  if (!story) {
    return html_document(
        "not verified",
        "<header class=\"verdict bad\"><p class=\"word\"><b aria-hidden=\"true\">✕</b> "
        "Not verified</p>" +
            paragraph(story.error().text + ". Nothing is reported out of it.") + "</header>\n");
  }
  return html_report(*story, document_of(*story));
}

std::string html_report(const Story& story, const Json& result) {
  const Page page{story, result, std::max(story.ended.at_s, 1.0), bands_of(story)};
  return whole(page);
}

}  // namespace gameday
