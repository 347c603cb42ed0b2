// The field rows of the playbook itself: what may stand at its top, under system, load and probes,
// and in each step. Faults, probes and facets add their own rows (rows.h).
#pragma once

#include <span>
#include <string_view>

#include "engine/playbook/field.h"
#include "engine/playbook/playbook.h"

namespace gameday {

// system, load, probes and timeline are of type json here: their keys are names or rows.
[[nodiscard]] std::span<const Field> playbook_fields();
[[nodiscard]] std::span<const Field> load_fields();    // of each name under load
[[nodiscard]] std::span<const Field> target_fields();  // under system, beside the facets
[[nodiscard]] std::span<const Field> link_fields();    // under system.links
[[nodiscard]] std::span<const Field> probe_fields();   // beside the probe row's own

// A step is a mapping with the kind as one of its keys.
struct StepForm {
  StepKind kind;
  std::string_view summary;
  std::span<const Field> fields;  // the kind's own key first; a fault's row adds to them
};
[[nodiscard]] std::span<const StepForm> step_forms();
// Kinds that the format knows and this version does not run.
[[nodiscard]] std::span<const std::string_view> steps_not_supported();

}  // namespace gameday
