// What happens to a drill (events) and what it wants done (commands). Plain values: the conductor
// sees nothing else of the world.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/load/summary.h"
#include "engine/rows.h"

namespace gameday {

inline constexpr std::string_view kActionKind = "action";

using TaskId = std::uint64_t;
using TimerId = std::uint64_t;
inline constexpr std::size_t kNoDeed = std::numeric_limits<std::size_t>::max();

enum class Op {
  system_start,     // proxies and `start`, until `ready` holds
  invariants,       // those of all targets are read: InvariantSeen of each
  prepare,          // a deed's prior state is read: Undo
  inject,           // the deed is done (for a restore into place: Restored)
  prove,            // has it bitten? Proof
  undo,             // puts back
  still_bites,      // after a restore into place: has the fault come back with it? Proof
  look,             // is it gone? Proof
  close,            // private files of a deed are erased, or kept
  backup,           // BackupTaken
  restore_scratch,  // Restored
  replay,           // a queue delivers again what it keeps: count
  end_loads,        // for good; in-flight requests answer or time out
  drain,            // declared queues are empty
  read_back,        // LedgerSummary of one load
  summarise,        // LoadSummary of one load
  forget_backups,   // what the drill itself backed up goes, but for what is to stay
  system_stop       // `stop`, and the proxies end, where this drill started them
};
[[nodiscard]] std::string_view name_of(Op op);

// Something for the runtime to do, with a deadline; it answers with one Done.
struct Task {
  TaskId id = 0;
  Op op = Op::prepare;
  std::size_t lane = 0;            // whose answer it is
  std::size_t deed = kNoDeed;      // prepare, inject, prove, undo, look, close
  Deed what;                       // the same
  Undo undo;                       // inject, prove, undo, look, close
  std::string mark;                // the same
  bool keep = false;               // close; backup: it stays after the drill
  std::string target;              // backup, restore_scratch, replay
  BackupTaken backup;              // prepare and inject of a restore, restore_scratch
  Utc since;                       // replay
  std::vector<std::string> names;  // end_loads, read_back, summarise: loads; drain: queues
  // drain: messages that a running load itself keeps in the queue; 0 where none runs.
  std::int64_t tolerated = 0;
  std::vector<FaultSpan> faults;    // summarise
  std::optional<Instant> disaster;  // read_back
  bool restored = false;            // read_back
  Instant first_step;               // summarise
  Duration hold{};                  // summarise
  Instant deadline;
};

struct Begun {};
// The system answers; what the timeline's targets are right now.
struct SystemUp {
  bool started_here = false;
  std::vector<Instance> instances;
};
struct Done {
  TaskId task = 0;
  Status status;
  std::variant<std::monostate, Undo, Proof, BackupTaken, Restored, std::int64_t, LoadSummary,
               LedgerSummary, SystemUp, std::vector<InvariantSeen>>
      value;
};
struct Sampled {
  std::string probe;
  Instant start, end;
  bool ok = false;
  std::string text;
};
struct Woken {
  TimerId timer = 0;
};
// Whoever answers, stops or notes something: never what they say of themselves, always what the
// kernel says of the terminal's process or of the connection.
struct Person {
  std::string name;
  std::int64_t uid = -1;
  std::string via;  // "terminal", the drill's own, or "socket", from another one
};
[[nodiscard]] Json to_json(const Person& person);
enum class StopBy { condition, limit, person, guardian, journal };
[[nodiscard]] std::string_view name_of(StopBy by);
struct StopAsked {
  StopBy by = StopBy::person;
  std::string reason;
  std::string probe;               // by a condition
  Instant last_sample;             // by a condition: the end of the sample that decided
  std::optional<Person> who = {};  // by a person, where one is known
};
// Somebody answers what a step asks of people.
struct Answered {
  enum class What { acknowledged, approved, refused } what = What::acknowledged;
  std::string step;    // empty: the only one that waits for such an answer
  std::string role;    // in which they approve, as they say; empty: the one that is asked for
  std::string reason;  // of a refusal
  Person who;
};
[[nodiscard]] std::string_view name_of(Answered::What what);
struct LoadProblem {
  std::string load, text;
};
// The journal could not take the event before this one: it has not happened.
struct JournalFailed {
  Error error;
  std::optional<TaskId> task;  // whose Done it was
};
using Happening =
    std::variant<Begun, Done, Sampled, Woken, StopAsked, Answered, LoadProblem, JournalFailed>;

struct Cancel {
  TaskId task = 0;
};
struct Wake {
  TimerId timer = 0;
  Instant at;
};
struct Ask {  // a probe is asked at its interval from now on; or no more
  std::string probe;
  bool on = true;
};
struct Record {  // a decision of the conductor's, journaled before the commands that follow it
  std::string type;
  Json data;
};
struct Finish {};  // the drill is closed
using DrillCommand = std::variant<Task, Cancel, Wake, Ask, Record, Finish>;

}  // namespace gameday
