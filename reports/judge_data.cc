// Criteria on what became of the data: by the ledger, the restores and the queues.
#include <algorithm>

#include "reports/assessment.h"
#include "reports/invariants.h"

namespace gameday {
namespace {

struct Counts {
  std::int64_t acknowledged = 0, bad = 0;
  bool known = true;   // each count was assessed
  std::string named;   // those that are over 0: "3 lost"
  std::string unread;  // why a ledger was not read back
};

Counts counts_of(const Json& result, std::initializer_list<const char*> names) {
  Counts found;
  for (const auto& ledger : result.items("ledgers")) {
    found.acknowledged += ledger.integer("acknowledged", 0);
    if (!ledger.get("lost").is_integer()) {
      found.unread = "ledger " + ledger.text("load") + " was not read back";
    }
    for (const char* name : names) {
      const Json& count = ledger.get(name);
      if (!count.is_integer()) found.known = false;
      const std::int64_t number = count.is_integer() ? count.integer() : 0;
      if (number == 0) continue;
      found.bad += number;
      found.named += (found.named.empty() ? "" : ", ") + std::to_string(number) + " " + name;
    }
  }
  return found;
}

// `unknown` says why a count can be missing although the ledger was read.
Assessment judged_counts(const Case& drill, std::initializer_list<const char*> names,
                         const std::string& unknown, const std::string& good) {
  if (drill.result.items("ledgers").empty()) return unassessed("no ledger was read back");
  const Counts found = counts_of(drill.result, names);
  auto evidence = events_of(drill.story, "read_back");
  if (found.bad > 0) return failed(found.named, std::move(evidence));
  if (!found.unread.empty()) return unassessed(found.unread);
  if (!found.known) return unassessed(unknown);
  if (found.acknowledged == 0) return unassessed("no write was acknowledged");
  return passed(
      good + " of " + counted(found.acknowledged, "acknowledged write", "acknowledged writes"),
      std::move(evidence));
}

// What the ledger knows of each record, and what is always true of all of them together.
Assessment judged_intact(const Case& drill) {
  Assessment by_ledger =
      judged_counts(drill, {"corrupt", "stale"}, "not read back", "each record's digest holds,");
  const InvariantsRead read = invariants_read(drill.result);
  const auto also = invariant_events(drill.story);
  auto evidence = by_ledger.evidence;
  evidence.insert(evidence.end(), also.begin(), also.end());
  if (!read.broken.empty()) {
    const bool both = by_ledger.outcome == Outcome::fail;
    return failed((both ? by_ledger.reason + "; " : "") + read.broken, std::move(evidence));
  }
  if (by_ledger.outcome == Outcome::fail) return by_ledger;
  if (!read.unread.empty()) return unassessed(read.unread);
  if (read.held == 0) return by_ledger;
  const std::string held = counted(read.held, "reading", "readings") + " of invariants held";
  if (by_ledger.outcome != Outcome::pass) return unassessed(by_ledger.reason + "; " + held);
  return passed(by_ledger.reason + "; " + held, std::move(evidence));
}

// Who could not even be backed up is no better off than who could not be restored.
Assessment without_restore(const Case& drill) {
  for (const auto& note : drill.story.notes) {
    const bool refused = note.type == "backup" && !note.data.boolean("ok", true);
    const std::string error = note.data.text("error");
    if (!refused || error == name_of(ErrorCode::stopped)) continue;
    return failed("the backup could not be taken: " + error, {note.number});
  }
  return unassessed("nothing was restored");
}

// A restore into place counts where it brought something back, verified, and what came back was
// asked for through the system itself.
Assessment judged_restored(const Case& drill) {
  const auto& restores = drill.result.items("restores");
  if (restores.empty()) return without_restore(drill);
  std::vector<std::uint64_t> evidence;
  for (const auto& note : drill.story.notes) {
    const bool restore = note.type == "injected" && note.data.text("kind") == "restore";
    if (restore || note.type == "backup" || note.type == "restore_scratch" ||
        note.type == "still_bites" || note.type == "read_back") {
      evidence.push_back(note.number);
    }
  }
  bool in_place = false;
  for (const auto& restore : restores) {
    const std::string target = restore.text("target");
    if (!restore.boolean("verified", false)) {
      return failed("the restore of " + target + " does not verify", std::move(evidence));
    }
    if (restore.boolean("vacuous", true)) {
      return failed("the restore of " + target + " brought nothing back", std::move(evidence));
    }
    in_place = in_place || restore.text("into") == "place";
  }
  if (!in_place) return unassessed("restored into a scratch copy alone: no client asked it");
  const Counts found = counts_of(drill.result, {"lost"});
  const bool read = !drill.result.items("ledgers").empty() && found.unread.empty();
  if (!read || found.acknowledged == 0) {
    return unassessed("restored, but nothing was asked of it through the system afterwards");
  }
  return passed("verified, and read back through the system", std::move(evidence));
}

Assessment judged_drained(const Case& drill) {
  const Note* last = drill.story.last_note("drain");
  if (last == nullptr || last->data.items("names").empty()) {
    return unassessed("no queue was waited for");
  }
  auto evidence = events_of(drill.story, "drain");
  if (!last->data.boolean("ok", false)) {
    return failed("not empty: " + last->data.text("error"), std::move(evidence));
  }
  const Counts found = counts_of(drill.result, {"lost", "stale"});
  for (const auto number : events_of(drill.story, "read_back")) evidence.push_back(number);
  // What a copy from before did not have, no queue has lost.
  const bool older = std::ranges::any_of(drill.result.items("restores"), [](const Json& restore) {
    return restore.text("into") == "place";
  });
  if (found.bad > 0 && older) {
    return unassessed("empty again; whether it or the restore lost what is missing (" +
                      found.named + ") is not known");
  }
  if (found.bad > 0) return failed(found.named, std::move(evidence));
  if (drill.result.items("ledgers").empty() || !found.unread.empty()) {
    return unassessed("empty again, but whether anything was lost is not known");
  }
  return passed("empty again, and no acknowledged write is lost", std::move(evidence));
}

}  // namespace

Assessment judged_data(const Case& drill, const Criterion& criterion) {
  switch (criterion.judged_by) {
    case JudgedBy::restored: return judged_restored(drill);
    case JudgedBy::drained: return judged_drained(drill);
    case JudgedBy::no_surplus:
      return judged_counts(drill, {"duplicate", "phantom", "resurrected"},
                           "the ledger has no `list`, so that phantoms cannot be seen",
                           "none is there twice, and none too many,");
    default: return judged_intact(drill);
  }
}

}  // namespace gameday
