// What the help and the man pages say, from the commands' rows. Pure.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace gameday {

inline constexpr std::string_view kAbout =
    "gameday runs chaos and disaster-recovery drills: it breaks a system on purpose, measures "
    "what its clients see, restores it, and undoes every fault it injected.";

[[nodiscard]] std::string_view title_of(Group group);
inline constexpr Group kGroups[] = {Group::before, Group::drill, Group::afterwards, Group::tools,
                                    Group::parts};

[[nodiscard]] std::span<const ExitCode> exit_codes_of(const CommandRow& row);

// "gameday run [OPTIONS] PLAYBOOK"
[[nodiscard]] std::string usage_of(const CommandRow& row);
// The options of the row and those that every command has.
[[nodiscard]] std::vector<Option> options_of(const CommandRow& row);

// `text` in lines of at most `columns`, all but the first indented; a word is never broken.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns);

[[nodiscard]] std::string help_of_all();
[[nodiscard]] std::string help_of(const CommandRow& row);

// In roff, for man(1): gameday(1), and one page a command.
[[nodiscard]] std::string man_page_of_all();
[[nodiscard]] std::string man_page_of(const CommandRow& row);

// "gameday 0.1.0 (commit 0a1b2c3)"
[[nodiscard]] std::string version_text();

}  // namespace gameday
