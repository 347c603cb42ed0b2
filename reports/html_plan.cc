// Plan and evidence: what the drill was to do, and how far this page can be believed.
#include <map>

#include "reports/html_parts.h"
#include "reports/markup.h"

namespace gameday {
namespace {

std::string planned_step(const Json& step) {
  std::string text = escaped(step.text("summary"));
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : "; ") + std::string(name) + escaped(value);
  };
  add("into ", step.text("into"));
  add("replays ", step.text("replay"));
  add("reverts ", step.text("revert"));
  add("cannot be undone: ", step.text("allow_irreversible"));
  add("needs ", step.text("rights"));
  if (step.get("within_s").is_number()) {
    add("within ", shown_seconds(step.get("within_s").number()));
  }
  return text;
}

std::string timeline_table(const Json& plan) {
  Table table({"Step", "What", "On", "For", "Reversal", "More"});
  for (const auto& step : plan.items("timeline")) {
    std::string on = names_of(step.items("targets"));
    if (on.empty()) on = names_of(step.items("names"));
    if (on.empty()) on = escaped(step.text("target"));
    table.row({escaped(step.text("id")), escaped(step.text("fault", step.text("step"))), on,
               seconds_or(step.get("for_s"), ""), escaped(step.text("reversal")),
               planned_step(step)});
  }
  return table.empty() ? "" : table.html("The steps, one after another");
}

std::string expected_of(const Json& request) {
  std::string out;
  for (const auto& check : request.items("checks")) out += "<br>" + escaped(check.text());
  return out;
}

std::string sent_of(const Json& request) {
  return "<code>" + escaped(request.text("method") + " " + request.text("url")) + "</code>" +
         expected_of(request);
}

// What it sends: one request, or several by their weights.
std::string requests_of(const Json& load) {
  const Json* several = load.find("requests");
  std::string out = several == nullptr ? sent_of(load) : "";
  for (const auto& request : load.items("requests")) {
    out += (out.empty() ? "" : "<br>") + std::to_string(request.integer("weight", 1)) + " × " +
           escaped(request.text("name")) + ": " + sent_of(request);
  }
  if (const Json* data = load.find("data")) {
    out += "<br>data: <code>" + escaped(data->text("file")) + "</code>, " +
           escaped(data->text("sha256"));
  }
  return out;
}

std::string load_table(const Json& plan) {
  Table table({"Load", "Rate", "Arrivals", "Request", "Timeout", "Cleaned up by"});
  for (const auto& load : plan.items("load")) {
    const std::string rate =
        is_closed_loop(load) ? "closed loop" : fixed(load.number("rate", 0), 1) + "/s";
    table.row({escaped(load.text("name")), escaped(load.text("shape", rate)),
               escaped(load.text("arrivals", "by users")), requests_of(load),
               seconds_or(load.get("timeout_s"), ""),
               "<code>" + escaped(load.text("cleanup", "nothing")) + "</code>"});
  }
  return table.empty() ? "" : table.html("The load");
}

std::string during_of(const Json& probe) {
  const std::string during = probe.text("during", "always");
  if (during == "edge") return "steady states";
  return during == "fault" ? "faults" : "all of the drill";
}

std::string probe_table(const Json& plan) {
  Table table({"Probe", "Kind", "Every", "Timeout", "During", "Asks"});
  for (const auto& probe : plan.items("probes")) {
    constexpr std::size_t kLongest = 300;
    table.row({escaped(probe.text("name")), escaped(probe.text("kind")),
               seconds_or(probe.get("every_s"), ""), seconds_or(probe.get("timeout_s"), ""),
               during_of(probe),
               "<code>" + escaped(probe.get("arguments").dump(), kLongest) + "</code>"});
  }
  return table.empty() ? "" : table.html("The probes");
}

std::string invariant_table(const Json& plan) {
  Table table({"Target", "Invariant", "Is", "Asks", "Timeout"});
  for (const auto& one : plan.items("invariants")) {
    table.row({escaped(one.text("target")), escaped(one.text("name")), escaped(one.text("is")),
               "<code>" + escaped(one.text("sql")) + "</code>",
               seconds_or(one.get("timeout_s"), "")});
  }
  return table.empty() ? "" : table.html("The invariants");
}

std::string limits_text(const Json& plan) {
  const Json& limits = plan.get("limits");
  if (!limits.is_object()) return "";
  std::string text = "Limits: " + shown_count(limits.integer("targets", 0)) +
                     " targets under fault at once, " + shown_count(limits.integer("writes", 0)) +
                     " writes, faults for " + shown_seconds(limits.number("duration_s", 0));
  for (const auto& stop : limits.items("stop_when")) {
    text += "; stops when probe " + stop.text("probe") + " fails for " +
            shown_seconds(stop.number("fails_for_s", 0));
  }
  return "<p class=\"note\">" + escaped(text) + ".</p>\n";
}

std::string git_text(const Json& git) {
  if (!git.is_object()) return "";
  return git.text("commit") + (git.boolean("dirty", false) ? ", with changes not committed" : "");
}

std::string vars_text(const Json& vars) {
  std::string text;
  if (!vars.is_object()) return text;
  for (const auto& [name, value] : vars.members()) {
    text +=
        (text.empty() ? "" : ", ") + name + "=" + (value.is_text() ? value.text() : value.dump());
  }
  return text;
}

// Files that the chain vouches for, as far as it last did.
std::string files_table(const Page& page) {
  std::map<std::string, const Note*> last;
  for (const auto& note : page.story.notes) {
    if (note.type == "evidence") last[note.data.text("file")] = &note;
  }
  Table table({"File", "Bytes", "Digest", "Hashed at"});
  for (const auto& [file, note] : last) {
    table.row({"<code>" + escaped(file) + "</code>", shown_count(note->data.integer("bytes", 0)),
               "<code>" + escaped(note->data.text("sha256")) + "</code>",
               shown_offset(note->at.at_s)});
  }
  return table.empty() ? "" : table.html("Files hashed into the journal while the drill ran");
}

}  // namespace

std::string plan_part(const Page& page) {
  const Json& plan = page.story.planned.get("plan");
  const std::string content = timeline_table(plan) + load_table(plan) + probe_table(plan) +
                              invariant_table(plan) + limits_text(plan);
  return content.empty() ? "" : section("plan", "The plan", content);
}

std::string evidence_part(const Page& page) {
  const Json& result = page.result;
  std::string list = "<dl class=\"pairs\">\n";
  const auto pair = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    list += "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>\n";
  };
  const Json& playbook = result.get("playbook");
  pair("Drill", result.text("drill"));
  pair("Head of the journal", page.story.head);
  pair("Events", shown_count(static_cast<std::int64_t>(page.story.events)));
  pair("Anchored", result.get("evidence").text("anchored"));
  pair("Playbook", playbook.text("sha256"));
  pair("Plan", result.text("plan_sha256"));
  pair("Rubric", result.get("score").text("rubric_sha256"));
  pair("Commit", git_text(playbook.get("git")));
  pair("Variables", vars_text(playbook.get("vars")));
  pair("Environment", result.text("environment"));
  pair("Seed", std::to_string(result.integer("seed", 0)));
  pair("gameday", result.text("version"));
  pair("Started", shown_time(result.text("started")));
  pair("Ended", shown_time(result.text("ended")));
  list += "</dl>\n";
  const std::string told =
      page.story.closed
          ? "Consistent; origin not proven. Each event carries the hash of the one before, and the "
            "last one their count. That the journal was not written anew as a whole, only a "
            "signature or a head kept out of the operator's reach can show."
          : "Interrupted; origin not proven. What is there is consistent, but the journal has no "
            "closing event, so something may be missing at its end.";
  return section("evidence", "Evidence", paragraph(told) + list + files_table(page));
}

}  // namespace gameday
