// What was measured, in tables: outages, the ledger, copies of the data, phases of the load,
// probes.
#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "reports/html_parts.h"
#include "reports/invariants.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr std::size_t kMostTexts = 4;      // different answers of a failing probe
constexpr std::size_t kMostExamples = 20;  // keys of a ledger's findings

std::string count_or(const Json& value) {
  return value.is_integer() ? shown_count(value.integer()) : "not assessed";
}

// A count that ought to be nought is set off where it is not.
std::string finding(const Json& value) {
  const bool bad = value.is_integer() && value.integer() > 0;
  return bad ? "<strong class=\"bad\">" + count_or(value) + "</strong>" : count_or(value);
}

std::string moment_of(const Page& page, const Json& utc, std::string_view otherwise) {
  const auto at = page.story.offset_of(utc);
  if (!at) return escaped(otherwise);
  return shown_offset(*at) + " <small>" + escaped(shown_clock(utc.text())) + "</small>";
}

// How much of an outage passed while its faults were in force, and after.
std::string made_of(const Page& page, const Json& outage) {
  const auto from = page.story.offset_of(outage.get("from"));
  if (!from) return "";
  const double to = page.story.offset_of(outage.get("to")).value_or(page.story.ended.at_s);
  double covered = *from;
  for (const auto& band : page.bands) {
    const auto& faults = outage.items("faults");
    const bool blamed = std::ranges::any_of(
        faults, [&](const Json& fault) { return fault.is_text() && fault.text() == band.id; });
    if (blamed) covered = std::max(covered, std::min(band.to_s, to));
  }
  if (outage.items("faults").empty()) return "no fault was in force";
  return escaped(shown_seconds(covered - *from) + " with a fault in force, " +
                 shown_seconds(to - covered) + " after it was put back");
}

std::string undone_by(const Page& page, const Json& utc) {
  return utc.is_null() ? "not over when the load ended" : moment_of(page, utc, "unknown");
}

std::string recovery_points(const Json::Array& ledgers) {
  Table table({"Load", "RPO, best case", "RPO, worst case", "Largest hole", "Resolution"});
  for (const auto& ledger : ledgers) {
    const Json& rpo = ledger.get("rpo_s");
    table.row({escaped(ledger.text("load")), seconds_or(rpo.get("best"), "not measured"),
               seconds_or(rpo.get("worst"), "not measured"),
               seconds_or(rpo.get("hole_s"), "not measured"),
               seconds_or(rpo.get("resolution_s"), "not measured")});
  }
  return table.html("The recovery point: how much time's worth of writes is missing", 1) +
         "<p class=\"note\">The worst case counts every write whose end is unknown, and that is "
         "not there, as lost. A hole means that the data is not a point in time.</p>\n";
}

// What the events about a read-back say beside the counts.
std::string read_back_notes(const Page& page) {
  std::string out;
  for (const auto& note : page.story.notes) {
    if (note.type != "read_back") continue;
    const Json& ledger = note.data.get("ledger");
    std::string text = note.data.text("error", ledger.text("problem"));
    if (!text.empty()) out += "<p class=\"note\">Not read back: " + escaped(text) + "</p>\n";
    std::string keys;
    std::size_t shown = 0;
    for (const auto& example : ledger.items("examples")) {
      if (example.is_text() && ++shown <= kMostExamples) {
        keys += "<li><code>" + escaped(example.text()) + "</code></li>";
      }
    }
    if (!keys.empty()) out += "<h3>Which writes</h3>\n<ul class=\"keys\">" + keys + "</ul>\n";
  }
  return out;
}

std::string failures_of(const std::vector<ProbeAttempt>& attempts) {
  std::vector<std::pair<std::string_view, std::int64_t>> counts;  // as they were first seen
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto& attempt : attempts) {
    if (attempt.ok) continue;
    const auto [known, added] = places.try_emplace(attempt.text, counts.size());
    if (added) counts.emplace_back(attempt.text, 0);
    ++counts[known->second].second;
  }
  std::ranges::stable_sort(counts, std::ranges::greater{}, [](const auto& c) { return c.second; });
  std::string out;
  for (std::size_t i = 0; i < counts.size() && i < kMostTexts; ++i) {
    constexpr std::size_t kLongest = 200;
    out += (i > 0 ? "<br>" : "") + shown_count(counts[i].second) + " × " +
           escaped(counts[i].first, kLongest);
  }
  if (counts.size() > kMostTexts) {
    out += "<br>and " + std::to_string(counts.size() - kMostTexts) + " other answers";
  }
  return out;
}

// The longest time from the start of a failure to the next good answer.
double longest_failure(const std::vector<ProbeAttempt>& attempts) {
  double longest = 0, since = -1;
  for (const auto& attempt : attempts) {
    if (!attempt.ok && since < 0) since = attempt.start_s;
    if (since >= 0) longest = std::max(longest, attempt.end_s - since);
    if (attempt.ok) since = -1;
  }
  return longest;
}

}  // namespace

std::string outages_part(const Page& page) {
  Table table({"Seen by", "Faults", "From", "To", "At least", "At most", "Made of"});
  for (const auto& outage : page.result.items("outages")) {
    const Json& rto = outage.get("rto_s");
    table.row({escaped(outage.text("source")), names_of(outage.items("faults")),
               moment_of(page, outage.get("from"), "unknown"), undone_by(page, outage.get("to")),
               seconds_or(rto.get("lo"), ""), seconds_or(rto.get("hi"), ""),
               made_of(page, outage)});
  }
  if (table.empty()) {
    const bool measured = page.result.get("recovery").get("rto_s").is_number();
    return section("outages", "Outages",
                   paragraph(measured ? "Clients saw none: no request went bad."
                                      : "Not measured: no load was summed up."));
  }
  return section(
      "outages", "Outages",
      table.html("Each time in which clients had no sustained success") +
          "<p class=\"note\">At most: from when the last good request before the first bad one was "
          "due, to the end of the first success that lasted. At least: from the end of the first "
          "bad request to when the last bad one was due. The truth lies between.</p>\n");
}

std::string ledgers_part(const Page& page) {
  const auto& ledgers = page.result.items("ledgers");
  const std::string notes = read_back_notes(page);
  if (ledgers.empty()) {
    return notes.empty() ? "" : section("ledger", "The ledger of writes", notes);
  }
  Table table({"Load", "Acknowledged", "Unknown", "Lost", "Stale", "Corrupt", "Duplicate",
               "Phantom", "Resurrected", "Recovered"});
  for (const auto& ledger : ledgers) {
    std::vector<std::string> cells{escaped(ledger.text("load")),
                                   count_or(ledger.get("acknowledged")),
                                   count_or(ledger.get("unknown"))};
    for (const char* name : {"lost", "stale", "corrupt", "duplicate", "phantom", "resurrected"}) {
      cells.push_back(finding(ledger.get(name)));
    }
    cells.push_back(count_or(ledger.get("recovered")));
    table.row(std::move(cells));
  }
  return section(
      "ledger", "The ledger of writes",
      table.html("Every write that the load sent, against what was read back afterwards", 1) +
          "<p class=\"note\">Unknown: sent, but never answered. Recovered: never acknowledged, and "
          "there all the same, which is no harm. Lost, stale, corrupt: acknowledged, and not "
          "there, "
          "older, or different.</p>\n" +
          recovery_points(ledgers) + notes);
}

std::string copies_part(const Page& page) {
  Table backups({"Target", "Backup", "Age when the data was lost", "Digest"});
  for (const auto& backup : page.result.items("backups")) {
    backups.row({escaped(backup.text("target")), "<code>" + escaped(backup.text("id")) + "</code>",
                 seconds_or(backup.get("age_at_disaster_s"), "no data was lost"),
                 "<code>" + escaped(backup.text("sha256")) + "</code>"});
  }
  Table restores({"Target", "By", "Into", "Took", "Verified", "Brought something back"});
  for (const auto& restore : page.result.items("restores")) {
    const Json& vacuous = restore.get("vacuous");
    const bool known = vacuous.is_boolean();
    restores.row(
        {escaped(restore.text("target")), escaped(restore.text("kind")),
         escaped(restore.text("into")), seconds_or(restore.get("took_s"), "unknown"),
         mark(restore.get("verified"), "verified", "does not verify", "not known"),
         mark(known ? Json(!vacuous.boolean()) : Json(), "yes", "no: vacuous", "not known")});
  }
  std::string replays;
  for (const auto& note : page.story.notes) {
    if (note.type != "replay" || !note.data.get("count").is_integer()) continue;
    replays += "<p class=\"note\">The queue " + escaped(note.data.text("target")) +
               " delivered again what it kept: " + count_or(note.data.get("count")) +
               " messages, at " + shown_offset(note.at.at_s) + ".</p>\n";
  }
  std::string content;
  if (!backups.empty()) content += backups.html("Backups that the drill took");
  if (!restores.empty()) content += restores.html("Restores, and whether they hold");
  content += replays;
  return content.empty() ? "" : section("copies", "Backups and restores", content);
}

std::string invariants_part(const Page& page) {
  Table table({"Target", "Invariant", "Must be", "Read", "Value", "Holds"});
  for (const auto& one : page.result.items("invariants")) {
    const bool read = one.text("error").empty();
    table.row({escaped(one.text("target")), escaped(one.text("name")), escaped(one.text("must")),
               escaped(moment_read(one)), escaped(value_read(one)),
               mark(read ? one.get("holds") : Json(), "holds", "broken", "not known")});
  }
  return table.empty()
             ? ""
             : section("invariants", "Invariants",
                       table.html("What is always true of the data, each time it was read"));
}

// Each of a load's requests, where there are several.
std::string requests_of(const Json& load) {
  Table table({"Phase", "Request", "Due", "Sent", "Good", "Errors"});
  for (const auto& phase : load.items("phases")) {
    for (const auto& of : phase.items("requests")) {
      table.row({escaped(phase.text("phase")), escaped(of.text("request")), count_or(of.get("due")),
                 count_or(of.get("sent")), count_or(of.get("ok")), finding(of.get("errors"))});
    }
  }
  return table.empty() ? "" : table.html("Load " + load.text("name") + ", request by request", 2);
}

// Which checks answers failed, of loads that check more than success.
std::string failed_checks_of(const Json& load) {
  Table table({"Phase", "Check of answers", "Failed"});
  for (const auto& phase : load.items("phases")) {
    for (const auto& failed : phase.items("failed_checks")) {
      table.row({escaped(phase.text("phase")), "<code>" + escaped(failed.text("check")) + "</code>",
                 finding(failed.get("times"))});
    }
  }
  return table.empty() ? "" : table.html("Load " + load.text("name") + ", what answers failed", 2);
}

std::string closed_loop(const Json& load) {
  const Json& users = load.get("closed_loop");
  if (!users.is_object()) return "";
  return "<p class=\"note\">A closed loop: " + count_or(users.get("spawned")) + " of " +
         count_or(users.get("users")) +
         " users asked, each of whom waits for his answer. While the system is slow it is asked "
         "less, so its latency looks better than clients elsewhere would find it. The longest time "
         "in which an outage may have gone unseen: " +
         seconds_or(users.get("longest_gap_s"), "–") + ".</p>\n";
}

constexpr const char* kClosedLoopNote =
    " A closed loop asks again when it has its answer: its latency counts from when a request was "
    "sent, and a system that is slow is asked less.";

// What a load that a process of its own carried said of its requests, by their names.
std::string requests_told(const Json& load) {
  Table table({"Request", "Good", "Errors", "An error"});
  for (const auto& one : load.get("told").items("requests")) {
    table.row({escaped(one.text("name")), count_or(one.get("ok")), finding(one.get("errors")),
               escaped(one.text("example"))});
  }
  return table.empty() ? "" : table.html("Requests of load " + load.text("name"), 1);
}

std::string loads_part(const Page& page) {
  std::string content;
  bool any_closed = false;
  for (const auto& load : page.result.items("load")) {
    any_closed = any_closed || is_closed_loop(load);
    Table table({"Phase", "Due", "Sent", "Good", "Errors", "Success", "Rate", "p50", "p90", "p99",
                 "p99.9", "Max", "Send lag p99", "Valid"});
    for (const auto& phase : load.items("phases")) {
      const auto due = phase.integer("due", 0);
      const Json& latency = phase.get("latency_s");
      const double share =
          due == 0 ? 1 : static_cast<double>(phase.integer("ok", 0)) / static_cast<double>(due);
      table.row({escaped(phase.text("phase")), count_or(phase.get("due")),
                 count_or(phase.get("sent")), count_or(phase.get("ok")),
                 finding(phase.get("errors")), due == 0 ? "none due" : shown_ratio(share),
                 fixed(phase.number("rate", 0), 1) + "/s", seconds_or(latency.get("p50"), "–"),
                 seconds_or(latency.get("p90"), "–"), seconds_or(latency.get("p99"), "–"),
                 seconds_or(latency.get("p99.9"), "–"), seconds_or(latency.get("max"), "–"),
                 seconds_or(phase.get("send_lag_s").get("p99"), "–"),
                 mark(phase.get("valid"), "yes", "no", "not known")});
    }
    content += table.html("Load " + load_in_words(load) + ", by the fault that was in force", 1) +
               requests_of(load) + failed_checks_of(load) + requests_told(load) + closed_loop(load);
  }
  if (content.empty()) return "";
  return section("load", "The load",
                 "<div class=\"wide\">" + content +
                     "</div><p class=\"note\">Latency counts from when a request was due, not from "
                     "when it was sent. Send lag is our own lateness; a phase in which it spoilt "
                     "the figures is not valid." +
                     std::string(any_closed ? kClosedLoopNote : "") + "</p>\n");
}

std::string probes_part(const Page& page) {
  Table table({"Probe", "Attempts", "Good", "Longest without", "Answers that were not good"});
  for (const auto& [probe, attempts] : page.story.probes) {
    std::int64_t good = 0;
    for (const auto& attempt : attempts) good += attempt.ok;
    const double longest = longest_failure(attempts);
    const bool alone = page.story.is_evidence_alone(probe);
    table.row({escaped(probe) + (alone ? " <small>evidence alone</small>" : ""),
               shown_count(static_cast<std::int64_t>(attempts.size())), shown_count(good),
               longest > 0 ? escaped(shown_seconds(longest)) : "none", failures_of(attempts)});
  }
  return table.empty() ? ""
                       : section("probes", "Probes",
                                 table.html("Every attempt counts; none is retried away"));
}

}  // namespace gameday
