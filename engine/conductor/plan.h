// A playbook made ready: each step with its deed, its targets and the instances they are right now.
// The plan is fixed before the start; nothing is resolved wider afterwards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/playbook/playbook.h"
#include "engine/rows.h"

namespace gameday {

struct PlannedStep {
  Step step;
  Deed deed;                         // of a fault, an action, or a restore that is one
  std::vector<std::string> targets;  // under fault at once: names of targets or links
  std::vector<Instance> instances;
  Reversal reversal = Reversal::exact;
  Effect effect = Effect::stops;
  bool holds_data = false;
  bool may_end_early = false;  // by itself: a lease that nobody renews, an instance that ends
  bool comes_back = false;     // with a restore to a point after it
  bool scratch_deed = false;   // a restore into a scratch copy that is a deed, with an undo
};

struct Plan {
  std::string drill;
  std::uint64_t seed = 0;
  std::string operator_name;
  std::int64_t operator_uid = -1;
  std::string store;  // the path of it; a rehearsal has none
  std::shared_ptr<const Playbook> playbook;
  std::vector<PlannedStep> steps;
  std::vector<std::string> identities;  // what the drill locks
  std::vector<std::string> queues;      // targets that must be empty before a ledger is read

  // Whose data a restore of that target into place replaces: its own, or another target's.
  [[nodiscard]] std::string place_of(const std::string& target) const;
  // How long a success must hold to count: objectives.rto.hold, else the last steady state's `for`.
  [[nodiscard]] Duration hold() const;
  // The terms that the end asks for again: those of the last steady_state step; null: none.
  [[nodiscard]] const Step* last_steady_state() const;
};

// Deadlines of the work that no playbook bounds.
struct Deadlines {
  static constexpr Duration prepare = std::chrono::seconds(10);
  static constexpr Duration inject = std::chrono::seconds(15);
  static constexpr Duration prove = std::chrono::seconds(10);
  static constexpr Duration undo = std::chrono::seconds(20);
  static constexpr Duration look = std::chrono::seconds(10);
  static constexpr Duration system = std::chrono::seconds(60);
  static constexpr Duration backup = std::chrono::minutes(5);
  static constexpr Duration restore = std::chrono::minutes(5);  // `deadline` of the step overrides
  static constexpr Duration verify = std::chrono::minutes(2);   // the same
  static constexpr Duration action = std::chrono::minutes(5);   // the same
  static constexpr Duration settle = std::chrono::seconds(2);   // after a deed whose end is unknown
  static constexpr Duration grace =
      std::chrono::seconds(30);  // between a deed's plan and not_after
};

// `instances` by target or link name, as resolved; empty in a rehearsal.
[[nodiscard]] Result<Plan> make_plan(std::shared_ptr<const Playbook> playbook, const Rows& rows,
                                     std::string drill, std::uint64_t seed,
                                     const std::vector<Instance>& instances);

// The plan as a document: the same playbook and instances give the same bytes. The drill's id and
// seed are no part of it.
[[nodiscard]] Json to_json(const Plan& plan, const Rows& rows);

}  // namespace gameday
