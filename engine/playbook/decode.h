// From a YAML node to arguments, by field rows: every type, unit, bound, choice and name is checked
// here, with the place of what is wrong. Knows fields, never what they are for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/playbook/field.h"
#include "engine/playbook/problem.h"
#include "engine/playbook/yaml.h"

namespace gameday {

// The names that a playbook gives, for fields that refer to them.
struct Vocabulary {
  std::vector<std::string> targets;
  std::vector<std::string> probes;
  std::vector<std::string> loads;
  std::vector<std::string> regions;
  std::vector<std::string> links;
  std::vector<std::pair<std::string, std::string>> http;  // target -> the URL of its http facet
};

struct Decoding {
  const Vocabulary& names;
  std::string_view folder;  // absolute; what relative paths are relative to
  Problems& problems;
};

// A mapping whose keys are `fields`: members in the fields' order, defaults filled in, durations
// and the like as text. What was wrong is left out of the result and stands in the problems.
// `where` names the mapping in messages ("objectives.rto"; empty: the playbook).
[[nodiscard]] Json decode(std::span<const Field> fields, const Node& node, std::string_view where,
                          const Decoding& decoding);

// The same where a value that is no mapping stands for the field named `scalar`.
[[nodiscard]] Json decode_short(std::span<const Field> fields, std::string_view scalar,
                                const Node& node, std::string_view where, const Decoding& decoding);

// A single value; nothing if it was wrong.
[[nodiscard]] std::optional<Json> decode_value(const Field& field, const Node& node,
                                               std::string_view where, const Decoding& decoding);

// Any YAML as JSON: true, false, null, decimal numbers without leading zeros, else text.
[[nodiscard]] Json json_of(const Node& node);

// What is wrong with a name that the playbook gives (of a target, a load, a step); empty: nothing.
[[nodiscard]] std::string name_problem(std::string_view name);

// The same of a criterion's id, "REL-1": its pillar's letters, a dash and a number.
[[nodiscard]] std::string criterion_problem(std::string_view id);

// The names of `fields`, for suggestions.
[[nodiscard]] std::vector<std::string> names_of(std::span<const Field> fields);

}  // namespace gameday
