// What a probe is asked for.
#pragma once

#include "engine/playbook/playbook.h"

namespace gameday {

// Evidence for criteria of the score and nothing else: no step waits for it, and it neither stops
// nor judges the drill. It may well say no, like an alert that is quiet.
[[nodiscard]] bool is_evidence_alone(const ProbeSpec& probe, const Playbook& playbook);

}  // namespace gameday
