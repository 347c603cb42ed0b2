// Journals as drills leave them, made by hand through the chain: what reports are tested on.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/reports/journal_maker.h"

namespace gameday {

// The store is lost and comes back: two outages, a ledger, a backup, a restore. Passed.
[[nodiscard]] std::vector<std::string> passed_drill();
// The same as far as its last fault, when the runner died: the guardian puts all back but one deed.
enum class Guardian { undoes_all, fails_at_one, absent };
[[nodiscard]] std::vector<std::string> interrupted_drill(Guardian guardian);
[[nodiscard]] std::vector<std::string> not_started_drill();
// Stopped by a condition, with residue, data lost, objectives missed and not judged.
[[nodiscard]] std::vector<std::string> bad_drill();
// Two loads and four probes; ten minutes, or until it has that many events.
[[nodiscard]] std::vector<std::string> long_drill(std::size_t events = 0);

// The journal with each event put through `change`; one whose type is then empty is left out.
using Change = std::function<void(Event&)>;
[[nodiscard]] std::vector<std::string> with(const Change& change,
                                            const std::vector<std::string>& from);
// The passed one, of a plan and a ledger that lack nothing which a score goes by.
[[nodiscard]] std::vector<std::string> good_drill();
// The passed one under a closed loop of 50 users.
[[nodiscard]] std::vector<std::string> closed_drill();

}  // namespace gameday
