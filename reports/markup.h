// How texts and figures stand in reports. Every text out of a playbook or a server is data: it is
// escaped here, and what could steer a terminal or turn a line of text around is made visible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"

namespace gameday {

// Valid UTF-8 in one line, at most `most` characters; control and bidirectional characters as
// [U+202E].
inline constexpr std::size_t kLongestText = 1200;
[[nodiscard]] std::string neutral(std::string_view raw, std::size_t most = kLongestText);
// The same, and safe as an element's text and in an attribute's quotes.
[[nodiscard]] std::string escaped(std::string_view raw, std::size_t most = kLongestText);

// Fixed-point, without a locale.
[[nodiscard]] std::string fixed(double value, int digits);
[[nodiscard]] std::string shown_count(std::int64_t count);    // "12,480"
[[nodiscard]] std::string shown_seconds(double seconds);      // "1.10 ms", "12.4 s", "2 min 05 s"
[[nodiscard]] std::string shown_ratio(double ratio);          // "99.52 %", never rounded up to 100
[[nodiscard]] std::string shown_offset(double seconds);       // "1:23.4" since the drill began
[[nodiscard]] std::string shown_time(std::string_view utc);   // "2026-11-22 19:04:10.000 UTC"
[[nodiscard]] std::string shown_clock(std::string_view utc);  // "19:04:10.000"

[[nodiscard]] std::string words(std::string text);  // a name of the result's, as words
// {"name","uid","via"} as "mara (uid 1000)"; empty for a null.
[[nodiscard]] std::string shown_person(const Json& who);

// A figure and its unit that no line break may part.
[[nodiscard]] std::string unbroken(std::string_view figure);

// An objective's figure in the unit that its name implies: a share, else seconds; {lo, hi} as a
// range; "not measured" for null.
[[nodiscard]] std::string shown_measure(std::string_view objective, const Json& value);

// Of a load in the result: "checkout", or "browsing (closed loop, 100 users, Locust 2.47.0)".
[[nodiscard]] bool is_closed_loop(const Json& load);
[[nodiscard]] std::string load_in_words(const Json& load);

// A table whose cells are HTML already. On narrow screens each row stands as a block, with the
// headings before the cells.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  void row(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // `figures`: from which column on cells are numbers, flush right; -1: none.
  [[nodiscard]] std::string html(std::string_view caption, int figures = -1) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

// A mark that says it without colour too: "yes" as a tick, "no" as a cross, "unknown" as a question
// mark, each with its word.
[[nodiscard]] std::string mark(const Json& held, std::string_view yes, std::string_view no,
                               std::string_view unknown);

}  // namespace gameday
