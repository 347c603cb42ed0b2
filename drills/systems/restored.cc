#include "drills/systems/restored.h"

namespace gameday {

Restored restored(std::int64_t rows, Json facts, const BackupTaken& backup, const Clock& clock) {
  facts.set("backup", backup.id);
  facts.set("age_s", seconds(clock.now().utc - backup.taken));
  const bool vacuous = rows == 0;
  return {.vacuous = vacuous,
          .verified = true,
          .text = vacuous ? "the backup holds no rows" : "",
          .facts = std::move(facts)};
}

}  // namespace gameday
