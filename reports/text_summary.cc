#include <algorithm>

#include "engine/base/text.h"
#include "reports/markup.h"
#include "reports/result.h"

namespace gameday {
namespace {

// In characters, not bytes: names may be in any language.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

using Row = std::vector<std::string>;

std::string in_columns(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string objectives_of(const Json& result) {
  std::vector<Row> rows{{"objective", "asked", "measured", "held"}};
  for (const auto& objective : result.items("objectives")) {
    const std::string name = objective.text("name");
    const Json& held = objective.get("held");
    rows.push_back({neutral(name), shown_measure(name, objective.get("objective")),
                    shown_measure(name, objective.get("measured")),
                    !held.is_boolean()                        ? "not judged"
                    : !held.boolean()                         ? "missed"
                    : objective.boolean("closed_loop", false) ? "held, in a closed loop"
                                                              : "held"});
  }
  return rows.size() > 1 ? "\n" + in_columns(rows) : "";
}

}  // namespace

std::string text_summary(const Json& result) {
  std::string verdict = result.text("verdict");
  std::ranges::replace(verdict, '_', ' ');
  std::ranges::transform(verdict, verdict.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  std::string out = neutral(verdict) + "  " + neutral(result.get("playbook").text("name")) +
                    "  (drill " + neutral(result.text("drill")) + ", exit code " +
                    std::to_string(result.integer("exit_code", 0)) + ")\n";
  for (const auto& reason : result.items("reasons")) {
    out += "  - " + neutral(reason.text("text")) + "\n";
  }
  if (!result.items("residue").empty()) out += "\nLEFT BEHIND, to be put right by hand:\n";
  for (const auto& residue : result.items("residue")) {
    out += "  ! " + neutral(residue.text("what")) +
           "\n    by hand: " + neutral(residue.text("by_hand")) + "\n";
  }
  out += objectives_of(result);
  const Json& score = result.get("score");
  if (score.number("coverage", 0) > 0) out += "\nscore " + shown_range(score) + "\n";
  return out;
}

}  // namespace gameday
