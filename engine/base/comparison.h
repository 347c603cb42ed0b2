// "> 5", ">= 99.5%", "!= off", "idle": what a playbook expects a value to be, as probes write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace gameday {

struct Comparison {
  enum class Op { equal, unequal, less, at_most, more, at_least };
  Op op = Op::equal;
  std::string text;              // what it is compared with, as it was written
  std::optional<double> number;  // the same where it is one; a percentage as its ratio

  // As numbers where both are, else as texts, which are only equal or unequal. What is no number
  // (nothing, "NaN") is neither more nor less than one.
  [[nodiscard]] bool holds(std::string_view seen) const;
  [[nodiscard]] bool holds(double seen) const;
};

// Without a sign it is `==`. `invalid`: nothing to compare with, or an order of what is no number.
[[nodiscard]] Result<Comparison> parse_comparison(std::string_view written);

// The whole of `text` as a decimal number or a percentage; nothing where it is none, or not finite.
[[nodiscard]] std::optional<double> number_in(std::string_view text);

}  // namespace gameday
