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

}  // namespace

void fill_vars(Node& root, const Vars& vars, const std::string& folder, Problems& problems) {
  Filler filler(vars, folder, problems);
  filler.fill(root);
  filler.warn_of_unused();
}

bool is_var_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace gameday
