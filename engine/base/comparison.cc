#include "engine/base/comparison.h"

#include <charconv>
#include <cmath>

#include "engine/base/text.h"

namespace gameday {
namespace {

struct Sign {
  std::string_view text;
  Comparison::Op op;
};
// Longer ones first.
constexpr Sign kSigns[] = {
    {">=", Comparison::Op::at_least}, {"<=", Comparison::Op::at_most},
    {"==", Comparison::Op::equal},    {"!=", Comparison::Op::unequal},
    {">", Comparison::Op::more},      {"<", Comparison::Op::less},
};

bool holds_between(Comparison::Op op, double seen, double wanted) {
  switch (op) {
    case Comparison::Op::equal: return seen == wanted;
    case Comparison::Op::unequal: return seen != wanted;
    case Comparison::Op::less: return seen < wanted;
    case Comparison::Op::at_most: return seen <= wanted;
    case Comparison::Op::more: return seen > wanted;
    case Comparison::Op::at_least: return seen >= wanted;
  }
  return false;
}

}  // namespace

bool Comparison::holds(std::string_view seen) const {
  const auto as_number = number_in(seen);
  if (number && as_number) return holds_between(op, *as_number, *number);
  if (op == Op::equal) return seen == text;
  return op == Op::unequal && seen != text;
}

bool Comparison::holds(double seen) const {
  if (!number || std::isnan(seen)) return false;
  return holds_between(op, seen, *number);
}

Result<Comparison> parse_comparison(std::string_view written) {
  Comparison made;
  std::string_view rest = trimmed(written);
  for (const Sign& sign : kSigns) {
    if (!rest.starts_with(sign.text)) continue;
    made.op = sign.op;
    rest = trimmed(rest.substr(sign.text.size()));
    break;
  }
  made.text = rest;
  made.number = number_in(rest);
  if (rest.empty()) return fail(ErrorCode::invalid, "nothing to compare with");
  const bool order = made.op != Comparison::Op::equal && made.op != Comparison::Op::unequal;
  if (order && !made.number) {
    return fail(ErrorCode::invalid, "'" + made.text + "' is no number to be more or less than");
  }
  return made;
}

std::optional<double> number_in(std::string_view text) {
  constexpr double kPercent = 100;
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return percent ? value / kPercent : value;
}

}  // namespace gameday
