#include "reports/markdown.h"

#include <algorithm>

#include "engine/base/text.h"
#include "reports/invariants.h"
#include "reports/markdown_sheet.h"
#include "reports/markup.h"
#include "reports/people.h"
#include "reports/result.h"

namespace gameday {
namespace {

constexpr const char* kClosedLoopNote =
    "A closed loop asks again when it has its answer: latency counts from when a request was sent, "
    "and a system that is slow is asked less.\n\n";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string figure(const Json& seconds, std::string_view otherwise = "not measured") {
  return seconds.is_number() ? shown_seconds(seconds.number()) : std::string(otherwise);
}

std::string count(const Json& value) {
  return value.is_integer() ? shown_count(value.integer()) : "not assessed";
}

std::string held(const Json& value) {
  return !value.is_boolean() ? "**not judged**" : value.boolean() ? "held" : "**missed**";
}

std::string names(const Json::Array& all) {
  std::string out;
  for (const auto& one : all) {
    if (one.is_text()) out += (out.empty() ? "" : ", ") + in_markdown(one.text());
  }
  return out;
}

std::string head(const Json& result) {
  std::string out = "**" + words(neutral(result.text("verdict"))) + "** (exit code " +
                    std::to_string(result.integer("exit_code", 0)) + ")\n\n";
  for (const auto& reason : result.items("reasons")) {
    out += "- " + in_markdown(reason.text("text")) + "\n";
  }
  out += "\n";
  if (result.items("residue").empty()) return out;
  out += "## Left behind: do this by hand\n\n";
  for (const auto& item : result.items("residue")) {
    out +=
        "- " + in_markdown(item.text("what")) + "; by hand: " + code(item.text("by_hand")) + "\n";
  }
  return out + "\n";
}

std::string objectives(const Json& result) {
  Sheet sheet({"Objective", "Asked for", "Measured", "", "Why"});
  for (const auto& one : result.items("objectives")) {
    const std::string name = one.text("name");
    sheet.row({in_markdown(name), shown_measure(name, one.get("objective")),
               shown_measure(name, one.get("measured")), held(one.get("held")),
               in_markdown(one.text("why"))});
  }
  return "## Objectives\n\n" + sheet.text("No objective was judged.");
}

std::string pillars(const Json& score) {
  Sheet sheet({"Pillar", "Weight", "Score and range", "Of what was assessed"});
  for (const auto& pillar : score.items("pillars")) {
    const Json& measured = pillar.get("measured");
    sheet.row({in_markdown(pillar.text("pillar")), shown_ratio(pillar.number("weight", 0)),
               shown_range(pillar),
               measured.is_number() ? fixed(measured.number(), 1) : "not assessed"});
  }
  return sheet.text("");
}

std::string score_head(const Json& score) {
  std::string out = "## Score\n\n**" + shown_range(score) +
                    "**. With every pillar alike: " + shown_range(score.get("equal_weights")) +
                    ".\n\n";
  for (const auto& gate : score.items("gates")) {
    out += "- Gate " + in_markdown(gate.text("id")) +
           " is shut: " + in_markdown(gate.text("reason")) + "\n";
  }
  if (!score.items("gates").empty()) out += "\n";
  return out + pillars(score);
}

std::string events(const Json& criterion) {
  std::string out;
  for (const auto& number : criterion.items("evidence")) {
    if (number.is_integer()) out += (out.empty() ? "" : ", ") + std::to_string(number.integer());
  }
  return out;
}

std::string criteria(const Json& score) {
  std::string out;
  for (const auto& pillar : score.items("pillars")) {
    Sheet sheet({"Criterion", "", "Result", "Weight", "Level", "Why", "Events"});
    for (const auto& one : in_reading_order(pillar)) {
      sheet.row({in_markdown(one.text("id")), in_markdown(one.text("title")),
                 words(neutral(one.text("result"))), fixed(one.number("weight", 0), 0),
                 in_markdown(one.text("level")), in_markdown(one.text("reason")), events(one)});
    }
    out += "### " + in_markdown(pillar.text("pillar")) + "\n\n" + sheet.text("No criterion.");
  }
  return out;
}

std::string outages(const Json& result) {
  Sheet sheet({"Seen by", "Faults", "From", "To", "At least", "At most"});
  for (const auto& one : result.items("outages")) {
    const Json& to = one.get("to");
    sheet.row({in_markdown(one.text("source")), names(one.items("faults")),
               shown_time(one.text("from")), to.is_text() ? shown_time(to.text()) : "not over",
               figure(one.get("rto_s").get("lo")), figure(one.get("rto_s").get("hi"))});
  }
  const bool measured = result.get("recovery").get("rto_s").is_number();
  return "## Outages\n\n" +
         sheet.text(measured ? "Clients saw none: no request went bad." : "Not measured.");
}

std::string ledgers(const Json& result) {
  Sheet sheet({"Load", "Acknowledged", "Unknown", "Lost", "Stale", "Corrupt", "Duplicate",
               "Phantom", "Resurrected", "RPO"});
  for (const auto& one : result.items("ledgers")) {
    std::vector<std::string> cells{in_markdown(one.text("load"))};
    for (const char* name : {"acknowledged", "unknown", "lost", "stale", "corrupt", "duplicate",
                             "phantom", "resurrected"}) {
      cells.push_back(count(one.get(name)));
    }
    cells.push_back(figure(one.get("rpo_s").get("best")) + " to " +
                    figure(one.get("rpo_s").get("worst")));
    sheet.row(cells);
  }
  return "## The ledger of writes\n\n" + sheet.text("No load kept one.");
}

std::string copies(const Json& result) {
  Sheet backups({"Backup of", "Id", "Age when the data was lost"});
  for (const auto& one : result.items("backups")) {
    backups.row({in_markdown(one.text("target")), code_in_table(one.text("id")),
                 figure(one.get("age_at_disaster_s"), "no data was lost")});
  }
  Sheet restores({"Restore of", "By", "Into", "Took", "Verified", "Brought something back"});
  for (const auto& one : result.items("restores")) {
    restores.row({in_markdown(one.text("target")), in_markdown(one.text("kind")),
                  in_markdown(one.text("into")), figure(one.get("took_s")),
                  one.boolean("verified", false) ? "yes" : "**no**",
                  one.boolean("vacuous", true) ? "**no**" : "yes"});
  }
  return "## Backups and restores\n\n" + backups.text("No backup was taken.") +
         restores.text("Nothing was restored.");
}

std::string invariants(const Json& result) {
  Sheet sheet({"Invariant of", "Name", "Must be", "Read", "Value", "Holds"});
  for (const auto& one : result.items("invariants")) {
    const bool read = one.text("error").empty();
    sheet.row({in_markdown(one.text("target")), in_markdown(one.text("name")),
               in_markdown(one.text("must")), in_markdown(moment_read(one)),
               in_markdown(value_read(one)),
               one.boolean("holds", false) ? "yes"
               : read                      ? "**no**"
                                           : "**not known**"});
  }
  return sheet.empty() ? "" : "## Invariants\n\n" + sheet.text("");
}

// Each request of loads that have several.
std::string requests(const Json& result) {
  Sheet sheet({"Load", "Phase", "Request", "Due", "Good", "Errors"});
  for (const auto& load : result.items("load")) {
    for (const auto& phase : load.items("phases")) {
      for (const auto& of : phase.items("requests")) {
        sheet.row({in_markdown(load.text("name")), in_markdown(phase.text("phase")),
                   in_markdown(of.text("request")), count(of.get("due")), count(of.get("ok")),
                   count(of.get("errors"))});
      }
    }
  }
  return sheet.empty() ? "" : sheet.text("");
}

// Which checks answers failed, of loads that check more than success.
std::string failed_checks(const Json& result) {
  Sheet sheet({"Load", "Phase", "Check of answers", "Failed"});
  for (const auto& load : result.items("load")) {
    for (const auto& phase : load.items("phases")) {
      for (const auto& failed : phase.items("failed_checks")) {
        sheet.row({in_markdown(load.text("name")), in_markdown(phase.text("phase")),
                   code_in_table(failed.text("check")), count(failed.get("times"))});
      }
    }
  }
  return sheet.empty() ? "" : sheet.text("");
}

std::string closed_loops(const Json& result) {
  std::string out;
  for (const auto& load : result.items("load")) {
    const Json& users = load.get("closed_loop");
    if (!users.is_object()) continue;
    out += "Load " + in_markdown(load.text("name")) +
           " is a closed loop: " + count(users.get("spawned")) + " of " +
           count(users.get("users")) +
           " users asked, and asked less while the system was slow. An outage of up to " +
           figure(users.get("longest_gap_s")) + " may have gone unseen.\n\n";
  }
  return out;
}

// What a load that a process of its own carried said of its requests, by their names.
std::string told(const Json& result) {
  Sheet sheet({"Load", "Request", "Good", "Errors", "An error"});
  for (const auto& load : result.items("load")) {
    for (const auto& one : load.get("told").items("requests")) {
      sheet.row({in_markdown(load.text("name")), in_markdown(one.text("name")),
                 count(one.get("ok")), count(one.get("errors")), in_markdown(one.text("example"))});
    }
  }
  const bool any_closed = std::ranges::any_of(result.items("load"), is_closed_loop);
  return (sheet.empty() ? "" : sheet.text("")) + (any_closed ? kClosedLoopNote : "");
}

std::string loads(const Json& result) {
  Sheet sheet({"Load", "Phase", "Due", "Good", "Errors", "Late", "p50", "p99", "Valid"});
  for (const auto& load : result.items("load")) {
    for (const auto& one : load.items("phases")) {
      const Json& latency = one.get("latency_s");
      sheet.row({in_markdown(load_in_words(load)), in_markdown(one.text("phase")),
                 count(one.get("due")), count(one.get("ok")), count(one.get("errors")),
                 count(one.get("late")), figure(latency.get("p50")), figure(latency.get("p99")),
                 one.boolean("valid", false) ? "yes" : "**no**"});
    }
  }
  return "## The load\n\n" + sheet.text("No load was summed up.") + requests(result) +
         failed_checks(result) + told(result) + closed_loops(result);
}

std::string fault(const DeedStory& deed) {
  std::string out = "### " + in_markdown(deed.id) + ": " + in_markdown(deed.kind) + "\n\n- on ";
  for (const auto& target : deed.targets) {
    out += (&target == &deed.targets.front() ? "" : ", ") + in_markdown(target);
  }
  out += "\n- " + shown_offset(deed.recorded.at_s) +
         " undo written down: " + code(deed.undo.dump()) + "\n";
  if (deed.injected) {
    out += "- " + shown_offset(deed.injected->at_s) +
           (deed.injected_ok ? " injected" : " could not be injected: ") +
           in_markdown(deed.inject_error) + "\n";
  }
  out += deed.proof_at ? "- " + shown_offset(deed.proof_at->at_s) +
                             (deed.proven ? " proven: " : " **not proven**: ") +
                             in_markdown(deed.proof_text) + " (event " +
                             std::to_string(deed.proof_event) + ")\n"
                       : "- whether it has bitten was not looked at\n";
  for (const auto& step : deed.undoing) {
    out += "- " + shown_offset(step.at.at_s) + (step.look ? " looked: " : " undo: ") +
           (step.ok ? "" : "**no** ") + in_markdown(step.text) +
           (step.by == "runner" ? "" : " (by the " + in_markdown(step.by) + ")") + "\n";
  }
  if (!deed.superseded_by.empty()) {
    out += "- superseded by step " + in_markdown(deed.superseded_by) + "\n";
  }
  if (!deed.residue.empty()) out += "- **left behind**: " + in_markdown(deed.residue) + "\n";
  return out + "\n";
}

std::string faults(const Story& story) {
  std::string out = "## Faults\n\n";
  bool any = false;
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault()) continue;
    out += fault(deed);
    any = true;
  }
  return any ? out : out + "None was injected.\n\n";
}

std::string steps(const Json& result, const Story& story) {
  Sheet sheet({"Step", "", "From", "To", ""});
  for (const auto& one : result.items("steps")) {
    const auto from = story.offset_of(one.get("started"));
    const auto to = story.offset_of(one.get("ended"));
    sheet.row({in_markdown(one.text("id")), in_markdown(words(one.text("step"))),
               from ? shown_offset(*from) : "", to ? shown_offset(*to) : "never ended",
               one.boolean("ok", false) ? "done" : "**failed**"});
  }
  return "## Steps\n\n" + sheet.text("No step was begun.");
}

std::string people(const Json& result, const Story& story) {
  Sheet asked({"Step", "Asked of", "To", "At", "Took", "Outcome", "Who"});
  for (const auto& one : result.items("humans")) {
    const bool approval = one.text("step") == "approve";
    const auto at = story.offset_of(one.get("asked"));
    asked.row({in_markdown(one.text("id")), in_markdown(one.text(approval ? "role" : "by")),
               approval ? "approve" : in_markdown(one.text("do")), at ? shown_offset(*at) : "",
               one.get("took_s").is_number() ? shown_seconds(one.number("took_s", 0)) : "–",
               in_markdown(words(one.text("outcome"))), in_markdown(shown_person(one.get("who")))});
  }
  std::string told;
  for (const auto& said : said_by_people(story)) {
    told += "- " + shown_offset(said.at.at_s) + " " + in_markdown(said.who) + ": " +
            in_markdown(said.what) + "\n";
  }
  if (asked.empty() && told.empty()) return "";
  return "## People\n\n" + (asked.empty() ? "" : asked.text("")) +
         (told.empty() ? "" : told + "\n");
}

std::string environment(const Story& story, const Json& result) {
  const Json& playbook = result.get("playbook");
  const Json& git = playbook.get("git");
  std::string out = "## Environment and evidence\n\n";
  const auto pair = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += "- " + std::string(name) + ": " + code(value) + "\n";
  };
  pair("drill", result.text("drill"));
  pair("environment", result.text("environment"));
  pair("operator", result.text("operator"));
  pair("playbook", playbook.text("sha256"));
  pair("plan", result.text("plan_sha256"));
  pair("rubric", result.get("score").text("rubric_sha256"));
  pair("commit", git.text("commit"));
  if (git.boolean("dirty", false)) out += "- with changes that were not committed\n";
  pair("seed", std::to_string(result.integer("seed", 0)));
  pair("gameday", result.text("version"));
  pair("head of the journal", story.head);
  pair("events", std::to_string(story.events));
  pair("anchored", result.get("evidence").text("anchored"));
  return out;
}

}  // namespace

std::string in_markdown(std::string_view raw) {
  constexpr std::string_view kSpecial = "\\`*_[]<>|~&$#{}";
  const std::string text = neutral(raw);
  // GitHub finds addresses and people in any text but code.
  if (text.find('@') != std::string::npos) return code_in_table(raw);
  std::string out;
  bool begins = true;  // as far as only digits came, which could number a list
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool block = begins && std::string_view("-+=.):!").find(c) != std::string_view::npos;
    const bool scheme = c == ':' && text.compare(i, 3, "://") == 0;
    const bool domain = c == '.' && i >= 3 && lower(text.substr(i - 3, 3)) == "www";
    if (block || scheme || domain || kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
    begins = begins && is_digit(c);
  }
  return out;
}

std::string markdown_summary(const Json& result) {
  return "# gameday: " + in_markdown(result.get("playbook").text("name", "unnamed drill")) +
         "\n\n" + head(result) + objectives(result) + score_head(result.get("score"));
}

std::string markdown_report(const Story& story, const Json& result) {
  const Json& playbook = story.planned.get("playbook");
  std::string out =
      "# gameday: " + in_markdown(result.get("playbook").text("name", "unnamed drill")) + "\n\n";
  if (story.planned.find("rehearsal") != nullptr) {
    out += "A rehearsal: a simulated system, nothing real was measured.\n\n";
  }
  if (!playbook.text("summary").empty()) out += in_markdown(playbook.text("summary")) + "\n\n";
  out += shown_time(result.text("started")) + " to " + shown_time(result.text("ended"));
  if (!playbook.text("owner").empty()) out += ", owned by " + in_markdown(playbook.text("owner"));
  return out + ".\n\n" + head(result) + objectives(result) + outages(result) + ledgers(result) +
         copies(result) + invariants(result) + score_head(result.get("score")) +
         criteria(result.get("score")) + faults(story) + steps(result, story) + loads(result) +
         people(result, story) + environment(story, result);
}

}  // namespace gameday
