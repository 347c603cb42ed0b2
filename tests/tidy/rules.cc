#include "tests/tidy/rules.h"

#include <algorithm>
#include <cctype>

namespace gameday {
namespace {

// Where the literal or comment that begins at `from` ends, one past it; `from` where none begins.
std::size_t end_of_quoted(std::string_view text, std::size_t from) {
  const std::string_view rest = text.substr(from);
  const auto after = [&](std::string_view mark, std::size_t at) {
    const auto found = text.find(mark, at);
    return found == std::string_view::npos ? text.size() : found + mark.size();
  };
  if (rest.starts_with("//")) return std::min(text.find('\n', from), text.size());
  if (rest.starts_with("/*")) return after("*/", from + 2);
  if (rest.starts_with("R\"")) {
    const auto open = text.find('(', from);
    if (open == std::string_view::npos) return text.size();
    const std::string close = ")" + std::string(text.substr(from + 2, open - from - 2)) + "\"";
    return after(close, open);
  }
  const bool digit_separator =
      from > 0 && std::isalnum(static_cast<unsigned char>(text[from - 1])) != 0;
  if (rest.front() != '"' && (rest.front() != '\'' || digit_separator)) return from;
  for (std::size_t at = from + 1; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == rest.front()) {
      return at + 1;
    }
  }
  return from + 1;
}

bool is_name_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

struct Banned {
  std::string_view word;
  std::string_view instead;
  bool (*where)(std::string_view path);
};

bool is_test(std::string_view path) { return path.starts_with("tests/"); }

constexpr Banned kBanned[] = {
    {"std::system", "Processes::run, an argument vector and no shell", is_product},
    {"popen", "Processes::run, an argument vector and no shell", is_product},
    {"/bin/sh", "an argument vector and no shell", is_product},
    {"system_clock", "a Clock (engine/sys/clock.h)",
     [](std::string_view path) {
       return path != "engine/base/time.h" && path != "engine/base/time.cc" &&
              !path.starts_with("engine/sys/");
     }},
    {"steady_clock", "a Clock: CLOCK_BOOTTIME goes on in sleep", is_product},
    {"std::rand", "Random (engine/base/random.h), which has a seed", is_cpp},
    {"std::random_device", "Random (engine/base/random.h), which has a seed", is_product},
    {"std::exit", "a return code up to main",
     [](std::string_view path) { return is_product(path) && !path.starts_with("cli/"); }},
    {"sleep_for", "bounded polling for what is waited for", is_test},
    {"usleep", "bounded polling for what is waited for", is_cpp},
    {"using namespace std;", "names with std::", is_cpp},
};

}  // namespace

bool is_cpp(std::string_view path) { return path.ends_with(".cc") || path.ends_with(".h"); }

bool is_product(std::string_view path) { return is_cpp(path) && !is_test(path); }

std::string stem_of(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  return std::string(name.substr(0, name.find('.')));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string code_of(std::string_view text) {
  std::string code(text);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_quoted(text, at);
    for (std::size_t i = at; i < end; ++i) {
      if (code[i] != '\n') code[i] = ' ';
    }
    at = std::max(end, at + 1);
  }
  return code;
}

bool has_word(std::string_view line, std::string_view word) {
  for (auto at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const bool open = at == 0 || !is_name_letter(line[at - 1]) || !is_name_letter(word.front());
    const std::size_t end = at + word.size();
    const bool shut = end == line.size() || !is_name_letter(line[end]);
    if (open && (shut || !is_name_letter(word.back()))) return true;
  }
  return false;
}

Complaints banned_words(const Tree& tree) {
  Complaints complaints;
  for (const auto& file : tree) {
    // The rules must name what they ban, and the sample system shares nothing with gameday.
    const bool exempt =
        file.path.starts_with("tests/tidy/") || file.path.starts_with("tests/systems/");
    if (!is_cpp(file.path) || exempt) continue;
    const auto whole = lines_of(file.text);
    const auto code = lines_of(code_of(file.text));
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const int line = static_cast<int>(i) + 1;
      for (const char* later : {"TODO", "FIXME", "XXX"}) {
        if (has_word(whole[i], later)) {
          complaints.push_back({file.path, line, std::string(later) + ": do it, or file an issue"});
        }
      }
      for (const auto& banned : kBanned) {
        const bool quoted = banned.word.front() == '/';
        if (!banned.where(file.path) || !has_word(quoted ? whole[i] : code[i], banned.word)) {
          continue;
        }
        complaints.push_back(
            {file.path, line, std::string(banned.word) + ": use " + std::string(banned.instead)});
      }
      if (is_product(file.path) && code[i].find(".detach()") != std::string::npos) {
        complaints.push_back({file.path, line, "detach(): use a std::jthread that is joined"});
      }
    }
  }
  return complaints;
}

Complaints machine_paths(const Tree& tree, std::span<const std::string> paths) {
  Complaints complaints;
  for (const auto& file : tree) {
    const auto lines = lines_of(file.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      for (const auto& path : paths) {
        if (!has_word(lines[i], path)) continue;
        complaints.push_back(
            {file.path, static_cast<int>(i) + 1, path + " is a folder of this machine"});
      }
    }
  }
  return complaints;
}

}  // namespace gameday
