#include "engine/base/comparison.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/base/text.h"
#include "engine/base/units.h"

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

bool is_order(Comparison::Op op) {
  return op != Comparison::Op::equal && op != Comparison::Op::unequal;
}

// What is written as a number, infinite and NaN ones too.
std::optional<double> any_number_in(std::string_view text) {
  constexpr double kPercent = 100;
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return percent ? value / kPercent : value;
}

std::optional<double> quantity_in(std::string_view text) {
  if (const auto number = number_in(text)) return number;
  if (const auto time = parse_duration(text)) return seconds(*time);
  if (const auto size = parse_size(text)) return static_cast<double>(*size);
  if (const auto rate = parse_rate(text)) return *rate;
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool has_zero_in_front(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  std::size_t zeros = 0;
  while (zeros + 1 < text.size() && text[zeros] == '0' && is_digit(text[zeros + 1])) ++zeros;
  return zeros > 0 && quantity_in(text.substr(zeros));
}

bool Comparison::holds(const Json& seen) const {
  if (seen.is_number() && number) return holds(seen.number());
  const std::string letters = plain_text(seen);
  if (op == Op::equal) return letters == text;
  if (!seen.is_text()) return op == Op::unequal && letters != text;
  const auto value = any_number_in(letters);
  if (is_order(op)) return value && std::isfinite(*value) && holds(*value);
  if (letters == text) return false;
  return !number || !value || holds(*value);
}

bool Comparison::holds(double seen) const {
  if (!number || std::isnan(seen)) return false;
  return holds_between(op, seen, *number);
}

std::string Comparison::shown() const {
  const auto* sign = std::ranges::find(kSigns, op, &Sign::op);
  return std::string(sign->text) + " " + text;
}

Result<Comparison> parse_comparison(std::string_view written) {
  Comparison made;
  std::string_view rest = trimmed(written);
  bool has_sign = false;
  for (const Sign& sign : kSigns) {
    if (!rest.starts_with(sign.text)) continue;
    made.op = sign.op;
    has_sign = true;
    rest = trimmed(rest.substr(sign.text.size()));
    break;
  }
  made.text = rest;
  if (rest.empty()) return fail(ErrorCode::invalid, "nothing to compare with");
  // Alone it is letters: a text like 007.
  const bool letters = has_zero_in_front(rest);
  if (letters && has_sign) {
    return fail(ErrorCode::invalid, "'" + made.text + "' has a zero in front; a number has none");
  }
  if (!letters) made.number = quantity_in(rest);
  if (is_order(made.op) && !made.number) {
    return fail(ErrorCode::invalid, "'" + made.text + "' is no number to be more or less than");
  }
  return made;
}

Result<Comparison> comparison_of(const Json& written) {
  if (written.is_array() || written.is_object()) {
    return fail(ErrorCode::invalid,
                "expected a value or a comparison like \"> 5\", not a list or a mapping");
  }
  const std::string text = plain_text(written);
  return text.empty() ? Comparison{} : parse_comparison(text);
}

std::optional<double> number_in(std::string_view text) {
  const auto value = any_number_in(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::string plain_text(const Json& value) { return value.is_text() ? value.text() : value.dump(); }

}  // namespace gameday
