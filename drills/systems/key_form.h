// How a load that writes keys of a server names them: a pattern with {key} in it, by which what a
// drill has written is found again, and nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/rows.h"

namespace gameday {

// A key of the server's is before + KEY + after.
struct KeyForm {
  std::string before, after;

  [[nodiscard]] std::string made(const std::string& key) const { return before + key + after; }
  // How all keys of that drill and load begin, and those of a load "a-b" beside its load "a".
  [[nodiscard]] std::string begin(const Undo& undo) const;
  // KEY, of a key of the server's that is of that drill and load.
  [[nodiscard]] std::optional<std::string> key_in(std::string_view key, const Undo& undo) const;
};

// The undo of a load has its `drill`, its `load` and the pattern, `key`.
[[nodiscard]] KeyForm key_form(const Undo& undo);
// What `gameday check` finds wrong with a pattern; empty: nothing.
[[nodiscard]] std::string wrong_key_form(std::string_view pattern);

}  // namespace gameday
