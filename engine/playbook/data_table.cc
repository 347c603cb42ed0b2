#include "engine/playbook/data_table.h"

#include <algorithm>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string line_text(std::size_t line) { return "line " + std::to_string(line); }

// Record by record.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t line() const { return line_; }

  Result<std::vector<std::string>> record() {
    ++line_;
    std::vector<std::string> fields;
    while (true) {
      TRY(value, field());
      if (has_control(value) || !is_utf8(value)) {
        return fail(ErrorCode::corrupt,
                    line_text(line_) +
                        ": a value with a line break, a control character or what "
                        "is no UTF-8");
      }
      fields.push_back(std::move(value));
      if (rest_.starts_with(',')) {
        rest_.remove_prefix(1);
        continue;
      }
      if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
      if (rest_.empty()) return fields;
      if (rest_.front() != '\n') {
        return fail(ErrorCode::corrupt, line_text(line_) + ": text behind a closing quote");
      }
      rest_.remove_prefix(1);
      return fields;
    }
  }

 private:
  Result<std::string> field() {
    if (rest_.starts_with('"')) return in_quotes();
    const auto end = std::min(rest_.find_first_of(",\n"), rest_.size());
    auto text = rest_.substr(0, end);
    const bool last = end == rest_.size() || rest_[end] == '\n';
    if (last && text.ends_with('\r')) text.remove_suffix(1);
    if (text.contains('"')) {
      return fail(ErrorCode::corrupt, line_text(line_) +
                                          ": a quote inside of a value without "
                                          "quotes around it");
    }
    rest_.remove_prefix(text.size());
    return std::string(text);
  }

  Result<std::string> in_quotes() {
    std::string value;
    rest_.remove_prefix(1);
    while (true) {
      const auto quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        return fail(ErrorCode::corrupt, line_text(line_) + ": a quote that is not closed");
      }
      value += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (!rest_.starts_with('"')) return value;
      value += '"';
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
  std::size_t line_ = 0;
};

Status good_columns(const std::vector<std::string>& columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) return fail(ErrorCode::corrupt, "line 1: a column without a name");
    const auto rest = columns.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    if (std::find(rest, columns.end(), columns[i]) != columns.end()) {
      return fail(ErrorCode::corrupt, "line 1: two columns of one name");
    }
  }
  return {};
}

}  // namespace

std::optional<std::size_t> DataTable::column(std::string_view name) const {
  const auto found = std::ranges::find(columns, name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

Result<DataTable> parse_data(std::string_view bytes) {
  DataTable table;
  table.sha256 = sha256(bytes);
  Reader reader(bytes);
  if (reader.at_end()) return fail(ErrorCode::corrupt, "it is empty");
  TRY(columns, reader.record());
  table.columns = std::move(columns);
  TRY_OK(good_columns(table.columns));
  while (!reader.at_end()) {
    TRY(row, reader.record());
    const bool blank = row.size() == 1 && row.front().empty() && table.columns.size() > 1;
    if (blank && reader.at_end()) break;  // a line feed more than there are lines
    if (row.size() != table.columns.size()) {
      return fail(ErrorCode::corrupt, line_text(reader.line()) + ": " + std::to_string(row.size()) +
                                          " values, and there are " +
                                          std::to_string(table.columns.size()) + " columns");
    }
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) return fail(ErrorCode::corrupt, "it has no line below its columns");
  return table;
}

Result<DataTable> read_data(const std::string& file, const std::string& written) {
  TRY(bytes, Files().read(file, kLargestData));
  TRY(table, parse_data(bytes));
  table.path = written;
  return table;
}

}  // namespace gameday
