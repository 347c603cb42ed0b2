#include "engine/base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <span>

namespace gameday {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

struct Quantity {
  double number;
  std::string_view unit;
};

// Splits "1.5s"; signs, exponents, blanks, zeros in front and a missing number are refused.
Result<Quantity> split_quantity(std::string_view text) {
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view digits = text.substr(0, end);
  const char* const stop = std::to_address(digits.end());
  double number = 0;
  const auto read = std::from_chars(std::to_address(digits.begin()), stop, number);
  const bool zero_in_front = digits.size() > 1 && digits[0] == '0' && digits[1] != '.';
  if (end == 0 || text.front() == '.' || zero_in_front || read.ec != std::errc() ||
      read.ptr != stop) {
    return fail(ErrorCode::invalid, "no number in front");
  }
  return Quantity{number, text.substr(end)};
}

Result<double> in_units(std::string_view text, std::span<const Unit> units, const char* example) {
  const auto quantity = split_quantity(text);
  if (quantity) {
    for (const auto& [name, factor] : units) {
      if (quantity->unit == name) return quantity->number * factor;
    }
  }
  std::string names;
  for (const auto& unit : units) names += (names.empty() ? "" : ", ") + std::string(unit.name);
  return fail(ErrorCode::invalid, "expected a number with a unit (" + names + "), like " + example);
}

constexpr std::array kDurations{Unit{"ns", 1},     Unit{"us", 1e3}, Unit{"ms", 1e6},
                                Unit{"s", 1e9},    Unit{"m", 60e9}, Unit{"h", 3600e9},
                                Unit{"d", 86400e9}};
constexpr std::array kRates{Unit{"/s", 1.0}, Unit{"/m", 1.0 / 60}, Unit{"/h", 1.0 / 3600}};
constexpr std::array kSizes{Unit{"B", 1},           Unit{"kB", 1e3},   Unit{"MB", 1e6},
                            Unit{"GB", 1e9},        Unit{"KiB", 1024}, Unit{"MiB", 1048576},
                            Unit{"GiB", 1073741824}};
constexpr std::array kPercent{Unit{"%", 0.01}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  TRY(value, in_units(text, kDurations, "15s"));
  constexpr double kTenYears = 10 * 366 * 86400e9;
  if (value > kTenYears) return fail(ErrorCode::invalid, "longer than ten years");
  return Duration(std::llround(value));
}

Result<DurationRange> parse_durations(std::string_view text) {
  constexpr std::string_view kBetween = "..";
  const auto dots = text.find(kBetween);
  const bool one = dots == std::string_view::npos;
  const auto least = parse_duration(text.substr(0, dots));
  const auto most = one ? least : parse_duration(text.substr(dots + kBetween.size()));
  if (!least || !most) {
    return fail(ErrorCode::invalid, "expected a duration like 5s, or two like 5s..9s");
  }
  if (*most < *least) return fail(ErrorCode::invalid, "the second duration is the longer one");
  return DurationRange{*least, *most};
}

Result<double> parse_rate(std::string_view text) {
  TRY(value, in_units(text, kRates, "200/s"));
  if (value <= 0) return fail(ErrorCode::invalid, "a rate must be over 0");
  return value;
}

Result<std::int64_t> parse_size(std::string_view text) {
  TRY(value, in_units(text, kSizes, "64MiB"));
  constexpr double kLargest = 9e18;
  if (value > kLargest) return fail(ErrorCode::invalid, "larger than 9e18 bytes");
  return std::llround(value);
}

Result<double> parse_percent(std::string_view text) {
  TRY(value, in_units(text, kPercent, "99.5%"));
  if (value > 1) return fail(ErrorCode::invalid, "more than 100%");
  return value;
}

std::string shown(Duration d) {
  const double s = seconds(d);
  char text[64];
  if (std::abs(s) < 1e-3) {
    std::snprintf(text, sizeof text, "%.0fus", s * 1e6);
  } else if (std::abs(s) < 1) {
    std::snprintf(text, sizeof text, "%.3gms", s * 1e3);
  } else if (std::abs(s) < 120) {
    std::snprintf(text, sizeof text, "%.3gs", s);
  } else {
    const auto whole = static_cast<long long>(s);
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  }
  return text;
}

}  // namespace gameday
