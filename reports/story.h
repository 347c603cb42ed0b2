// What a journal tells, gathered once for all reports: the plan, the steps, each deed's life, what
// probes and loads saw. Pure; judges nothing, and believes no chain that does not verify.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/journal/chain.h"

namespace gameday {

// A moment of the drill: seconds since it began, and the time of day that follows from its start,
// so that a clock that was set meanwhile bends none of them.
struct Moment {
  double at_s = 0;
  std::string utc;
  bool operator==(const Moment&) const = default;
};

struct StepStory {
  std::string id, step;
  Moment started;
  std::optional<Moment> ended;
  bool ok = false;
  std::uint64_t number = 0;  // of the event that ended it, else that began it
};

// One attempt at putting a deed back, or one look whether it is gone.
struct UndoStory {
  Moment at;
  bool look = false;
  bool ok = false;  // the undo returned, or the look found it gone
  std::string text;
  std::string by;  // "runner", or who took over: "guardian", "revert"
};

struct DeedStory {
  std::string mark, id, kind, target;
  std::vector<std::string> targets, instances;
  Json arguments, undo;
  bool holds_data = false;
  Moment recorded;
  std::optional<Moment> injected;
  bool injected_ok = false;
  std::string inject_error;
  std::optional<Moment> proof_at;
  bool proven = false;
  std::string proof_text;
  std::uint64_t proof_event = 0;
  std::vector<UndoStory> undoing;
  std::optional<Moment> reverted;  // seen gone, or superseded
  std::string superseded_by;       // the step that did
  std::string residue;             // why it could not be undone
  bool open = true;                // its undo is still owed

  [[nodiscard]] bool is_fault() const {
    return kind != "load" && kind != "restore" && kind != "action";
  }
  // As the result document names it: recorded, injected, proven, undone, superseded, residue.
  [[nodiscard]] std::string stage() const;
};

struct ProbeAttempt {
  double start_s = 0, end_s = 0;
  bool ok = false;
  std::string text;
  std::uint64_t number = 0;
};

struct LoadSecond {  // what was due in one second
  double from_s = 0;
  std::int64_t due = 0, ok = 0, errors = 0;
  double p50_s = 0, p99_s = 0;
  bool marked = false;  // we were late ourselves
  std::uint64_t number = 0;
  double max_s = 0;  // 0: not told
};

// What was seen of a link at one moment: totals since its proxy's start.
struct LinkLook {
  double at_s = 0;
  std::int64_t accepted = 0, bytes_up = 0;
  std::uint64_t number = 0;
};

// Events that reports show as they are: stop, backup, replay, drain, read_back, evidence ...
struct Note {
  Moment at;
  std::uint64_t number = 0;
  std::string type;
  Json data;
};

struct Story {
  std::uint64_t events = 0;
  std::string head, drill;
  bool closed = false;
  Json planned = Json::object();  // of the event that opens the journal
  std::optional<Json> verdict;    // the parts of the result that the drill itself measured
  Moment began, ended;            // the first and the last event
  std::vector<StepStory> steps;
  std::vector<DeedStory> deeds;
  std::map<std::string, std::vector<ProbeAttempt>> probes;
  std::map<std::string, std::vector<LoadSecond>> loads;
  std::map<std::string, std::vector<LinkLook>> links;
  std::vector<Note> notes;
  std::vector<std::uint64_t> secret_like;  // events that hold what looks like a secret
  // Who undid after the runner was gone, and when it began; empty: nobody had to.
  std::string taken_over_by;
  std::optional<Moment> taken_over;

  [[nodiscard]] const Note* last_note(std::string_view type) const;
  [[nodiscard]] const DeedStory* deed(std::string_view id) const;
  // Whether a probe is evidence for criteria and nothing else: no step waits for it, and it neither
  // stops the drill nor judges it. It may well say no, like an alert that is quiet.
  [[nodiscard]] bool is_evidence_alone(std::string_view probe) const;
  // Seconds since the start of a time of day out of the verdict; none where it is no time.
  [[nodiscard]] std::optional<double> offset_of(const Json& utc) const;

  Utc began_utc{};
};

// `corrupt` where the lines do not verify as one chain; a chain without an end is told as far as it
// goes.
[[nodiscard]] Result<Story> story_of(const LineSource& lines);
[[nodiscard]] Result<Story> story_of(const std::vector<std::string>& lines);

}  // namespace gameday
