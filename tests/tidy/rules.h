// The rules of the house that a compiler does not check, each a pure function of the tracked files.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gameday {

struct SourceFile {
  std::string path;  // from the root of the tree
  std::string text;
};
using Tree = std::vector<SourceFile>;

struct Complaint {
  std::string path;
  int line = 0;  // from 1; 0: the whole file
  std::string text;
};
using Complaints = std::vector<Complaint>;

Complaints banned_words(const Tree& tree);
Complaints layout(const Tree& tree);  // columns, blanks at the end, tabs
Complaints long_files(const Tree& tree);
Complaints long_functions(const Tree& tree);
Complaints untested_files(const Tree& tree);
Complaints third_party_headers(const Tree& tree);
Complaints room_includes(const Tree& tree);
// Absolute paths of the machine that the tree happens to be on.
Complaints machine_paths(const Tree& tree, std::span<const std::string> paths);

// What the rules share.
[[nodiscard]] bool is_cpp(std::string_view path);      // ours: .cc and .h
[[nodiscard]] bool is_product(std::string_view path);  // what users run: no tests
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);
// `text` with the insides of comments, characters and strings blanked; line feeds stay.
[[nodiscard]] std::string code_of(std::string_view text);
[[nodiscard]] bool has_word(std::string_view line, std::string_view word);
[[nodiscard]] std::string stem_of(std::string_view path);

}  // namespace gameday
