// What is owed and what is undone.
#include <algorithm>
#include <map>

#include "engine/sim/invariants_parts.h"

namespace gameday {
namespace {

bool starts(const Change& change) {
  return change.what == "injected" || change.what == "restored" || change.what == "performed" ||
         change.what == "load started";
}

// The marks that the drill, or the last replayer, says are left.
std::set<std::string> named_as_left(const RehearsalTrail& evidence) {
  std::set<std::string> marks;
  for (const auto& event : evidence.events) {
    if (event.type == "residue") marks.insert(event.data.text("deed"));
  }
  return marks;
}

// Who wrote it, where that is a replayer.
std::string replayer_of(const Event& event) {
  const bool undoing = event.type == "undo" || event.type == "gone" || event.type == "erased";
  return undoing ? event.data.text("by") : "";
}

}  // namespace

std::string nothing_left(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  const auto superseded = superseded_marks(evidence);
  const auto named = named_as_left(evidence);
  for (const auto& mark : rehearsal.standing) {
    if (superseded.contains(mark)) continue;
    const bool told = named.contains(mark) || !rehearsal.replay_residue.empty() ||
                      !rehearsal.document.items("residue").empty();
    if (rehearsal.exit_code == 5 && told) continue;
    return "deed " + mark + " still stands, and the exit code is " +
           std::to_string(rehearsal.exit_code);
  }
  return "";
}

std::string undo_before_deed(const RehearsalTrail& evidence) {
  if (!evidence.rehearsal.unrecorded.empty()) {
    return "deed " + evidence.rehearsal.unrecorded.front() + " was begun before its record";
  }
  std::map<std::string, Instant> recorded;
  for (const auto& event : evidence.events) {
    if (event.type == "deed") recorded.emplace(event.data.text("deed"), event.at);
  }
  for (const auto& change : evidence.rehearsal.changes) {
    if (!starts(change)) continue;
    const auto found = recorded.find(change.mark);
    if (found == recorded.end()) return "deed " + change.mark + " was done without a record";
    if (found->second > change.at) return "deed " + change.mark + " was done before its record";
  }
  return "";
}

// Among the undos of one end of the drill, or of one replayer: each deed where it is undone first.
// Of two lanes, the deed whose undo was recorded later is the newer one.
std::string newest_first(const RehearsalTrail& evidence) {
  std::map<std::string, std::size_t> recorded;
  for (const auto& event : evidence.events) {
    if (event.type == "deed") recorded.emplace(event.data.text("deed"), recorded.size());
  }
  std::string section;
  std::set<std::string> seen;
  std::size_t last = 0;
  for (const auto& event : evidence.events) {
    std::string now = section;
    if (event.type == "phase") now = event.data.text("phase");
    if (event.type == "undo" || event.type == "gone") {
      const std::string by = event.data.text("by");
      if (!by.empty()) now = by;
    }
    if (now != section) {
      section = now;
      seen.clear();
      last = static_cast<std::size_t>(-1);
    }
    // On a full disk the undo itself may be told by nothing but the look after it.
    const bool attempt = event.type == "undo" || event.type == "gone";
    if (!attempt || section.empty() || section == "running") continue;
    const std::string mark = event.data.text("deed");
    if (!seen.insert(mark).second) continue;
    if (recorded[mark] > last) return "deed " + mark + " was undone after an older one";
    last = recorded[mark];
  }
  return "";
}

std::string proven_gone(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  // Without a journal only the system itself can say it, and nothing-left asks that.
  const bool journaled = rehearsal.failures.disk_full_from == Failures::kNever;
  if (rehearsal.end != RehearsalEnd::closed || !journaled) return "";
  auto closed = superseded_marks(evidence);
  const auto named = named_as_left(evidence);
  closed.insert(named.begin(), named.end());
  for (const auto& event : evidence.events) {
    if (event.type == "gone" && event.data.boolean("closes", false)) {
      closed.insert(event.data.text("deed"));
    }
  }
  for (const auto& event : evidence.events) {
    const bool owes = event.type == "deed" && event.data.text("kind") != kActionKind;
    if (owes && !closed.contains(event.data.text("deed"))) {
      return "deed " + event.data.text("deed") + " was never seen to be gone";
    }
  }
  return "";
}

std::string superseded_not_replayed(const RehearsalTrail& evidence) {
  std::set<std::string> superseded;
  for (const auto& event : evidence.events) {
    if (event.type == "superseded") {
      for (const auto& mark : event.data.items("deeds")) superseded.insert(mark.text());
    }
    if (event.type == "undo" && superseded.contains(event.data.text("deed"))) {
      return "deed " + event.data.text("deed") + " was undone after a restore had closed it";
    }
  }
  return "";
}

std::string copy_kept(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  if (rehearsal.missing == 0) return "";
  const auto superseded = superseded_marks(evidence);
  for (const auto& change : rehearsal.changes) {
    if (change.what != "injected" || !superseded.contains(change.mark)) continue;
    if (std::ranges::find(rehearsal.copies, change.mark) == rehearsal.copies.end()) {
      return "data is missing, and the copy that deed " + change.mark + " saved was erased";
    }
  }
  return "";
}

std::string residue_named(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  if (rehearsal.exit_code != 5 || rehearsal.end != RehearsalEnd::closed) return "";
  return rehearsal.document.items("residue").empty() ? "exit code 5, and no residue is named" : "";
}

std::string replayer_told_true(const RehearsalTrail& evidence) {
  const auto superseded = superseded_marks(evidence);
  for (const auto& mark : evidence.rehearsal.claimed_gone) {
    if (!superseded.contains(mark)) return "deed " + mark + " stood when all was said to be undone";
  }
  return "";
}

std::string tried_again(const RehearsalTrail& evidence) {
  std::map<std::string, int> tries;
  for (const auto& event : evidence.events) {
    if (event.type == "undo") ++tries[event.data.text("deed")];
  }
  for (const auto& mark : named_as_left(evidence)) {
    // With a full disk the tries are not in the journal.
    if (evidence.rehearsal.failures.disk_full_from != Failures::kNever) continue;
    if (tries[mark] < 3) {
      return "deed " + mark + " was given up after " + std::to_string(tries[mark]) + " tries";
    }
  }
  return "";
}

std::string replay_twice(const RehearsalTrail& evidence) {
  const auto count = evidence.rehearsal.idle_changes;
  return count == 0 ? "" : std::to_string(count) + " changes by a replayer that owed nothing";
}

std::string fenced_does_nothing(const RehearsalTrail& evidence) {
  const auto& taken_over = evidence.rehearsal.taken_over;
  if (!taken_over) return "";
  for (const auto& change : evidence.rehearsal.changes) {
    if (change.by == Actor::runner && change.at > *taken_over) {
      return "the runner " + change.what + " deed " + change.mark + " after it was taken over";
    }
  }
  return "";
}

std::string one_writer(const RehearsalTrail& evidence) {
  std::string writer;
  for (const auto& event : evidence.events) {
    const std::string by = replayer_of(event);
    const bool replays = by == "guardian" || by == "revert";
    if (!writer.empty() && !replays) {
      return "event " + std::to_string(event.number) + " is the runner's, after the " + writer;
    }
    if (writer == "revert" && by == "guardian") return "the guardian wrote after a revert";
    if (replays) writer = by;
  }
  return "";
}

std::string nothing_after_cleanup(const RehearsalTrail& evidence) {
  const auto count = evidence.rehearsal.late_writes;
  return count == 0 ? "" : std::to_string(count) + " writes came after the cleanup";
}

}  // namespace gameday
