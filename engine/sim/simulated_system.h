// The system of a rehearsal: what its faults do to it, what its clients see of it, and who changed
// what when. It understands a fault by its effect alone, and an undo as plain data, as the real
// rows do; it knows no phase and no plan.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"
#include "engine/sim/failures.h"
#include "engine/sim/simulated_load.h"
#include "engine/sim/simulated_store.h"
#include "engine/sim/virtual_time.h"

namespace gameday {

enum class Actor { runner, guardian, revert, late };  // late: a deed that arrives on its own

// One change that somebody made to the system.
struct Change {
  Instant at;
  Actor by = Actor::runner;
  std::string mark;
  std::string what;  // "injected", "undone", "restored", "performed", "cleaned up"
};

class SimulatedSystem {
 public:
  SimulatedSystem(const Playbook& playbook, const Rows& rows, const Failures& failures, Now start,
                  Random random);

  [[nodiscard]] Now now() const { return time_.now(); }
  // Goes on to that time: what is due happens, loads send, the queue delivers.
  void advance(Instant to);
  // Happens at that time unless `local` and its process was killed before.
  void later(Instant at, bool local, std::function<void()> entry);
  // Something that was sent by our process and arrives on its own: even where the process dies
  // meanwhile, within the settle time.
  void arrive(Instant at, std::function<void()> entry);
  void kill_local();

  // The undo of a deed on these targets, with its private files made.
  [[nodiscard]] Undo undo_of(const Deed& deed, Effect effect,
                             const std::vector<std::string>& targets) const;
  [[nodiscard]] Undo undo_of_restore(const std::string& target, bool aside) const;
  void inject(const std::string& mark, const Undo& undo, Actor by);
  void restore(const std::string& mark, const std::string& backup);
  void fill_scratch(const std::string& mark);
  void perform(const std::string& mark);  // an action, which stays
  [[nodiscard]] Status undo(const std::string& mark, const Undo& undo, Actor by);
  [[nodiscard]] bool gone(const std::string& mark, const Undo& undo) const;
  [[nodiscard]] bool bites(const std::string& mark) const;
  void end_by_itself(const std::string& mark);  // a lease
  void vanish(const std::string& mark);         // the target, with what was injected into it

  [[nodiscard]] bool serves(Instant at) const;
  [[nodiscard]] double slowness(Instant at) const;
  [[nodiscard]] std::optional<Instant> probes_hang_until(Instant at) const;

  void start_load(const std::string& mark, const std::string& name, double most_rate);
  void end_load(const std::string& name);
  void end_loads();
  [[nodiscard]] SimulatedLoad* load(const std::string& name);
  // More than one in twenty requests that were due from then on left us over 100 ms late.
  [[nodiscard]] bool lagged_since(Instant from) const;

  [[nodiscard]] SimulatedStore& store() { return store_; }
  [[nodiscard]] const SimulatedStore& store() const { return store_; }
  [[nodiscard]] const Failures& failures() const { return failures_; }
  [[nodiscard]] bool lags(Instant at) const { return during(failures_.load_lags, at); }
  // A duration between these, drawn.
  [[nodiscard]] Duration takes(Duration least, Duration most);
  [[nodiscard]] Random& random() { return random_; }

  // What stands in the system now and was put there by a deed, by mark.
  [[nodiscard]] std::vector<std::string> standing() const;
  [[nodiscard]] const std::vector<Change>& changes() const { return changes_; }
  // Acknowledged writes that were missing when the first load's writes were deleted.
  [[nodiscard]] std::uint64_t missing() const { return missing_.value_or(store_.missing()); }

 private:
  struct Standing {
    Effect effect = Effect::stops;
    Instant since;
    Duration breaks{};  // how long clients feel it, before the system has found its way round
  };
  [[nodiscard]] bool during(const std::optional<Failures::Span>& span, Instant at) const;
  void changed(Actor by, const std::string& mark, std::string what);
  [[nodiscard]] Status undo_truly(const std::string& mark, const Undo& undo, Actor by);
  void clean_up(const std::string& load);
  [[nodiscard]] bool is_queue(const std::string& target) const;

  const Playbook& playbook_;
  const Rows& rows_;
  const Failures failures_;
  Random random_;
  const Instant start_;
  VirtualTime time_;
  Agenda agenda_;
  struct Arrival {
    Instant at;
    std::function<void()> entry;
  };
  std::map<std::uint64_t, Arrival> arrivals_;  // under way
  std::uint64_t last_arrival_ = 0;
  std::uint64_t lives_ = 0;  // of the runner's process: local entries of an older one do nothing
  bool has_queue_ = false;
  SimulatedStore store_;
  std::map<std::string, Standing> standing_;  // all but losses, which the store knows
  std::set<std::string> vanished_;            // marks whose target is not there any more
  std::set<std::string> performed_;           // actions
  std::set<std::string> scratch_;             // copies that were restored aside
  std::map<std::string, int> undo_tries_;
  std::map<std::string, std::unique_ptr<SimulatedLoad>> loads_;
  std::vector<Change> changes_;
  std::optional<std::uint64_t> missing_;
};

// The deed's place in order of preparing, from 0, as its mark "01J...-3" says.
[[nodiscard]] std::size_t index_of(std::string_view mark);

}  // namespace gameday
