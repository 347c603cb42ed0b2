#include "cli/live.h"

#include <algorithm>

#include "cli/say.h"

namespace gameday {
namespace {

constexpr Duration kFrameEvery = std::chrono::milliseconds(100);
constexpr std::size_t kKept = 500;
constexpr int kWidest = 4000;  // columns of a line that stays

// What a terminal does not know it leaves out: 2026 has it show the frame when it is whole.
constexpr std::string_view kBegin = "\x1b[?2026h\x1b[?25l\r";
constexpr std::string_view kEnd = "\x1b[?25h\x1b[?2026l";
constexpr std::string_view kToEndOfLine = "\x1b[K";
constexpr std::string_view kBelow = "\x1b[J";
constexpr std::string_view kWhole = "\x1b[H\x1b[2J";

std::string up(std::size_t lines) {
  return lines == 0 ? "" : "\x1b[" + std::to_string(lines) + "A";
}

std::size_t rows_of(std::string_view text, int columns) {
  const auto wide = static_cast<std::size_t>(std::max(1, columns_of(text)));
  const auto one = static_cast<std::size_t>(std::max(1, columns));
  return (wide + one - 1) / one;
}

}  // namespace

void Live::keep(std::string line, Ink ink) { waiting_.push_back({start_of(line, kWidest), ink}); }

void Live::frame(const Drill& drill, const WatchedDrill& watched) {
  const Instant now = clock_.now().boot;
  if (ended_ || now - last_ < kFrameEvery || !terminal_.taken()) return;
  last_ = now;
  const TerminalTerms terms = terminal_.terms();
  const auto lines = screen(drill, watched, now, terms);
  too_small_ = lines.empty();
  const bool resized = terms.columns != terms_.columns || terms.rows != terms_.rows;
  if (lines != shown_ || !waiting_.empty() || resized) draw(lines, terms);
}

// Lines of a name from elsewhere are wrapped by the terminal, which is no matter above the live
// part.
std::string Live::drawn(const Kept& kept, const TerminalTerms& terms) const {
  const std::string text = one_line(kept.text, terms.unicode);
  const bool red = kept.ink == Ink::bad && terms.colour;
  return (red ? "\x1b[1;31m" + text + "\x1b[0m" : text) + std::string(kToEndOfLine) + "\r\n";
}

// The end of what was kept, as much as stands above `live` lines. Of one line that is longer than
// that, its end: there it says what to type.
std::string Live::drawn_again(const TerminalTerms& terms, std::size_t live) const {
  std::size_t room = static_cast<std::size_t>(terms.rows) -
                     std::min<std::size_t>(live + 1, static_cast<std::size_t>(terms.rows));
  std::size_t from = kept_.size();
  while (from > 0) {
    const auto rows = rows_of(one_line(kept_[from - 1].text, terms.unicode), terms.columns);
    if (rows > room) break;
    room -= rows;
    --from;
  }
  std::string out(kWhole);
  if (from == kept_.size() && from > 0 && room > 0) {
    Kept last = kept_.back();
    const int fits = static_cast<int>(room) * terms.columns - 1;
    last.text = end_of(one_line(last.text, terms.unicode), fits);
    out += drawn(last, terms);
  }
  for (; from < kept_.size(); ++from) out += drawn(kept_[from], terms);
  return out;
}

void Live::draw(const std::vector<std::string>& lines, const TerminalTerms& terms) {
  const bool first = terms_.columns == 0;
  const bool resized = !first && (terms.columns != terms_.columns || terms.rows != terms_.rows);
  std::string out(kBegin);
  if (!resized) out += up(shown_.size());
  std::string fresh;
  for (auto& kept : waiting_) {
    fresh += drawn(kept, terms);
    kept_.push_back(std::move(kept));
    if (kept_.size() > kKept) kept_.pop_front();
  }
  waiting_.clear();
  // How a terminal has laid out anew what stood there is not known: all of it is drawn again.
  out += resized ? drawn_again(terms, lines.size()) : fresh;
  for (const auto& line : lines) out += line + std::string(kToEndOfLine) + "\r\n";
  out += std::string(kBelow) + std::string(kEnd);
  terminal_.write(out);
  shown_ = lines;
  terms_ = terms;
}

void Live::end() {
  if (std::exchange(ended_, true)) return;
  const TerminalTerms terms = terminal_.terms();
  if (terms_.columns != 0 || !waiting_.empty()) draw({}, terms);
  terminal_.settle(clock_, std::chrono::seconds(1));
}

}  // namespace gameday
