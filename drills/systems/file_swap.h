// Other content in a file for a while: exchanged in one step, with its owner and mode, and put back
// to the byte. What was there lies in a private file, beside what took its place. What somebody
// else has put there since is theirs, and stays.
#pragma once

#include <string>

#include "engine/rows.h"

namespace gameday {

struct FileSwap {
  std::string path;   // the file itself, where the playbook named a symbolic link to it
  std::string saved;  // the private file
};
[[nodiscard]] Json to_json(const FileSwap& swap);
[[nodiscard]] Result<FileSwap> file_swap_from(const Json& value);

// The regular file that `path` leads to. Refuses one that has other names too (hard links), as
// these would be left behind, and one whose folder we may not write to.
[[nodiscard]] Result<std::string> file_to_swap(const std::string& path);

// Notes what is there and what is to take its place, under `name` in the private folder.
[[nodiscard]] Result<FileSwap> keep_for_swap(const std::string& file, const std::string& content,
                                             const std::string& name, const DeedContext& context);

enum class Holds { what_was, ours, other, nothing };
[[nodiscard]] Result<Holds> look_at_swap(const FileSwap& swap, const DeedContext& context);

// conflict: it is not what it was when it was kept.
[[nodiscard]] Status swap_in(const FileSwap& swap, const DeedContext& context);
// True: it was put back now. Touches nothing but what is ours, or missing.
[[nodiscard]] Result<bool> put_back(const FileSwap& swap, const DeedContext& context);
// What a death in the middle of an exchange has left beside the file: new content, which may be a
// key, and which whoever reads all files of the folder would read.
[[nodiscard]] Status remove_half_swap(const FileSwap& swap, const DeedContext& context);
[[nodiscard]] Status erase_swap(const FileSwap& swap, bool keep, const DeedContext& context);

}  // namespace gameday
