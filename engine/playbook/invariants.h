// Invariants: what is always true of a target's data, whatever was done to it, as the total over
// all accounts of a bank is. A playbook gives them with the target's facet; they are read when the
// drill begins, in what a restore brings back, and when the drill verifies.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/playbook/field.h"
#include "engine/rows.h"

namespace gameday {

inline constexpr std::string_view kInvariants = "invariants";  // the facet's field
// `is` of one whose value is not known beforehand.
inline constexpr std::string_view kUnchanged = "unchanged";

inline constexpr std::array<Field, 4> kInvariantFields = {
    {{.name = "name",
      .type = FieldType::text,
      .help = "What it is called in reports; no other one of the target has that name.",
      .required = true},
     {.name = "sql",
      .type = FieldType::text,
      .help = "One statement that only reads and gives one row of one column. Tables are best "
              "named with their schema: in a restored copy, no setting of a role holds.",
      .required = true},
     {.name = "is",
      .type = FieldType::comparison,
      .help = "What the value must always be: a value, or a comparison like \"> 5\"; or "
              "`unchanged`, where it must be what it was when the drill began, in an older backup "
              "too. NULL is none of these.",
      .required = true},
     {.name = "timeout",
      .type = FieldType::duration,
      .help = "How long it may take to read it.",
      .otherwise = "10s",
      .least = 0.001,
      .most = 600}}};

inline constexpr Field kInvariantsField = {
    .name = kInvariants,
    .type = FieldType::groups,
    .help =
        "What is always true of its data: read when the drill begins, in what a restore brings "
        "back, and by `verify`.",
    .fields = kInvariantFields};

struct InvariantSpec {
  std::string target, facet;
  std::string name, sql, is;
  Duration timeout{};
};
[[nodiscard]] std::vector<InvariantSpec> invariants_of(const Target& target);
[[nodiscard]] std::vector<InvariantSpec> invariants_of(const System& system);

// What is wrong with those of a target beyond their fields; empty: nothing.
[[nodiscard]] std::string invariants_problem(const Target& target);

using AskDatum = std::function<Result<Datum>(const std::string& sql, const DeedContext& context)>;
// Reads each invariant of the target's facet by `ask`. `first`: when the drill begins, where one
// that is `unchanged` may have any value; afterwards it is held against `context.begun`.
[[nodiscard]] std::vector<InvariantSeen> read_invariants(const Target& target,
                                                         std::string_view facet,
                                                         const AskDatum& ask,
                                                         const DeedContext& context,
                                                         bool first = false);
// The same of what a restore brings back. stopped, timed_out: the restore itself is over.
[[nodiscard]] Result<std::vector<InvariantSeen>> read_restored(const Target& target,
                                                               std::string_view facet,
                                                               const AskDatum& ask,
                                                               const DeedContext& context);

[[nodiscard]] bool all_hold(const std::vector<InvariantSeen>& seen);
// Of what a restore brought back: it does not verify where one of them does not hold.
void add_invariants(Restored& restored, std::vector<InvariantSeen> seen);

}  // namespace gameday
