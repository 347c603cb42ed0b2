#include "engine/playbook/bounds.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace gameday {
namespace {

std::string number(double value) {
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  return {text, end};
}

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array kTimes{Unit{"d", 86400}, Unit{"h", 3600},  Unit{"m", 60},   Unit{"s", 1},
                            Unit{"ms", 1e-3}, Unit{"us", 1e-6}, Unit{"ns", 1e-9}};
constexpr std::array kSizes{Unit{"GiB", 1073741824}, Unit{"MiB", 1048576}, Unit{"KiB", 1024},
                            Unit{"B", 1}};

// In the largest unit that gives a whole number: "90s", not "1.5m".
std::string in_units(double value, std::span<const Unit> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const auto& [name, factor] : units) {
    const double count = std::round(value / factor);
    if (count >= 1 && std::abs(count * factor - value) < value * 1e-9) {
      return number(count) + std::string(name);
    }
  }
  return number(value / units.back().factor) + std::string(units.back().name);
}

std::string shown_bound(FieldType type, double value) {
  switch (type) {
    case FieldType::duration:
    case FieldType::durations: return in_units(value, kTimes, "0s");
    case FieldType::size: return in_units(value, kSizes, "0B");
    case FieldType::rate: return number(value) + "/s";
    case FieldType::percent: return number(value * 100) + "%";
    default: return number(value);
  }
}

}  // namespace

std::string type_in_words(const Field& field) {
  switch (field.type) {
    case FieldType::text: return "a text";
    case FieldType::boolean: return "true or false";
    case FieldType::integer: return "a whole number";
    case FieldType::duration: return "a duration like 15s";
    case FieldType::durations: return "a duration like 5s, or two like 5s..9s";
    case FieldType::rate: return "a rate like 200/s";
    case FieldType::size: return "a size like 64MiB";
    case FieldType::percent: return "a percentage like 99.5%";
    case FieldType::url: return "a URL with http:// or https://";
    case FieldType::path: return "a path";
    case FieldType::address: return "an address like 127.0.0.1:8201";
    case FieldType::target: return "the name of a target";
    case FieldType::probe: return "the name of a probe";
    case FieldType::load: return "the name of a load";
    case FieldType::region: return "the name of a region";
    case FieldType::link: return "the name of a link";
    case FieldType::comparison: return "a comparison like \"> 0.99\"";
    case FieldType::choice: break;
    case FieldType::texts: return "a list of texts";
    case FieldType::probes: return "a list of probes";
    case FieldType::loads: return "a list of loads";
    case FieldType::json: return "any value";
    case FieldType::group: return "a mapping";
    case FieldType::groups: return "a list of mappings";
  }
  std::string all;
  for (const auto choice : field.choices) all += (all.empty() ? "" : ", ") + std::string(choice);
  return field.choices.size() == 1 ? all : "one of " + all;
}

std::string bounds_in_words(const Field& field) {
  const auto least = shown_bound(field.type, field.least);
  const auto most = shown_bound(field.type, field.most);
  const bool from_zero = field.least == 0 && field.type != FieldType::integer;
  if (field.most > 0) return from_zero ? "at most " + most : least + " to " + most;
  if (!from_zero) return least + " or more";
  return "";
}

std::string in_words(Duration duration) { return in_units(seconds(duration), kTimes, "0s"); }

bool within_bounds(const Field& field, double value) {
  // Units are multiplied as doubles: a bound that is met exactly must not fail by its last bit.
  constexpr double kSlack = 1e-12;
  if (value < field.least * (1 - kSlack)) return false;
  return field.most <= 0 || value <= field.most * (1 + kSlack);
}

}  // namespace gameday
