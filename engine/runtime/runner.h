// The runner: the real runtime's loop. It hands each event to the journaled drill and has its
// commands done on threads; it beats for the guardian and renews what is held by a lease.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "engine/conductor/journaled_drill.h"
#include "engine/journal/journal.h"
#include "engine/runtime/clock_watch.h"
#include "engine/runtime/door.h"
#include "engine/runtime/guardian_link.h"
#include "engine/runtime/inbox.h"
#include "engine/runtime/link_watch.h"
#include "engine/runtime/performer.h"
#include "engine/runtime/prober.h"

namespace gameday {

// Told of what happens, for a person who watches.
using Watcher = std::function<void(const Drill&, std::string_view type, const Json& data)>;
// Called ten times a second and more, whether or not something happens. Must not wait.
using Ticker = std::function<void(const Drill&)>;

// The next whole line that was typed at the drill's terminal, if there is one; waits for nothing.
using Typed = std::function<std::optional<std::string>()>;

struct RunnerTerms {
  const Clock& clock;
  const Rows& rows;
  Journal& journal;
  Performer& performer;
  GuardianLink* guardian = nullptr;    // null in tests of the runner alone
  std::function<int()> stop_requests;  // how often a person has asked to stop so far
  Watcher watcher;
  Ticker ticker = {};
  Typed typed = {};
  // What attempts of probes use, for one that never returns.
  std::shared_ptr<const void> kept = {};
};

enum class RunEnd {
  closed,     // the drill came to its end
  fenced,     // another replayer has taken it: nothing more may be done
  defect,     // a mistake of ours; what is open must be undone by the caller
  unreturned  // a deed did not return after a stop: the guardian must end us
};

class Runner : private Hands {
 public:
  Runner(Drill& drill, RunnerTerms terms);
  ~Runner() override;
  // Returns when the drill is closed, or cannot go on. Throws nothing.
  [[nodiscard]] RunEnd run(Inbox& inbox);
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  struct Working {
    StopSource stop;
    std::optional<Instant> cancelled;
    std::jthread thread;
  };

  Now now() override { return terms_.clock.now(); }
  void begin(const Task& task) override;
  void cancel(TaskId id) override;
  void wake(const Wake& wake) override;
  void ask(const Ask& ask) override;
  void journaled(std::string_view type, const Json& data) override;

  void take_in(const Message& message);
  void note(const Noted& noted);
  [[nodiscard]] Result<Json> answer(const Asked& asked);
  [[nodiscard]] Result<Json> stop_for(const DoorRequest& request, const Person& who);
  [[nodiscard]] Result<Json> note_for(const DoorRequest& request, const Person& who);
  [[nodiscard]] Result<Json> answer_for(const DoorRequest& request, const Person& who);
  void hear_terminal();
  [[nodiscard]] Json status() const;
  bool happen(const Happening& happening);
  void settle_up(const std::string& mark);
  void fire_timers();
  void note_evidence();
  void look_at_clocks();
  void look_for_trouble();
  void renew_leases(const Stop& stop);
  [[nodiscard]] Duration next_wait() const;

  Drill& drill_;
  RunnerTerms terms_;
  JournaledDrill journaled_;
  Inbox* inbox_ = nullptr;
  std::unique_ptr<Prober> prober_;
  std::unique_ptr<LinkWatch> link_watch_;
  ClockWatch clock_watch_;
  std::map<TaskId, Working> working_;
  std::multimap<Instant, TimerId> timers_;
  std::mutex leases_mutex_;
  std::map<std::string, Undo> leases_;  // by mark
  StopSource leases_stop_;
  std::jthread leases_thread_;
  std::optional<RunEnd> end_;
  std::string trouble_;
  Instant last_beat_{}, last_evidence_{}, last_clocks_{};
  int stops_seen_ = 0;
  int notes_ = 0;                        // that people have made
  std::map<std::string, Json> windows_;  // the last one of each load
  std::set<std::string> told_problems_;
};

}  // namespace gameday
