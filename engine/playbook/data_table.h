// The file of values that a load fills into its requests: comma-separated (RFC 4180), with the
// names of its columns in the first line. Read once, when the playbook is.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace gameday {

struct DataTable {
  std::string path;    // as the playbook has it
  std::string sha256;  // of the file
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // one at least, each as wide as `columns`

  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
};

inline constexpr std::int64_t kLargestData = 16 << 20;  // bytes

// `corrupt`, with the line: what is no such file, an empty one among them. No error repeats a
// value, which may be a person's.
[[nodiscard]] Result<DataTable> parse_data(std::string_view bytes);

// That file of this machine.
[[nodiscard]] Result<DataTable> read_data(const std::string& file, const std::string& written);

}  // namespace gameday
