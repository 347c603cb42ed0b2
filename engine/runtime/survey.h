// Looks at a system without touching it: which instances are there now, whether we hold the rights
// that each step needs, and which deaths of ours each would survive on this machine.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/rows.h"

namespace gameday {

// Who undoes one fault of the timeline, by what has died.
struct FaultSurvey {
  std::string step, fault, needs;
  Status held;  // `refused`: which right is lacking, or why else it would be refused as things
                // stand; any other error: what hides it
  std::string after_the_runner, after_both, after_power;
};

// The same of a load that speaks no HTTP, which the guardian or `revert` cleans up after.
struct LoadSurvey {
  std::string load, kind, needs;
  Status held;
};

// What carries a load on this machine, and why that.
struct TransportSurvey {
  std::string load, transport, why;
};

// The same of a backup, a restore or an action.
struct StepSurvey {
  std::string step, row, needs;
  Status held;
};

// Whether we hold the rights for the step's fault, and nothing speaks against it as things stand.
[[nodiscard]] Status may_inject(const Step& step, const FaultRow& row, const Rows& rows,
                                const DeedContext& context);

// Whether a load that speaks no HTTP could write, read back and remove; touches nothing.
[[nodiscard]] Status may_load(const LoadSpec& load, const Rows& rows, const DeedContext& context);

// Of a step that backs up, restores or acts: what it needs, and whether we hold that; touches
// nothing. None: it is no such step, or nobody knows its row.
[[nodiscard]] std::optional<StepSurvey> survey_step(const Step& step, const Rows& rows,
                                                    const DeedContext& context);

// Whether a right was looked for and found, or found lacking.
[[nodiscard]] bool is_known(const Status& held);

struct Survey {
  std::vector<Instance> found;
  std::vector<FaultSurvey> faults;
  std::vector<LoadSurvey> loads;
  std::vector<TransportSurvey> transports;
  std::vector<StepSurvey> steps;
  std::vector<std::string> missing;                         // "west: run/west.pid: no such file"
  std::vector<std::pair<std::string, std::string>> deaths;  // death -> what undoes then
};
// `store`: the file of the one that a drill would use; empty: it is not known.
[[nodiscard]] Survey survey_system(const Playbook& playbook, const Rows& rows,
                                   const std::string& store);
[[nodiscard]] Json to_json(const Survey& survey);

}  // namespace gameday
