// What is wrong with a playbook, each with its place. A decode collects them all and stops at none;
// rendering shows the line and points at the column. Never decides what is wrong.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/playbook/playbook.h"

namespace gameday {

enum class Severity { error, warning };

struct Problem {
  Severity severity = Severity::error;
  Place place;
  std::string text;  // lower case, no full stop: "unknown key `x` in playbook"
};

class Problems {
 public:
  void error(Place place, std::string text);
  void warning(Place place, std::string text);
  void add(const Problems& others);
  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  // In the order of their places; those of one place in the order of their finding. At most
  // kMost of them: whoever has that many wants to see the first ones.
  [[nodiscard]] std::vector<Problem> sorted() const;
  static constexpr std::size_t kMost = 100;

 private:
  std::vector<Problem> all_;
  std::size_t errors_ = 0;
};

// "FILE:LINE:COL: error: TEXT", the line of `source` and a caret under the column, for each.
// Control characters of the source are not passed on to the terminal.
[[nodiscard]] std::string rendered(std::string_view file, std::string_view source,
                                   const Problems& problems);

// The known word that is nearest, or has the same letters in another order.
[[nodiscard]] std::optional<std::string> meant(std::string_view word,
                                               const std::vector<std::string>& known);

// "; did you mean `timeline`?", or with no near word "; known are: a, b" (up to 20), or nothing
// where nothing is known.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& known);

// A value of the playbook as a message quotes it: cut to 60 bytes.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace gameday
