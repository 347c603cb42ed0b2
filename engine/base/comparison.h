// "> 5", ">= 99.5%", "!= off", "idle": what a playbook expects a value to be, as probes write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace gameday {

struct Comparison {
  enum class Op { equal, unequal, less, at_most, more, at_least };
  Op op = Op::equal;
  std::string text;  // what it is compared with, as it was written
  // The same where it is one, in base units: "99.5%" is 0.995, "2m" 120, "1KiB" 1024, "30/m" 0.5.
  std::optional<double> number;

  // A number is compared as one; a text letter by letter, and as a number where more or less is
  // asked. What is no number (nothing, "NaN") is neither more nor less than one. Texts of one
  // number in other letters ("1.10", "1.1") are neither equal nor unequal: they may be two
  // versions.
  [[nodiscard]] bool holds(const Json& seen) const;
  [[nodiscard]] bool holds(double seen) const;
  [[nodiscard]] std::string shown() const;  // "> 5", "== idle"
};

// "010", "-010%", "00.5s": a quantity but for the zeros, and in a playbook none. Where it stands
// alone it may be a text.
[[nodiscard]] bool has_zero_in_front(std::string_view text);

// Without a sign it is `==`. `invalid`: nothing to compare with, an order of what is no number, or
// behind a sign what has a zero in front; alone that is letters.
[[nodiscard]] Result<Comparison> parse_comparison(std::string_view written);
// The same of any plain value: 5, true, "> 5"; an empty text is equal to one. `invalid`: a list or
// a mapping.
[[nodiscard]] Result<Comparison> comparison_of(const Json& written);

// The whole of `text` as a decimal number or a percentage; nothing where it is none, or not finite.
[[nodiscard]] std::optional<double> number_in(std::string_view text);

// A plain value as people read it: texts without quotes.
[[nodiscard]] std::string plain_text(const Json& value);

}  // namespace gameday
