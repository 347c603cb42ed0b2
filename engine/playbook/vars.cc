#include "engine/playbook/vars.h"

#include <algorithm>
#include <set>

#include "engine/base/text.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

class Filler {
 public:
  Filler(const Vars& vars, const std::string& folder, Problems& problems)
      : vars_(vars), folder_(folder), problems_(problems) {
    for (const auto& var : vars) names_.push_back(var.first);
  }

  void fill(Node& node) {
    if (node.is_scalar()) node.text = filled_text(node);
    for (auto& item : node.items) fill(item);
    for (auto& entry : node.entries) fill(entry.value);
  }

  void warn_of_unused() {
    for (const auto& name : names_) {
      if (!used_.contains(name)) {
        problems_.warning({1, 1}, "variable " + quoted(name) + " is not used by this playbook");
      }
    }
  }

 private:
  std::string filled_text(const Node& node) {
    std::string out;
    std::string_view rest = node.text;
    while (true) {
      const auto start = rest.find("${");
      out += rest.substr(0, start);
      if (start == std::string_view::npos) return out;
      const auto end = rest.find('}', start);
      if (end == std::string_view::npos) {
        problems_.error(node.place, "a `${` without its `}`");
        return node.text;
      }
      const auto name = rest.substr(start + 2, end - start - 2);
      if (name.starts_with("file:")) {
        out += "${file:" + resolved_path(folder_, std::string(name.substr(5))) + "}";
      } else if (name.starts_with("env:")) {
        out += rest.substr(start, end - start + 1);
      } else {
        out += value_of(name, node.place);
      }
      rest.remove_prefix(end + 1);
    }
  }

  std::string value_of(std::string_view name, Place place) {
    const auto found = std::ranges::find(vars_, name, &Vars::value_type::first);
    if (found == vars_.end()) {
      problems_.error(place,
                      "unknown variable " + quoted("${" + std::string(name) + "}") +
                          (names_.empty() ? "; give it with --var " + std::string(name) + "=VALUE"
                                          : suggestion(name, names_)));
      return "";
    }
    used_.insert(found->first);
    filled_in_ += found->second.size();
    if (filled_in_ > kMostText || found->second.find('\0') != std::string::npos ||
        !is_utf8(found->second)) {
      problems_.error(place, "the value of variable " + quoted(name) +
                                 " is too long, holds a NUL or is not UTF-8");
      return "";
    }
    return found->second;
  }

  const Vars& vars_;
  const std::string& folder_;
  Problems& problems_;
  std::vector<std::string> names_;
  std::set<std::string> used_;
  std::size_t filled_in_ = 0;
};

constexpr std::string_view kDefaults = "vars";

// Those of the command line, and the playbook's own for what is not given there. A default may
// refer to secrets, and to no other variable.
Vars with_defaults(Node& root, const Vars& given, const std::string& folder, Problems& problems) {
  Vars all = given;
  const auto written =
      std::ranges::find(root.entries, kDefaults, [](const Entry& entry) { return entry.key; });
  if (written == root.entries.end()) return all;
  if (!written->value.is_mapping()) {
    problems.error(written->place, "`vars` is a mapping of names to their defaults, not " +
                                       what_is(written->value));
    return all;
  }
  const Vars none;
  Filler filler(none, folder, problems);
  for (auto& [name, place, value] : written->value.entries) {
    if (!is_var_name(name)) {
      problems.error(place, quoted(name) + " is no name of a variable: letters, digits and `_`");
    } else if (!value.is_scalar()) {
      problems.error(
          place, "the default of variable " + quoted(name) + " is a text, not " + what_is(value));
    } else if (filler.fill(value);
               std::ranges::find(given, name, &Vars::value_type::first) == given.end()) {
      all.emplace_back(name, value.text);
    }
  }
  return all;
}

}  // namespace

Vars fill_vars(Node& root, const Vars& vars, const std::string& folder, Problems& problems) {
  const Vars all = with_defaults(root, vars, folder, problems);
  Filler filler(all, folder, problems);
  for (auto& entry : root.entries) {
    if (entry.key != kDefaults) filler.fill(entry.value);
  }
  if (!root.is_mapping()) filler.fill(root);
  filler.warn_of_unused();
  return all;
}

bool is_var_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace gameday
