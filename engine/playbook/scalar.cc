#include "engine/playbook/scalar.h"

#include <algorithm>
#include <charconv>

#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/bounds.h"
#include "engine/playbook/url.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

struct Scalar {
  const Field& field;
  const Node& node;
  std::string_view where;
  const Decoding& decoding;

  std::nullopt_t wrong(const std::string& expected) const {
    decoding.problems.error(node.place, "`" + std::string(where) + "`: " + expected);
    return std::nullopt;
  }
  std::nullopt_t expected(const std::string& what) const {
    return wrong("expected " + what + ", not " + quoted(node.text));
  }
};

template <class Value>
std::optional<Json> quantity(const Scalar& scalar, Result<Value> (*parse)(std::string_view),
                             double (*base)(Value)) {
  const auto value = parse(scalar.node.text);
  if (!value) return scalar.wrong(value.error().text + ", not " + quoted(scalar.node.text));
  if (!within_bounds(scalar.field, base(*value))) {
    return scalar.expected(bounds_in_words(scalar.field));
  }
  return Json(scalar.node.text);
}

std::optional<Json> integer(const Scalar& scalar) {
  const auto value = whole_number(scalar.node.text);
  if (!value || scalar.node.was_quoted) return scalar.expected("a whole number");
  if (!within_bounds(scalar.field, static_cast<double>(*value))) {
    return scalar.expected(bounds_in_words(scalar.field));
  }
  return Json(*value);
}

std::optional<Json> boolean(const Scalar& scalar) {
  const auto& [text, quoted_too] = std::pair(scalar.node.text, scalar.node.was_quoted);
  if (quoted_too || (text != "true" && text != "false")) return scalar.expected("true or false");
  return Json(text == "true");
}

std::optional<Json> comparison(const Scalar& scalar) {
  const auto parsed = parse_comparison(scalar.node.text);
  if (!parsed) return scalar.wrong(parsed.error().text + ": " + quoted(scalar.node.text));
  if (!scalar.node.was_quoted && has_zero_in_front(scalar.node.text)) {
    return scalar.expected("a number without a zero in front, or a text in quotes");
  }
  return Json(scalar.node.text);
}

std::optional<Json> choice(const Scalar& scalar) {
  std::vector<std::string> known(scalar.field.choices.begin(), scalar.field.choices.end());
  if (std::ranges::find(known, scalar.node.text) != known.end()) return Json(scalar.node.text);
  const auto near = known.size() > 1 ? meant(scalar.node.text, known) : std::nullopt;
  scalar.decoding.problems.error(
      scalar.node.place, "`" + std::string(scalar.where) + "`: expected " +
                             type_in_words(scalar.field) + ", not " + quoted(scalar.node.text) +
                             (near ? "; did you mean `" + *near + "`?" : ""));
  return std::nullopt;
}

std::optional<Json> reference(const Scalar& scalar, std::string_view kind,
                              const std::vector<std::string>& known) {
  if (std::ranges::find(known, scalar.node.text) != known.end()) return Json(scalar.node.text);
  return scalar.wrong("there is no " + std::string(kind) + " " + quoted(scalar.node.text) +
                      suggestion(scalar.node.text, known));
}

std::optional<Json> text(const Scalar& scalar) {
  if (scalar.field.required && scalar.node.text.empty()) return scalar.wrong("must not be empty");
  return Json(scalar.node.text);
}

std::optional<Json> path(const Scalar& scalar) {
  const auto& written = scalar.node.text;
  if (written.empty()) return scalar.wrong("must not be empty");
  if (written.find('\0') != std::string::npos) return scalar.wrong("a path with a NUL character");
  return Json(resolved_path(std::string(scalar.decoding.folder), written));
}

std::optional<Json> address(const Scalar& scalar) {
  const std::string_view written = scalar.node.text;
  const auto colon = written.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : whole_number(written.substr(colon + 1));
  const auto host = written.substr(0, std::min(colon, written.size()));
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  constexpr int kLastPort = 65535;
  if (!port || *port < 1 || *port > kLastPort || host.empty() ||
      host.find_first_of(" \t/@") != std::string_view::npos ||
      (!bracketed && host.find(':') != std::string_view::npos)) {
    return scalar.expected("an address (host:port) like 127.0.0.1:8201");
  }
  return Json(written);
}

std::optional<Json> url(const Scalar& scalar) {
  auto filled_in = filled_url(scalar.node.text, scalar.decoding.names);
  if (!filled_in) return scalar.wrong(filled_in.error().text);
  return Json(*filled_in);
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text) {
  const auto digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0') || text == "-0") {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Json> decode_scalar(const Field& field, const Node& node, std::string_view where,
                                  const Decoding& decoding) {
  const Scalar scalar{field, node, where, decoding};
  const Vocabulary& names = decoding.names;
  const auto itself = [](double value) { return value; };
  switch (field.type) {
    case FieldType::boolean: return boolean(scalar);
    case FieldType::integer: return integer(scalar);
    case FieldType::duration:
      return quantity<Duration>(scalar, parse_duration, [](Duration d) { return seconds(d); });
    case FieldType::durations:
      return quantity<DurationRange>(scalar, parse_durations,
                                     [](DurationRange range) { return seconds(range.most); });
    case FieldType::rate: return quantity<double>(scalar, parse_rate, itself);
    case FieldType::percent: return quantity<double>(scalar, parse_percent, itself);
    case FieldType::size:
      return quantity<std::int64_t>(scalar, parse_size,
                                    [](std::int64_t bytes) { return static_cast<double>(bytes); });
    case FieldType::url: return url(scalar);
    case FieldType::path: return path(scalar);
    case FieldType::address: return address(scalar);
    case FieldType::target: return reference(scalar, "target", names.targets);
    case FieldType::probe: return reference(scalar, "probe", names.probes);
    case FieldType::load: return reference(scalar, "load", names.loads);
    case FieldType::region: return reference(scalar, "region", names.regions);
    case FieldType::link: return reference(scalar, "link", names.links);
    case FieldType::comparison: return comparison(scalar);
    case FieldType::choice: return choice(scalar);
    default: return text(scalar);
  }
}

}  // namespace gameday
