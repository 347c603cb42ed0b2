#include "engine/playbook/decode.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/base/assert.h"
#include "engine/playbook/bounds.h"
#include "engine/playbook/scalar.h"

namespace gameday {
namespace {

std::string below(std::string_view where, std::string_view name) {
  if (where == name) return std::string(name);  // a step's kind is a key of the step
  return where.empty() ? std::string(name) : std::string(where) + "." + std::string(name);
}

std::string in_mapping(std::string_view where) {
  return where.empty() ? "in playbook" : "in `" + std::string(where) + "`";
}

const Field* named(std::span<const Field> fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

bool takes_scalar(FieldType type) {
  switch (type) {
    case FieldType::texts:
    case FieldType::probes:
    case FieldType::loads:
    case FieldType::json:
    case FieldType::group:
    case FieldType::groups: return false;
    default: return true;
  }
}

std::nullopt_t mismatch(const std::string& expected, const Node& node, std::string_view where,
                        const Decoding& decoding) {
  decoding.problems.error(
      node.place, "`" + std::string(where) + "`: expected " + expected + ", not " + what_is(node));
  return std::nullopt;
}

// The items of a list, each decoded as `item`; nothing if one was wrong.
std::optional<Json> decode_list(const Field& field, const Field& item, const Node& node,
                                std::string_view where, const Decoding& decoding) {
  if (!node.is_sequence()) return mismatch(type_in_words(field), node, where, decoding);
  if (field.required && node.items.empty()) {
    decoding.problems.error(node.place, "`" + std::string(where) + "`: must not be empty");
    return std::nullopt;
  }
  Json list = Json::array();
  bool good = true;
  for (const auto& each : node.items) {
    auto value = decode_value(item, each, where, decoding);
    if (value) list.push(std::move(*value));
    good = good && value;
  }
  if (!good) return std::nullopt;
  return list;
}

// A default is written in a row of ours: one that does not decode is our own mistake.
Json default_of(const Field& field, std::string_view where, const Decoding& decoding) {
  Problems problems;
  const Decoding apart{decoding.names, decoding.folder, problems};
  Node node;
  if (takes_scalar(field.type)) {
    node.kind = Node::Kind::scalar;
    node.text = field.otherwise;
  } else {
    auto parsed = parse_yaml(field.otherwise, problems);
    GD_ASSERT(parsed);
    node = std::move(*parsed);
  }
  auto value = decode_value(field, node, where, apart);
  GD_ASSERT(value && !problems.has_errors());
  return std::move(*value);
}

bool is_decimal(std::string_view text) {
  const auto digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return false;
  return digits.size() < 2 || digits[0] != '0' || digits[1] == '.' || digits[1] == 'e';
}

Json json_of_scalar(const Node& node) {
  if (node.was_quoted) return Json(node.text);
  if (node.text == "true" || node.text == "false") return Json(node.text == "true");
  if (const auto whole = whole_number(node.text)) return Json(*whole);
  if (is_decimal(node.text)) {
    double value = 0;
    const char* end = node.text.data() + node.text.size();
    const auto read = std::from_chars(node.text.data(), end, value);
    if (read.ec == std::errc() && read.ptr == end && std::isfinite(value)) return Json(value);
  }
  return Json(node.text);
}

}  // namespace

std::vector<std::string> names_of(std::span<const Field> fields) {
  std::vector<std::string> names;
  for (const auto& field : fields) names.emplace_back(field.name);
  return names;
}

Json json_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::empty: return {};
    case Node::Kind::scalar: return json_of_scalar(node);
    case Node::Kind::sequence: {
      Json list = Json::array();
      for (const auto& item : node.items) list.push(json_of(item));
      return list;
    }
    case Node::Kind::mapping: {
      Json object = Json::object();
      for (const auto& entry : node.entries) object.set(entry.key, json_of(entry.value));
      return object;
    }
  }
  return {};
}

std::optional<Json> decode_value(const Field& field, const Node& node, std::string_view where,
                                 const Decoding& decoding) {
  const auto list_of = [&](FieldType type) {
    Field item = field;
    item.type = type;
    item.required = true;
    return decode_list(field, item, node, where, decoding);
  };
  switch (field.type) {
    case FieldType::json: return json_of(node);
    case FieldType::texts: {
      const Field item{.name = field.name, .type = FieldType::text};
      return decode_list(field, item, node, where, decoding);
    }
    case FieldType::probes: return list_of(FieldType::probe);
    case FieldType::loads: return list_of(FieldType::load);
    case FieldType::groups: return list_of(FieldType::group);
    case FieldType::group: {
      if (field.scalar.empty() && !node.is_mapping()) {
        return mismatch("a mapping", node, where, decoding);
      }
      return decode_short(field.fields, field.scalar, node, where, decoding);
    }
    default:
      if (!node.is_scalar()) return mismatch(type_in_words(field), node, where, decoding);
      return decode_scalar(field, node, where, decoding);
  }
}

Json decode(std::span<const Field> fields, const Node& node, std::string_view where,
            const Decoding& decoding) {
  Json decoded = Json::object();
  if (!node.is_mapping()) {
    const auto name = where.empty() ? "a playbook" : "`" + std::string(where) + "`";
    decoding.problems.error(node.place, name + ": expected a mapping, not " + what_is(node));
    return decoded;
  }
  for (const auto& entry : node.entries) {
    if (named(fields, entry.key) != nullptr) continue;
    decoding.problems.error(entry.place, "unknown key " + quoted(entry.key) + " " +
                                             in_mapping(where) +
                                             suggestion(entry.key, names_of(fields)));
  }
  for (const auto& field : fields) {
    const auto path = below(where, field.name);
    if (const Entry* entry = node.find(field.name)) {
      if (auto value = decode_value(field, entry->value, path, decoding)) {
        decoded.set(field.name, std::move(*value));
      }
    } else if (field.required) {
      decoding.problems.error(
          node.place, "missing `" + std::string(field.name) + "` " + in_mapping(where) +
                          (field.type == FieldType::json ? "" : " (" + type_in_words(field) + ")"));
    } else if (!field.otherwise.empty()) {
      decoded.set(field.name, default_of(field, path, decoding));
    }
  }
  return decoded;
}

Json decode_short(std::span<const Field> fields, std::string_view scalar, const Node& node,
                  std::string_view where, const Decoding& decoding) {
  if (node.is_mapping() || scalar.empty()) return decode(fields, node, where, decoding);
  const Field* field = named(fields, scalar);
  GD_ASSERT(field != nullptr);
  Node mapping;
  mapping.kind = Node::Kind::mapping;
  mapping.place = node.place;
  mapping.entries.push_back({std::string(scalar), node.place, node});
  return decode(fields, mapping, where, decoding);
}

std::string name_problem(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool good = !name.empty() && name.size() <= kLongest && plain(name.front()) &&
                    std::ranges::all_of(
                        name, [&](char c) { return plain(c) || c == '-' || c == '_' || c == '.'; });
  if (good) return "";
  return quoted(name) + " is no name: letters, digits, `-`, `_` and `.`, at most 64, a letter or " +
         "digit first";
}

std::string criterion_problem(std::string_view id) {
  constexpr std::array<std::string_view, 5> kPillars{"OPS", "SEC", "REL", "PERF", "COST"};
  const auto dash = std::min(id.find('-'), id.size());
  const auto number = id.substr(std::min(dash + 1, id.size()));
  const bool digits = !number.empty() && number.size() <= 3 && number.front() != '0' &&
                      number.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits && std::ranges::find(kPillars, id.substr(0, dash)) != kPillars.end()) return "";
  return quoted(id) + " is no criterion's id: OPS, SEC, REL, PERF or COST, `-` and a number";
}

}  // namespace gameday
