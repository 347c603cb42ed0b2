#include <algorithm>
#include <iterator>

#include "tests/tidy/rules.h"

namespace gameday {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kLinesOfFile = 400;
constexpr int kLinesOfFunction = 70;

// In characters, not bytes.
std::size_t width_of(std::string_view line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

bool is_text(std::string_view path) {
  constexpr std::string_view kEndings[] = {".cc",   ".h",  ".cpp", ".md",   ".yaml",
                                           ".json", ".py", ".txt", ".cmake"};
  return std::ranges::any_of(kEndings, [&](std::string_view end) { return path.ends_with(end); });
}

// Finds function bodies by counting braces: a brace opens a function where only namespaces and
// classes are open, and what stands before it has parentheses.
class FunctionFinder {
 public:
  explicit FunctionFinder(std::string_view code) : code_(code) {}

  Complaints found(const std::string& path) {
    for (std::size_t at = 0; at < code_.size(); ++at) {
      const char c = code_[at];
      if (c == '\n') ++line_;
      if (c == '{') open(at);
      if (c == '}' && !open_.empty()) close(path);
      if (c == ';' || c == '{' || c == '}') statement_ = at + 1;
    }
    return std::move(complaints_);
  }

 private:
  void open(std::size_t at) {
    const std::string_view before = code_.substr(statement_, at - statement_);
    const bool scope = has_word(before, "namespace") || has_word(before, "class") ||
                       has_word(before, "struct") || has_word(before, "enum") ||
                       has_word(before, "union");
    const bool outside = std::ranges::all_of(open_, [](int line) { return line == 0; });
    const bool function = outside && !scope && before.find('(') != std::string_view::npos;
    open_.push_back(function || !outside ? line_ : 0);
    if (function) function_depth_ = open_.size();
  }

  void close(const std::string& path) {
    const int lines = line_ - open_.back() + 1;
    if (open_.size() == function_depth_) {
      if (lines > kLinesOfFunction) {
        complaints_.push_back({path, open_.back(),
                               "a function of " + std::to_string(lines) + " lines, more than " +
                                   std::to_string(kLinesOfFunction)});
      }
      function_depth_ = 0;
    }
    open_.pop_back();
  }

  std::string_view code_;
  int line_ = 1;
  std::size_t statement_ = 0;
  std::vector<int> open_;  // the line of each open brace; 0 for a namespace, a class, a table
  std::size_t function_depth_ = 0;
  Complaints complaints_;
};

// Text in a raw string is quoted, not written: it is as wide as it is.
Complaints wide_lines(const SourceFile& file) {
  Complaints complaints;
  const auto whole = lines_of(file.text);
  bool quoted = false;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const bool began = whole[i].find("R\"") != std::string::npos;
    const auto ends = [&] { return whole[i].find(")\"") != std::string::npos; };
    if (!quoted && !began && width_of(whole[i]) > kColumns) {
      complaints.push_back({file.path, static_cast<int>(i) + 1,
                            std::to_string(width_of(whole[i])) + " columns, more than 100"});
    }
    quoted = (quoted || began) && !ends();
  }
  return complaints;
}

}  // namespace

Complaints layout(const Tree& tree) {
  Complaints complaints;
  for (const auto& file : tree) {
    if (!is_text(file.path)) continue;
    const bool cpp = is_cpp(file.path) || file.path.ends_with(".cpp");
    if (cpp) std::ranges::move(wide_lines(file), std::back_inserter(complaints));
    const auto lines = lines_of(file.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const int line = static_cast<int>(i) + 1;
      if (lines[i].ends_with(' ') || lines[i].ends_with('\t') || lines[i].ends_with('\r')) {
        complaints.push_back({file.path, line, "a blank at the end of the line"});
      }
      if (cpp && lines[i].find('\t') != std::string::npos) {
        complaints.push_back({file.path, line, "a tab"});
      }
    }
    if (file.text.empty()) complaints.push_back({file.path, 0, "an empty file"});
  }
  return complaints;
}

Complaints long_files(const Tree& tree) {
  Complaints complaints;
  for (const auto& file : tree) {
    if (!is_cpp(file.path) && !file.path.ends_with(".cpp")) continue;
    const std::size_t lines = lines_of(file.text).size();
    if (lines <= kLinesOfFile) continue;
    complaints.push_back({file.path, 0, std::to_string(lines) + " lines, more than 400"});
  }
  return complaints;
}

Complaints long_functions(const Tree& tree) {
  Complaints complaints;
  for (const auto& file : tree) {
    if (!is_cpp(file.path)) continue;
    const std::string code = code_of(file.text);
    std::ranges::move(FunctionFinder(code).found(file.path), std::back_inserter(complaints));
  }
  return complaints;
}

}  // namespace gameday
