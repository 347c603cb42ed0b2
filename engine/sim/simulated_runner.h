// The runner of a rehearsal: the same journaled drill, its commands done in virtual time against
// the simulated system. One thread; nothing of it reads a clock or sleeps.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/conductor/journaled_drill.h"
#include "engine/sim/simulated_system.h"

namespace gameday {

enum class SimulatedEnd {
  closed,
  fenced,
  unreturned,  // a deed did not return after a stop: the guardian must undo
  overdue,     // a deed is still in force after its not_after
  idle         // nothing will ever happen any more
};

class SimulatedRunner : private Hands {
 public:
  SimulatedRunner(Drill& drill, Journal& journal, SimulatedSystem& system, Random random,
                  double most_rate);

  // Called by the journal after each append of this runner's; schedules what is to happen then.
  void appended(std::uint64_t count);
  // Until the drill ends or cannot go on; throws Died where the runner dies. While the runner is
  // stopped, `frozen` is called once, with the time at which it stopped; true: it is dead now.
  // `begins` is called with the mark of each deed before anything of it is done.
  using Frozen = std::function<bool(Instant since)>;
  using Begins = std::function<void(const std::string& mark)>;
  [[nodiscard]] SimulatedEnd run(const Frozen& frozen, Begins begins);
  [[nodiscard]] JournaledDrill& journaled_drill() { return journaled_; }
  [[nodiscard]] std::optional<Instant> earliest_not_after() const;
  [[nodiscard]] bool guardian_lives() const { return guardian_lives_; }

 private:
  struct Working {
    Task task;
    std::function<Done()> answer;
    bool hangs = false;
    bool late = false;  // it arrives after its answer, a stop or a deadline
    bool cancelled = false;
    std::shared_ptr<bool> withdrawn = std::make_shared<bool>(false);
  };

  Now now() override { return system_.now(); }
  void begin(const Task& task) override;
  void cancel(TaskId id) override;
  void wake(const Wake& wake) override;
  void ask(const Ask& ask) override;
  void journaled(std::string_view type, const Json& data) override;

  void happen(const Happening& happening);
  void happen_at(Instant at, Happening happening);
  void answer_in(const Task& task, Duration takes, std::function<Done()> answer);
  void ask_probe(const ProbeSpec& probe, Instant due, std::uint64_t asking);
  void finish_under_way();
  void ask_people(const Json& asked);
  void tell_window(const std::string& load, Instant from);

  // simulated_tasks.cc: what each task does, and its answer
  void start_system(const Task& task);
  void prepare(const Task& task);
  void inject(const Task& task);
  void inject_fault(const Task& task, DeedFailure failure);
  void inject_late(const Task& task);
  void perform(const Task& task, DeedFailure failure);
  void arrive_after(const Task& task, Instant answered);
  void begin_deed(const Task& task);
  void restore_place(const Task& task);
  void restore_scratch(const Task& task);
  void back_up(const Task& task);
  void undo(const Task& task);
  void stop_soon();
  void look(const Task& task);
  void drain(const Task& task, Instant began, std::optional<Instant> empty_since);
  [[nodiscard]] Done resolved(const Task& task);
  [[nodiscard]] Done invariants(const Task& task) const;
  [[nodiscard]] Done replayed(const Task& task);
  [[nodiscard]] Done read_back(const Task& task);
  [[nodiscard]] Done summed_up(const Task& task);
  [[nodiscard]] DeedFailure failure_of(const Task& task) const;

  Drill& drill_;
  SimulatedSystem& system_;
  JournaledDrill journaled_;
  Random random_;
  const double most_rate_;
  Agenda agenda_;
  std::map<TaskId, Working> working_;
  std::map<std::string, Instant> owed_;           // what the guardian knows: not_after by mark
  std::map<std::string, std::uint64_t> askings_;  // how often each probe was begun or left
  Begins begins_;
  bool guardian_lives_ = true;
  std::optional<Instant> frozen_;
  bool unreturned_ = false;
  bool system_started_ = false;
};

}  // namespace gameday
