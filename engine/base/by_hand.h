// The command that undoes what a drill has left, as somebody in a hurry pastes it into a shell.
#pragma once

#include <string>
#include <string_view>

namespace gameday {

// `store`: the path of the drill's store; empty: it has none (a rehearsal).
[[nodiscard]] std::string revert_by_hand(std::string_view store, std::string_view drill);

}  // namespace gameday
