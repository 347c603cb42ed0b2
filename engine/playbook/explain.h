// What `gameday explain NAME` shows of a row: from its fields, never written twice.
#pragma once

#include <string>

#include "engine/playbook/document.h"
#include "engine/rows.h"

namespace gameday {

[[nodiscard]] std::string explain(const FaultRow& row);
[[nodiscard]] std::string explain(const ProbeRow& row);
[[nodiscard]] std::string explain(const RestoreRow& row);
[[nodiscard]] std::string explain(const FacetRow& row);
[[nodiscard]] std::string explain(const ActionRow& row);
[[nodiscard]] std::string explain(const StepForm& form);

}  // namespace gameday
