#include "drills/systems/name_file.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kHead = "#gameday:";
constexpr std::string_view kBegin = " begin\n", kEnd = " end\n", kWas = " was ";

std::string head_of(const std::string& mark) { return std::string(kHead) + mark; }

// Each with its end of line, which the last one may lack.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

// Without what a comment says.
std::vector<std::string> words_of(std::string_view line) {
  std::string plain(line.substr(0, line.find_first_of("#\n")));
  std::ranges::replace(plain, '\t', ' ');
  std::vector<std::string> words = split(plain, ' ');
  std::erase(words, "");
  return words;
}

struct Rewriting {
  const WrongNames& wrong;

  [[nodiscard]] bool is_meant(const std::string& word) const {
    return std::ranges::any_of(wrong.names,
                               [&](const auto& name) { return lower(name) == lower(word); });
  }
  // Whether the line must not stay in force.
  [[nodiscard]] bool hits(const std::vector<std::string>& words) const {
    if (words.empty()) return false;
    if (wrong.kind == NameFile::resolver) return words.front() == "nameserver";
    return std::any_of(words.begin() + 1, words.end(),
                       [&](const auto& word) { return is_meant(word); });
  }
  // The other names on such a line, which keep their address.
  [[nodiscard]] std::string rest_of(std::vector<std::string> words) const {
    if (wrong.kind == NameFile::resolver) return "";
    std::erase_if(words, [&](const auto& word) { return is_meant(word); });
    return words.size() < 2 ? "" : join(words, " ") + "\n";
  }
  [[nodiscard]] std::string wrong_lines() const {
    std::string lines;
    for (const auto& address : wrong.to) {
      lines += wrong.kind == NameFile::resolver ? "nameserver " + address + "\n"
                                                : address + " " + join(wrong.names, " ") + "\n";
    }
    return lines;
  }
};

}  // namespace

std::string with_wrong_names(const std::string& original, const WrongNames& wrong,
                             const std::string& mark) {
  const Rewriting rewriting{wrong};
  const std::string head = head_of(mark);
  std::string block = rewriting.wrong_lines(), rest;
  for (const auto line : lines_of(original)) {
    const auto words = words_of(line);
    const bool hit = rewriting.hits(words);
    if (hit) block += rewriting.rest_of(words);
    if (hit) rest += head + std::string(kWas);
    rest += line;
  }
  return head + std::string(kBegin) + block + head + std::string(kEnd) + rest;
}

std::string without_marked_lines(const std::string& content, const std::string& mark) {
  const std::string head = head_of(mark);
  const std::string begin = head + std::string(kBegin), end = head + std::string(kEnd),
                    was = head + std::string(kWas);
  const bool closed =
      content.find(end) != std::string::npos && content.find(begin) < content.find(end);
  std::string left;
  bool inside = false;
  for (const auto line : lines_of(content)) {
    if (closed && line == begin) {
      inside = true;
    } else if (closed && line == end) {
      inside = false;
    } else if (!inside) {
      left += line.starts_with(was) ? line.substr(was.size()) : line;
    }
  }
  return left;
}

std::vector<std::string> marks_in_names(const std::string& content) {
  std::vector<std::string> marks;
  for (const auto line : lines_of(content)) {
    if (!line.starts_with(kHead)) continue;
    const auto rest = line.substr(kHead.size());
    std::string mark(rest.substr(0, rest.find_first_of(" \n")));
    if (std::ranges::find(marks, mark) == marks.end()) marks.push_back(std::move(mark));
  }
  return marks;
}

bool is_half_written(const std::string& content, const std::string& before,
                     const std::string& after) {
  const auto size = std::max(before.size(), after.size());
  if (content.size() != size && content.size() != before.size()) return false;
  const auto same = std::ranges::mismatch(content, after).in1 - content.begin();
  const auto at = static_cast<std::size_t>(same);
  return at >= before.size() ? at == content.size() : content.compare(at, size, before, at) == 0;
}

}  // namespace gameday
