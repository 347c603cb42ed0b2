// Faults that no playbook of a user's can name: each misbehaves in one way, so that it can be seen
// that nothing stays all the same. All of them harm by making a file.
#pragma once

#include "engine/rows.h"

namespace gameday {

// `rows` and three faults more: `slow-harm` (a child sleeps for a second before it harms), `throws`
// (harms, then throws), `deaf` (harms, then does not hear its Stop). `rows` must outlive what is
// returned.
class CrashRows {
 public:
  explicit CrashRows(const Rows& rows);
  [[nodiscard]] Rows rows() const;

 private:
  Rows rows_;
  std::vector<const FaultRow*> faults_;
};

}  // namespace gameday
