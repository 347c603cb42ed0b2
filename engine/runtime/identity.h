// What a target must be, where its playbook says so (`identity`): looked at before the start, and
// before each undo, so that what answers at its address meanwhile is not taken for it.
#pragma once

#include <string_view>
#include <vector>

#include "engine/rows.h"

namespace gameday {

// Whether that is the identity, or one of its parts: "7301945" of "postgres:7301945/shop".
[[nodiscard]] bool is_identity(std::string_view said, std::string_view identity);

// One facet of a target, as it was found.
struct FacetFound {
  const FacetRow* row = nullptr;
  Instance instance;
};

// Whether one of them is what the target must be; conflict: none is. Those that have no identity
// beyond their process do not count.
[[nodiscard]] Status is_what_it_must_be(const Target& target, const std::vector<FacetFound>& found);

// For the record of an undo: how to see again that the target is what it must be. Nothing where the
// playbook does not say. `found`: where it was what it must be.
[[nodiscard]] Json must_be(const Target& target, const std::vector<FacetFound>& found);

// conflict: what is there now is another one than the record says, so that its undo is not ours to
// do there. Where nothing answers, as after a fault, the undo itself finds out.
[[nodiscard]] Status is_still(const Undo& undo, const Rows& rows, const DeedContext& context);

}  // namespace gameday
