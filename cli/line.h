// One line of a screen: pieces of text with an ink, never wider than it may be. All text that goes
// in is made harmless, so nobody's name moves the cursor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gameday {

// What a terminal can show.
struct TerminalTerms {
  int columns = 80;
  int rows = 24;
  bool colour = true;
  bool unicode = true;
};

enum class Ink { plain, dim, strong, good, bad, warn };

// Columns that a terminal gives a text: none for marks that combine, two for wide letters.
[[nodiscard]] int columns_of(std::string_view text);

// `text` as one line; what is no ASCII is a question mark where the terminal shows nothing else.
[[nodiscard]] std::string one_line(std::string_view text, bool unicode);

// The start of a text that is wider than that, or its end, with three dots for the rest; else all
// of it.
[[nodiscard]] std::string start_of(std::string_view text, int columns);
[[nodiscard]] std::string end_of(std::string_view text, int columns);

class Line {
 public:
  explicit Line(const TerminalTerms& terms) : terms_(terms) {}
  // Cut where the line is full, with a mark that it was.
  Line& add(std::string_view text, Ink ink = Ink::plain);
  // The same, at most `columns` of it, and blanks up to that many.
  Line& field(std::string_view text, int columns, Ink ink = Ink::plain);
  // Up to the last `columns` of the line.
  Line& fill(std::string_view with, int columns, Ink ink = Ink::plain);
  [[nodiscard]] int left() const { return terms_.columns - 1 - used_; }
  // With colours where the terminal has them, no blanks at its end.
  [[nodiscard]] std::string text() const;

 private:
  struct Piece {
    std::string text;
    Ink ink;
  };
  void put(std::string_view clean, int columns, Ink ink);

  TerminalTerms terms_;
  std::vector<Piece> pieces_;
  int used_ = 0;
};

// A value from 0 to 1 as a bar.
[[nodiscard]] std::string bar(double fraction, int columns, bool unicode);
// Each value as a column whose height says where it lies between `low` and `high`; the newest on
// the right. A value below 0 was not measured: a gap.
[[nodiscard]] std::string sparkline(const std::vector<double>& values, double low, double high,
                                    bool unicode);

}  // namespace gameday
