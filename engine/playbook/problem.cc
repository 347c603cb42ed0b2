#include "engine/playbook/problem.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

std::string_view line_of(std::string_view source, int line) {
  for (int i = 1; i < line; ++i) {
    const auto end = source.find('\n');
    if (end == std::string_view::npos) return {};
    source.remove_prefix(end + 1);
  }
  return source.substr(0, source.find('\n'));
}

// Of a longer line only what is around the place is shown: the caret is what matters, and a
// terminal would break the line so that it points at nothing.
constexpr std::size_t kLongestShown = 120;
constexpr std::size_t kShownBefore = 60;
constexpr std::string_view kCut = "...";

bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string printable(std::string_view line) {
  std::string out = valid_utf8(line);
  std::ranges::replace_if(out, control, ' ');
  return out;
}

// As many blanks as the characters before the column take, so that the caret stands under it.
std::string indent(std::string_view line, int column) {
  const auto bytes = std::min(line.size(), static_cast<std::size_t>(std::max(0, column - 1)));
  std::size_t width = 0;
  for (const char c : valid_utf8(line.substr(0, bytes))) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
  }
  return std::string(width, ' ');
}

bool is_inside_letter(std::string_view line, std::size_t at) {
  return at < line.size() && (static_cast<unsigned char>(line[at]) & 0xc0) == 0x80;
}

// The line and a caret below the column; both begin with two blanks.
std::string pointed_at(std::string_view line, int column) {
  std::size_t from = 0;
  std::size_t to = line.size();
  if (line.size() > kLongestShown) {
    const auto at = std::min(line.size(), static_cast<std::size_t>(std::max(0, column - 1)));
    from = at > kShownBefore ? at - kShownBefore : 0;
    while (from > 0 && is_inside_letter(line, from)) --from;
    to = std::min(line.size(), from + kLongestShown);
    while (is_inside_letter(line, to)) ++to;
  }
  const std::string_view before = from > 0 ? kCut : "";
  const std::string shown = printable(line.substr(from, to - from));
  return "  " + std::string(before) + shown.substr(0, shown.find_last_not_of(' ') + 1) +
         std::string(to < line.size() ? kCut : "") + "\n  " + std::string(before.size(), ' ') +
         indent(line.substr(from), column - static_cast<int>(from)) + "^\n";
}

std::string_view name_of(Severity severity) {
  return severity == Severity::error ? "error" : "warning";
}

std::string in_ticks(std::string_view word) { return "`" + std::string(word) + "`"; }

}  // namespace

void Problems::error(Place place, std::string text) {
  ++errors_;
  if (all_.size() < kMost) all_.push_back({Severity::error, place, std::move(text)});
}

void Problems::warning(Place place, std::string text) {
  if (all_.size() < kMost) all_.push_back({Severity::warning, place, std::move(text)});
}

void Problems::add(const Problems& others) {
  for (const auto& problem : others.all_) {
    if (all_.size() < kMost) all_.push_back(problem);
  }
  errors_ += others.errors_;
}

std::vector<Problem> Problems::sorted() const {
  auto all = all_;
  std::ranges::stable_sort(all, [](const Problem& a, const Problem& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  return all;
}

std::string rendered(std::string_view file, std::string_view source, const Problems& problems) {
  std::string out;
  for (const auto& [severity, place, text] : problems.sorted()) {
    out += printable(file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) +
           ": " + std::string(name_of(severity)) + ": " + printable(text) + "\n";
    const auto line = line_of(source, place.line);
    if (!line.empty()) out += pointed_at(line, place.column);
  }
  return out;
}

std::optional<std::string> meant(std::string_view word, const std::vector<std::string>& known) {
  if (auto near = nearest(word, known)) return near;
  // Two letters swapped are the commonest slip, and too many edits in a short word.
  const auto found = std::ranges::find_if(known, [&](const std::string& candidate) {
    return !word.empty() && word.size() == candidate.size() &&
           std::ranges::is_permutation(word, candidate);
  });
  if (found == known.end()) return std::nullopt;
  return *found;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  if (const auto near = meant(word, known)) return "; did you mean " + in_ticks(*near) + "?";
  constexpr std::size_t kMostListed = 20;
  if (known.empty() || known.size() > kMostListed) return "";
  return "; known are: " + join(known, ", ");
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) return in_ticks(text);
  return in_ticks(valid_utf8(std::string(text.substr(0, kLongest)) + "..."));
}

}  // namespace gameday
