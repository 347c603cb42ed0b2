// A file by which names are resolved, hosts(5) or resolv.conf(5), and the lines of a deed in it.
// What a deed puts in stands in a block between two lines with its mark, and what it puts out of
// force stands behind its mark: so all of it can be taken out again, whatever others have written
// meanwhile, and what is left are the bytes that were there before.
#pragma once

#include <string>
#include <vector>

namespace gameday {

enum class NameFile { hosts, resolver };

// What names lead to, or which servers are asked, instead.
struct WrongNames {
  NameFile kind = NameFile::hosts;
  std::vector<std::string> names;
  std::vector<std::string> to;  // addresses
};

[[nodiscard]] std::string with_wrong_names(const std::string& original, const WrongNames& wrong,
                                           const std::string& mark);

// A block whose end is missing stays, since nobody knows what of it is a deed's.
[[nodiscard]] std::string without_marked_lines(const std::string& content, const std::string& mark);

// Of all deeds.
[[nodiscard]] std::vector<std::string> marks_in_names(const std::string& content);

// Whether `content` is what is left where `before` was being overwritten by `after` in place.
[[nodiscard]] bool is_half_written(const std::string& content, const std::string& before,
                                   const std::string& after);

}  // namespace gameday
