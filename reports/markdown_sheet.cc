#include "reports/markdown_sheet.h"

#include "reports/markup.h"

namespace gameday {
namespace {

// In a code span nothing is a link or a mention; only its own fence must be longer than any inside.
std::string fenced(const std::string& text) {
  std::string fence = "`";
  while (text.find(fence) != std::string::npos) fence += '`';
  const bool edge = text.empty() || text.front() == '`' || text.back() == '`';
  return fence + (edge ? " " : "") + text + (edge ? " " : "") + fence;
}

}  // namespace

std::string code(std::string_view raw) { return fenced(neutral(raw)); }

// In a table a pipe is escaped even in code; readers differ on one after a backslash, so a blank
// parts the two.
std::string code_in_table(std::string_view raw) {
  std::string text;
  for (const char c : neutral(raw)) {
    if (c == '|' && text.ends_with('\\')) text += ' ';
    text += c == '|' ? "\\|" : std::string(1, c);
  }
  return fenced(text);
}

}  // namespace gameday
