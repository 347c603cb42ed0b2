#include "drills/systems/truth.h"

#include <algorithm>
#include <charconv>
#include <ranges>

#include "drills/systems/base_backup.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

std::string shown(const Ended& ended) {
  const std::string_view how = ended.how == Ended::How::exited ? "exit code " : "signal ";
  return std::string(how) + std::to_string(ended.code);
}

int number_at(const std::vector<std::string>& parts, std::size_t index) {
  int number = 0;
  if (index >= parts.size()) return number;
  const std::string& part = parts[index];
  static_cast<void>(std::from_chars(part.data(), part.data() + part.size(), number));
  return number;
}

// Of all that was printed, what tells why it ended so: the lines that complain, and of them the
// first, which is the cause.
std::string complaint_in(const std::string& output) {
  constexpr std::string_view kWords[] = {"rror",      "ERROR",   "Fatal",   "enied",     "does not",
                                         "not match", "invalid", "no such", "not found", "locked"};
  constexpr std::size_t kMost = 400;
  std::string words;
  for (const auto& line : split(output, '\n')) {
    // restic counts its errors in a line of its own.
    const bool counts = line.starts_with("{\"message_type\":\"status\"");
    const auto complains = [&line](std::string_view word) { return line.contains(word); };
    if (counts || std::ranges::none_of(kWords, complains)) continue;
    words += (words.empty() ? "" : " ") + std::string(trimmed(line));
  }
  if (words.empty()) return last_words(output);
  return valid_utf8(words.size() > kMost ? words.substr(0, kMost) + "..." : words);
}

bool fits(const TruthRow& row, std::string_view command, const Ended& ended) {
  const bool exits =
      row.exit == kAnyExit || (ended.how == Ended::How::exited && ended.code == row.exit);
  return exits && (row.command.empty() || row.command == command) &&
         ended.output.contains(row.says);
}

}  // namespace

std::string_view name_of(Truth truth) {
  switch (truth) {
    case Truth::pass: return "pass";
    case Truth::fail: return "fail";
    case Truth::unknown: return "unknown";
  }
  return "unknown";
}

Reading read_ending(const TruthTable& table, std::string_view command, const Ended& ended) {
  const std::string said =
      std::string(table.tool) + " " + std::string(command) + " (" + shown(ended) + ")";
  const std::string words = complaint_in(ended.output);
  for (const TruthRow& row : table.rows) {
    if (!fits(row, command, ended)) continue;
    Reading reading{&row, row.state, row.truth, row.code, std::string(row.text)};
    if (row.truth != Truth::pass) reading.text += "; " + said + ": " + words;
    return reading;
  }
  return {.text = said + " ended in a way that the table for " + std::string(table.tool) + " " +
                  std::string(table.from) +
                  " does not know, which says nothing of the backup: " + words};
}

bool at_least(std::string_view version, std::string_view wanted) {
  const auto have = split(version, '.'), need = split(wanted, '.');
  for (std::size_t i = 0; i < need.size(); ++i) {
    const int difference = number_at(have, i) - number_at(need, i);
    if (difference != 0) return difference > 0;
  }
  return true;
}

Result<const TruthTable*> table_for(std::span<const TruthTable* const> tables,
                                    std::string_view version) {
  for (const TruthTable* table : tables | std::views::reverse) {
    if (at_least(version, table->from)) return table;
  }
  const TruthTable& oldest = *tables.front();
  const std::string tool(oldest.tool);
  return fail(ErrorCode::unsupported, "what the endings of " + tool + " " + std::string(version) +
                                          " mean is not known: the oldest that is has version " +
                                          std::string(oldest.from));
}

}  // namespace gameday
