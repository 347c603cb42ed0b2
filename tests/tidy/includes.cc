#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tests/tidy/rules.h"

namespace gameday {
namespace {

struct Include {
  int line = 0;
  std::string header;
  bool ours = false;  // in quotes
};

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> found;
  int number = 0;
  for (const auto& line : lines_of(file.text)) {
    ++number;
    if (!line.starts_with("#include ") || line.size() < 12) continue;
    const char shut = line[9] == '<' ? '>' : '"';
    const auto end = line.find(shut, 10);
    if (end != std::string::npos) found.push_back({number, line.substr(10, end - 10), shut == '"'});
  }
  return found;
}

// A library, how many .cc files may include it, and why not a header: it is slow to compile, and
// one door to it is easier to guard than many.
struct Library {
  std::string_view header;
  std::size_t units;
};
constexpr Library kLibraries[] = {{"nlohmann/", 1},   {"yaml-cpp/", 2},    {"boost/process/", 1},
                                  {"boost/asio/", 1}, {"boost/beast/", 1}, {"curl/", 3},
                                  {"sqlite3.h", 1},   {"spdlog/", 1},      {"fmt/", 1},
                                  {"CLI/", 1},        {"openssl/", 5},     {"libpq-fe.h", 2},
                                  {"amqp", 3}};

// The room that a file is in: "engine/journal", "drills/faults", "cli" ...
std::string room_of(const std::string& path) {
  const auto first = path.find('/');
  if (first == std::string::npos) return "";
  const std::string top = path.substr(0, first);
  if (top != "engine" && top != "drills") return top;
  const auto second = path.find('/', first + 1);
  return second == std::string::npos ? top + "/rows" : path.substr(0, second);
}

using Rooms = std::map<std::string, std::set<std::string>>;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, ""));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

// The words of each call in a CMakeLists.txt, from behind `call` to the parenthesis.
std::vector<std::vector<std::string>> calls_of(std::string_view cmake, std::string_view call) {
  std::vector<std::vector<std::string>> found;
  for (auto at = cmake.find(call); at != std::string_view::npos; at = cmake.find(call, at + 1)) {
    const auto begin = at + call.size();
    found.push_back(words_of(cmake.substr(begin, cmake.find(')', begin) - begin)));
  }
  return found;
}

// What each room of the engine links, and so may see: "gameday_room(journal LINK engine_sys)".
Rooms linked_rooms(std::string_view cmake) {
  constexpr std::string_view kPrefix = "engine_";
  Rooms links;
  const auto link = [&](const std::string& room, const std::vector<std::string>& words) {
    for (const auto& word : words) {
      if (word.starts_with(kPrefix)) links[room].insert("engine/" + word.substr(kPrefix.size()));
    }
  };
  for (const auto& words : calls_of(cmake, "\ngameday_room(")) {
    if (!words.empty()) link("engine/" + words.front(), words);
  }
  for (const auto& words : calls_of(cmake, "\ntarget_link_libraries(engine_rows PUBLIC")) {
    link("engine/rows", words);
  }
  return links;
}

// A room sees itself, and what it links sees.
std::set<std::string> seen_from(const std::string& room, const Rooms& links) {
  std::set<std::string> seen{room};
  std::vector<std::string> left{room};
  while (!left.empty()) {
    const auto at = links.find(left.back());
    left.pop_back();
    if (at == links.end()) continue;
    for (const auto& next : at->second) {
      if (seen.insert(next).second) left.push_back(next);
    }
  }
  return seen;
}

// What the rooms outside of the engine may see.
Rooms all_rooms(const Tree& tree) {
  Rooms links;
  for (const auto& file : tree) {
    if (file.path == "engine/CMakeLists.txt") links = linked_rooms(file.text);
  }
  links["drills/systems"] = {"engine/playbook", "engine/rows", "engine/proxy"};
  links["drills/faults"] = {"drills/systems"};
  links["drills/restores"] = {"drills/systems"};
  links["drills/actions"] = {"drills/systems"};
  links["drills/loads"] = {"drills/systems", "engine/load"};
  links["probes"] = {"drills/systems"};
  links["reports"] = {"engine/journal"};
  links["cli"] = {"reports", "drills/systems", "engine/runtime", "engine/sim"};
  return links;
}

// The faults do not know each other, nor do restores and probes: a header of their own is none's.
bool knows_a_sibling(const std::string& room, const SourceFile& file, const std::string& header) {
  const bool family = room == "drills/faults" || room == "drills/restores" ||
                      room == "drills/actions" || room == "probes";
  return family && room_of(header) == room && stem_of(header) != stem_of(file.path);
}

// Which files tests reach: those named after a test, those whose header a test includes, and what
// these include in their own room in turn.
class Reach {
 public:
  explicit Reach(const Tree& tree) {
    for (const auto& file : tree) {
      paths_.insert(file.path);
      if (file.path.starts_with("tests/tidy/")) continue;
      if (file.path.starts_with("tests/")) note_test(file);
    }
    for (std::size_t before = 0; before != reached_.size();) {
      before = reached_.size();
      for (const auto& file : tree) {
        if (is_product(file.path) && is_reached(file)) pass_on(file);
      }
    }
  }

  [[nodiscard]] bool tested(const SourceFile& file) const { return is_reached(file); }

 private:
  void note_test(const SourceFile& file) {
    const std::string stem = stem_of(file.path);
    if (stem.ends_with("_test")) subjects_.insert(stem.substr(0, stem.size() - 5));
    for (const auto& include : includes_of(file)) reached_.insert(include.header);
    if (file.path.starts_with("tests/cli/")) commands_ += file.text;
  }

  static std::string header_of(const SourceFile& file) {
    return file.path.substr(0, file.path.rfind('.')) + ".h";
  }

  bool is_reached(const SourceFile& file) const {
    if (reached_.contains(file.path) || reached_.contains(header_of(file))) return true;
    const std::string stem = stem_of(file.path);
    for (const auto& subject : subjects_) {
      if (stem == subject || stem.starts_with(subject + "_")) return true;
    }
    // A command is reached by its name: the tests of `cli` run the binary.
    const bool command = file.path.starts_with("cli/") && file.path.ends_with(".cc");
    if (command && commands_.find("\"" + stem + "\"") != std::string::npos) return true;
    if (!file.path.ends_with(".cc") || paths_.contains(header_of(file))) return false;
    // A part of somebody else's header stands and falls with it.
    const auto includes = includes_of(file);
    const auto own = std::ranges::find_if(includes, [&](const Include& include) {
      return include.ours && room_of(include.header) == room_of(file.path);
    });
    return own != includes.end() && reached_.contains(own->header);
  }

  void pass_on(const SourceFile& file) {
    reached_.insert(file.path);
    for (const auto& include : includes_of(file)) {
      if (include.ours && room_of(include.header) == room_of(file.path)) {
        reached_.insert(include.header);
      }
    }
  }

  std::set<std::string> paths_, subjects_, reached_;
  std::string commands_;
};

}  // namespace

Complaints third_party_headers(const Tree& tree) {
  Complaints complaints;
  std::map<std::string_view, std::set<std::string>> units;
  for (const auto& file : tree) {
    // The sample system shares nothing with gameday, its rules neither.
    if (!is_cpp(file.path) || file.path.starts_with("tests/systems/")) continue;
    for (const auto& include : includes_of(file)) {
      for (const auto& library : kLibraries) {
        if (include.ours || !include.header.starts_with(library.header)) continue;
        if (file.path.ends_with(".h")) {
          complaints.push_back({file.path, include.line, include.header + " in a header"});
        } else if (units[library.header].insert(file.path).second &&
                   units[library.header].size() > library.units) {
          complaints.push_back(
              {file.path, include.line,
               include.header + " in more than " + std::to_string(library.units) + " unit(s)"});
        }
      }
    }
  }
  return complaints;
}

Complaints room_includes(const Tree& tree) {
  Complaints complaints;
  std::set<std::string> headers{"all_rows.h"};  // made by probes/CMakeLists.txt
  for (const auto& file : tree) headers.insert(file.path);
  const Rooms links = all_rooms(tree);
  for (const auto& file : tree) {
    const std::string room = room_of(file.path);
    const auto seen = seen_from(room, links);
    if (!is_product(file.path)) continue;
    for (const auto& include : includes_of(file)) {
      const auto no = [&](const std::string& why) {
        complaints.push_back({file.path, include.line, include.header + why});
      };
      if (!include.ours) continue;
      const std::string other = room_of(include.header);
      if (!headers.contains(include.header)) {
        no(" is no file of this tree");
      } else if (other.empty() ? room != "cli" : !seen.contains(other)) {
        no(": " + room + " may not include " + (other.empty() ? "the table of rows" : other));
      } else if (knows_a_sibling(room, file, include.header)) {
        no(": one of " + room + " may not include another");
      }
    }
  }
  return complaints;
}

Complaints untested_files(const Tree& tree) {
  const Reach reach(tree);
  Complaints complaints;
  for (const auto& file : tree) {
    if (!is_product(file.path) || !file.path.ends_with(".cc") || reach.tested(file)) continue;
    complaints.push_back({file.path, 0, "no test is named after it, nor reaches it in its room"});
  }
  return complaints;
}

}  // namespace gameday
