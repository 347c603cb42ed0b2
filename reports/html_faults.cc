// What the drill did to the system, fault by fault: the deed, its proof, and how it was put back.
#include "reports/html_parts.h"
#include "reports/markup.h"
#include "reports/retries.h"

namespace gameday {
namespace {

constexpr std::size_t kLongestCode = 700;

std::string entry(const std::optional<Moment>& at, std::string_view what, const std::string& text) {
  return "<li><time>" + (at ? shown_offset(at->at_s) : std::string("–")) + "</time><div><b>" +
         escaped(what) + "</b> " + text + "</div></li>\n";
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + escaped(name);
  return out.empty() ? "none" : out;
}

std::string code(const Json& value) {
  return "<code>" + escaped(value.dump(), kLongestCode) + "</code>";
}

std::string injection(const DeedStory& deed) {
  if (!deed.injected) {
    return entry({}, "Injection", "its end is in no event; it may have been done");
  }
  return entry(deed.injected, "Injected",
               mark(Json(deed.injected_ok), "done", "could not be done", "") + " " +
                   escaped(deed.inject_error));
}

std::string proof(const DeedStory& deed) {
  if (!deed.proof_at) return entry({}, "Proof", "none: whether it has bitten was not looked at");
  return entry(deed.proof_at, "Proof",
               mark(Json(deed.proven), "it has bitten", "it did not bite", "") + " " +
                   escaped(deed.proof_text) + " <small>event " + std::to_string(deed.proof_event) +
                   "</small>");
}

std::string putting_back(const DeedStory& deed) {
  std::string out;
  for (const auto& step : deed.undoing) {
    std::string text = step.look ? mark(Json(step.ok), "gone", "still there", "")
                                 : mark(Json(step.ok), "done", "failed", "");
    if (!step.text.empty()) text += " " + escaped(step.text);
    if (step.by != "runner") text += " <small>by the " + escaped(step.by) + "</small>";
    out += entry(step.at, step.look ? "Looked" : "Undo", text);
  }
  if (!deed.superseded_by.empty()) {
    out += entry(deed.reverted, "Superseded",
                 "by the verified restore of step " + escaped(deed.superseded_by));
  }
  if (!deed.residue.empty()) {
    out += entry({}, "Residue", "<strong class=\"bad\">" + escaped(deed.residue) + "</strong>");
  } else if (deed.open) {
    out += entry({}, "Still owed", "<strong class=\"bad\">its undo is not done</strong>");
  }
  return out;
}

// What the clients of its links did meanwhile.
std::string trying_again(const DeedStory& deed, const std::vector<Retries>& all) {
  std::string out;
  for (const auto& retries : all) {
    if (retries.fault != deed.id) continue;
    out += entry({}, "Tried meanwhile",
                 "over link " + escaped(retries.link) + ": " + escaped(in_words(retries)));
  }
  return out;
}

std::string fault_article(const DeedStory& deed, const std::vector<Retries>& retries) {
  std::string out = "<article>\n<h3>" + escaped(deed.id) + " <span>" + escaped(deed.kind) +
                    "</span></h3>\n<p class=\"facts\">on " + listed(deed.targets);
  if (!deed.instances.empty()) out += " (" + listed(deed.instances) + ")";
  out += "</p>\n<ol class=\"life\">\n";
  std::string arguments = deed.arguments.is_object() && !deed.arguments.members().empty()
                              ? " with " + code(deed.arguments)
                              : "";
  out += entry(deed.recorded, "Undo written down",
               "before anything was changed" + arguments + "<br>" + code(deed.undo));
  return out + injection(deed) + proof(deed) + trying_again(deed, retries) + putting_back(deed) +
         "</ol>\n</article>\n";
}

std::string other_deeds(const Page& page) {
  Table table({"Deed", "What", "Since", "Put back", "What was seen"});
  for (const auto& deed : page.story.deeds) {
    if (deed.is_fault()) continue;
    const bool load = deed.kind == "load";
    const bool action = deed.kind == "action";
    const bool kept = !load && deed.proven == false && deed.injected_ok && deed.open;
    std::string seen = deed.undoing.empty() ? "" : escaped(deed.undoing.back().text);
    if (!deed.superseded_by.empty()) seen = "superseded by step " + escaped(deed.superseded_by);
    if (!deed.residue.empty())
      seen = "<strong class=\"bad\">" + escaped(deed.residue) + "</strong>";
    if (action) seen = escaped(deed.injected_ok ? deed.proof_text : deed.inject_error);
    table.row({escaped(load ? deed.target : deed.id),
               load     ? "load: what it wrote is deleted"
               : action ? "action: intended, and not undone"
                        : "restore into place: what was there is kept",
               shown_offset(deed.recorded.at_s),
               action ? "stays" : mark(kept ? Json() : Json(!deed.open), "yes", "no", "not known"),
               seen});
  }
  return table.empty() ? "" : "<h3>Other deeds</h3>\n" + table.html("Deeds that are no faults");
}

}  // namespace

std::string faults_part(const Page& page) {
  std::string articles;
  const auto retries = retries_of(page.story);
  for (const auto& deed : page.story.deeds) {
    if (deed.is_fault()) articles += fault_article(deed, retries);
  }
  if (articles.empty()) articles = paragraph("None was injected.");
  return section("faults", "Faults", articles + other_deeds(page));
}

}  // namespace gameday
