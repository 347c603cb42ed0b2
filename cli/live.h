// Draws the live part of a drill at the bottom of what stands on a terminal, in place, at most ten
// times a second and with one write a frame; lines that stay scroll above it. Between two frames
// the cursor is shown, in an empty line below: whoever ends us, nothing has to be put back.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "cli/screen.h"
#include "cli/terminal.h"

namespace gameday {

class Live {
 public:
  Live(Terminal terminal, const Clock& clock) : terminal_(std::move(terminal)), clock_(clock) {}
  ~Live() { end(); }
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  // A line that stays, drawn with the next frame.
  void keep(std::string line, Ink ink);
  // Draws where it is time to and something has changed.
  void frame(const Drill& drill, const WatchedDrill& watched);
  // Is the terminal too small for a live part? Then only the lines that stay are drawn.
  [[nodiscard]] bool too_small() const { return too_small_; }
  // Takes the live part away and leaves the lines.
  void end();

 private:
  struct Kept {
    std::string text;
    Ink ink;
  };
  void draw(const std::vector<std::string>& lines, const TerminalTerms& terms);
  [[nodiscard]] std::string drawn(const Kept& kept, const TerminalTerms& terms) const;
  [[nodiscard]] std::string drawn_again(const TerminalTerms& terms, std::size_t live) const;

  Terminal terminal_;
  const Clock& clock_;
  Instant last_{};
  TerminalTerms terms_{0, 0, false, false};  // of the last frame
  std::vector<std::string> shown_;
  std::deque<Kept> waiting_;  // not drawn yet
  std::deque<Kept> kept_;     // the last ones, for a terminal that changes its size
  bool too_small_ = false;
  bool ended_ = false;
};

}  // namespace gameday
