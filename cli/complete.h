// What may follow on a command line, for the shells: `gameday __complete WORD...` is asked with the
// words behind `gameday` up to the one that is being written, and answers with a line that says
// which files may stand there too, then a line for each word: the word, a tab, what it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"

namespace gameday {

inline constexpr std::string_view kCompleteCommand = "__complete";
inline constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

// Prints the answer; 0, whatever was asked: a shell that completes shows no errors.
[[nodiscard]] int complete(const std::vector<std::string>& words, const Rows& rows);

}  // namespace gameday
