// What a backup tool's ending means. That it exited with 0 is its claim; a table of its own states,
// one a tool and version, says which of its endings are a success, which a failure, and which say
// nothing of the backup. An ending that no row knows is unknown.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/sys/processes.h"

namespace gameday {

enum class Truth { pass, fail, unknown };
[[nodiscard]] std::string_view name_of(Truth truth);

inline constexpr int kAnyExit = -1;

struct TruthRow {
  std::string_view state;    // "wrong-password": one name in every table
  std::string_view command;  // the tool's, "check"; empty: any
  int exit = kAnyExit;
  std::string_view says = {};  // a part of what it printed; empty: whatever
  Truth truth = Truth::unknown;
  ErrorCode code = ErrorCode::failed;  // what a step makes of it
  std::string_view text = {};          // the same in words
};

struct TruthTable {
  std::string_view tool;
  std::string_view from;  // the first version that it holds for
  std::span<const TruthRow> rows;
};

struct Reading {
  const TruthRow* row = nullptr;  // null: none knows it
  std::string_view state = {};    // empty then
  Truth truth = Truth::unknown;
  ErrorCode code = ErrorCode::failed;
  std::string text = {};
};
// By the first row that fits.
[[nodiscard]] Reading read_ending(const TruthTable& table, std::string_view command,
                                  const Ended& ended);

// Whether a version is another one or a later one: "0.14.0" is at least "0.14".
[[nodiscard]] bool at_least(std::string_view version, std::string_view wanted);

// Of several, oldest first, the one of that version. unsupported: it is older than all of them.
[[nodiscard]] Result<const TruthTable*> table_for(std::span<const TruthTable* const> tables,
                                                  std::string_view version);

}  // namespace gameday
