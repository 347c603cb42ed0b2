// The field rows of the playbook itself: what may stand at its top, under system, load and probes,
// and in each step. Faults, probes and facets add their own rows (rows.h).
#pragma once

#include <span>
#include <string_view>

#include "engine/playbook/field.h"
#include "engine/playbook/playbook.h"

namespace gameday {

constexpr double kHighestRate = 1e6;  // that a load may have

// system, load, probes and timeline are of type json here: their keys are names or rows.
[[nodiscard]] std::span<const Field> playbook_fields();
[[nodiscard]] std::span<const Field> load_fields();          // of each name under load
[[nodiscard]] std::span<const Field> carried_load_fields();  // where its row carries it
[[nodiscard]] std::span<const Field> target_fields();        // under system, beside the facets
[[nodiscard]] const Field& links_field();                    // system.links, beside the targets
[[nodiscard]] std::span<const Field> link_fields();          // of each name under it
[[nodiscard]] std::span<const Field> probe_fields();         // beside the probe row's own

// A step is a mapping with the kind as one of its keys.
struct StepForm {
  StepKind kind;
  std::string_view summary;
  std::span<const Field>
      fields;                // the kind's own key first; a fault's or action's row adds to them
  std::string_view example;  // one timeline line
};
[[nodiscard]] std::span<const StepForm> step_forms();
[[nodiscard]] const StepForm& form_of(StepKind kind);
// May a step of this kind stand inside a `parallel`? Not a verify: it ends loads and judges what
// all have done. Whether a restore may is a matter of its `into`.
[[nodiscard]] bool may_stand_inside(StepKind kind);

}  // namespace gameday
