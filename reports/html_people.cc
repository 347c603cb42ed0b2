// What people did in the drill: what they were asked and how long they took, and what they said.
#include "reports/html_parts.h"
#include "reports/markup.h"
#include "reports/people.h"

namespace gameday {
namespace {

std::string asked_table(const Page& page) {
  Table table({"Step", "Asked of", "To", "At", "Took", "Outcome", "Who", "Why"});
  for (const auto& one : page.result.items("humans")) {
    const bool approval = one.text("step") == "approve";
    const std::string outcome = one.text("outcome");
    const bool good = outcome == "acknowledged" || outcome == "approved";
    const auto at = page.story.offset_of(one.get("asked"));
    table.row({escaped(one.text("id")), escaped(one.text(approval ? "role" : "by")),
               approval ? "approve" : escaped(one.text("do")), at ? shown_offset(*at) : "",
               seconds_or(one.get("took_s"), "–"),
               mark(outcome == "none" ? Json() : Json(good), words(outcome), words(outcome),
                    "not answered"),
               escaped(shown_person(one.get("who"))), escaped(one.text("reason"))});
  }
  return table.empty() ? "" : table.html("What people were asked");
}

std::string said_table(const Page& page) {
  Table table({"At", "Who", "What"});
  for (const auto& said : said_by_people(page.story)) {
    table.row({shown_offset(said.at.at_s), escaped(said.who), escaped(said.what)});
  }
  return table.empty() ? "" : table.html("What people said");
}

}  // namespace

std::string people_part(const Page& page) {
  const std::string content = asked_table(page) + said_table(page);
  if (content.empty()) return "";
  return section("people", "People",
                 "<div class=\"wide\">" + content +
                     "</div><p class=\"note\">Who somebody is was told by the system from their "
                     "login, not by themselves.</p>\n");
}

}  // namespace gameday
