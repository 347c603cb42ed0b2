// Rows for rehearsals: every effect, two that a lease holds, and two that lose data. A rehearsal
// calls none of their functions.
#pragma once

#include "tests/engine/playbook/test_rows.h"

namespace gameday::sim_rows {

inline Status renewed(const Undo&, const DeedContext&) { return {}; }

constexpr FaultRow leased(FaultRow row) {
  row.renew = &renewed;
  return row;
}

inline constexpr FaultRow kKill =
    test_rows::fault("kill", {}, "process", Reversal::restart, Effect::stops, false);
inline constexpr FaultRow kBlock =
    leased(test_rows::fault("block", {}, "link", Reversal::exact, Effect::cuts, false));
inline constexpr FaultRow kSlow =
    leased(test_rows::fault("slow", {}, "process", Reversal::exact, Effect::slows, false));
inline constexpr FaultRow kFill =
    test_rows::fault("fill", {}, "process", Reversal::exact, Effect::fills, false);
constexpr FaultRow coming_back(FaultRow row) {
  row.comes_back = true;
  return row;
}
inline constexpr FaultRow kLoseForGood =
    test_rows::fault("lose-data", {}, "sqlite", Reversal::saved_copy, Effect::loses, true);
inline constexpr FaultRow kLoseData = coming_back(kLoseForGood);
inline constexpr FaultRow kDamage =
    test_rows::fault("damage", {}, "sqlite", Reversal::saved_copy, Effect::loses, true);
inline constexpr FaultRow kDropQueue =
    test_rows::fault("drop-queue", {}, "queue", Reversal::saved_copy, Effect::loses, true);
inline constexpr std::array kFaults{&kKill,     &kBlock,  &kSlow,      &kFill,
                                    &kLoseData, &kDamage, &kDropQueue, &test_rows::kLitter};

inline constexpr Rows kRows{test_rows::kFacets,   kFaults,
                            test_rows::kRestores, test_rows::kQueues,
                            test_rows::kProbes,   test_rows::kActions};

// The same, where no fault comes back with a restore to a point after it.
inline constexpr std::array kForGood{&kKill,        &kBlock,  &kSlow,      &kFill,
                                     &kLoseForGood, &kDamage, &kDropQueue, &test_rows::kLitter};
inline constexpr Rows kForGoodRows{test_rows::kFacets, kForGood,           test_rows::kRestores,
                                   test_rows::kQueues, test_rows::kProbes, test_rows::kActions};

// As the first, where a restore into a scratch copy is a deed too.
inline Result<Undo> scratch_prepared(const Deed&, const BackupTaken&, const DeedContext&) {
  return Undo{};
}
inline Result<Restored> scratch_filled(const BackupTaken&, const Undo&, const DeedContext&) {
  return Restored{};
}
constexpr RestoreRow with_scratch_deed(RestoreRow row) {
  row.prepare_scratch = &scratch_prepared;
  row.fill_scratch = &scratch_filled;
  return row;
}
inline constexpr RestoreRow kScratchRestore = with_scratch_deed(test_rows::kSqliteRestore);
inline constexpr std::array kScratchRestores{&kScratchRestore};
inline constexpr Rows kScratchRows{test_rows::kFacets, kFaults,
                                   kScratchRestores,   test_rows::kQueues,
                                   test_rows::kProbes, test_rows::kActions};

}  // namespace gameday::sim_rows
