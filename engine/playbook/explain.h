// What `gameday explain NAME` shows of a row: from its fields, never written twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/playbook/document.h"
#include "engine/rows.h"

namespace gameday {

[[nodiscard]] std::string explain(const FaultRow& row);
[[nodiscard]] std::string explain(const ProbeRow& row);
[[nodiscard]] std::string explain(const LoadRow& row);
[[nodiscard]] std::string explain(const RestoreRow& row);
[[nodiscard]] std::string explain(const FacetRow& row);
[[nodiscard]] std::string explain(const ActionRow& row);
[[nodiscard]] std::string explain(const StepForm& form);

// A part of the playbook itself.
struct PlaybookPart {
  std::string path;     // "load.request": below load, whatever name the playbook gives to it
  Field field;          // with the fields that it has, or that each thing that it names has
  bool of_its = false;  // the latter
};
// All of them, each before what is below it.
[[nodiscard]] std::vector<PlaybookPart> playbook_parts();
// "request" of "load.request".
[[nodiscard]] std::string_view name_of(const PlaybookPart& part);
[[nodiscard]] bool is_section(const PlaybookPart& part);  // it stands at the playbook's top
// With the names of what rows add to it.
[[nodiscard]] std::string explain(const PlaybookPart& part, const Rows& rows);

}  // namespace gameday
