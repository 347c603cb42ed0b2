#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

template <class Value>
std::optional<Value> read(const Json& arguments, std::string_view name,
                          Result<Value> (*parse)(std::string_view)) {
  const Json& value = arguments.get(name);
  if (!value.is_text()) return std::nullopt;
  auto parsed = parse(value.text());
  if (!parsed) return std::nullopt;
  return *parsed;
}

}  // namespace

std::optional<Duration> duration_in(const Json& arguments, std::string_view name) {
  return read(arguments, name, parse_duration);
}
std::optional<DurationRange> durations_in(const Json& arguments, std::string_view name) {
  return read(arguments, name, parse_durations);
}
std::optional<double> rate_in(const Json& arguments, std::string_view name) {
  return read(arguments, name, parse_rate);
}
std::optional<std::int64_t> size_in(const Json& arguments, std::string_view name) {
  return read(arguments, name, parse_size);
}
std::optional<double> percent_in(const Json& arguments, std::string_view name) {
  return read(arguments, name, parse_percent);
}

std::vector<std::string> texts_in(const Json& arguments, std::string_view name) {
  std::vector<std::string> texts;
  for (const auto& item : arguments.items(name)) {
    if (item.is_text()) texts.push_back(item.text());
  }
  return texts;
}

}  // namespace gameday
