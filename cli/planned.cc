#include "cli/planned.h"

#include "engine/base/digest.h"
#include "engine/conductor/plan.h"
#include "engine/runtime/locks.h"

namespace gameday {

Result<Planned> planned(const std::shared_ptr<const Playbook>& playbook, const Rows& rows) {
  TRY(plan, make_plan(playbook, rows, "", 0, {}));
  plan.identities = lock_names(*playbook, rows);
  Json document = to_json(plan, rows);
  std::string digest = sha256(document.dump());
  return Planned{std::move(document), std::move(digest)};
}

}  // namespace gameday
