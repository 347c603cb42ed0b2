// What stands in folders, entry by entry, with the digest of each file's content: what a copy of
// them is held against. gameday reads it itself, so that no backup tool vouches for its own work.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/rows.h"

namespace gameday {

struct TreeEntry {
  char kind = 'f';  // a file, a folder (d), a link (l), or another (o), which has no content
  unsigned mode = 0;
  std::int64_t size = 0;    // of a file
  std::string digest = {};  // of a file's content, or of where a link leads; empty: it was not read
  std::string stamp = {};   // changes with whatever is done to it
  bool moving = false;      // it changed while it was backed up: it may be there as it was or is
};
// By their absolute paths; sockets, which nobody can back up, are left out.
using FileTree = std::map<std::string, TreeEntry>;

enum class Reads { everything, stamps };
// What is at `paths`, as it stands below `root` (empty: where it says). What goes meanwhile is not
// there. refused: a file may not be read.
[[nodiscard]] Result<FileTree> read_tree(const std::vector<std::string>& paths,
                                         const std::string& root, Reads reads,
                                         const DeedContext& context);

// `before`, with what another look after the backup found changed marked as moving.
[[nodiscard]] FileTree settled(FileTree before, const FileTree& after);

// An entry a line, in a form that is the same for the same tree; without stamps.
[[nodiscard]] std::string to_text(const FileTree& tree);
[[nodiscard]] Result<FileTree> file_tree_from(std::string_view text);

// Of files alone, as sha256sum(1) writes it: paths in it count from `folder`, and what it does not
// name (modes, folders) is not compared.
[[nodiscard]] Result<FileTree> file_tree_from_sums(std::string_view text,
                                                   const std::string& folder);

struct TreeTotals {
  std::int64_t files = 0, bytes = 0;
};
[[nodiscard]] TreeTotals totals_of(const FileTree& tree);

struct TreeDifference {
  std::int64_t compared = 0;         // files, byte by byte
  std::int64_t moving = 0;           // entries that could not be
  std::int64_t wrong = 0;            // entries that are missing, other ones, or too many
  std::vector<std::string> shown{};  // the first of them, in words
};
// `only_named`: what the copy has besides is no difference.
[[nodiscard]] TreeDifference compare_trees(const FileTree& meant, const FileTree& copy,
                                           bool only_named);

}  // namespace gameday
