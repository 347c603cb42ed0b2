#include "cli/load_live.h"

#include <algorithm>

#include "cli/say.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr Duration kSecond = std::chrono::seconds(1);
constexpr std::uint64_t kTellEvery = 10;  // seconds
constexpr std::size_t kKept = 60;
constexpr int kPlain = 200;  // columns of a line in a log
constexpr std::string_view kWhole = "\r\x1b[K";

std::string counted(std::uint64_t count) { return shown_count(static_cast<std::int64_t>(count)); }

}  // namespace

std::string load_line(const LoadSeen& seen, const TerminalTerms& terms) {
  Line line(terms);
  std::string passed = "load " + fixed(seen.passed_s, 0);
  if (seen.length_s > 0) passed += " of " + fixed(seen.length_s, 0);
  line.add(passed + " s  ", Ink::strong);
  line.add(counted(seen.last_sent) + "/s  ");
  const std::string most = seen.most > 0 ? " of " + counted(seen.most) : "";
  line.add("ok " + counted(seen.ok) + most + "  ", Ink::good);
  line.add("errors " + counted(seen.errors) + "  ", seen.errors > 0 ? Ink::bad : Ink::plain);
  if (seen.marked) line.add("WE ARE LATE  ", Ink::warn);
  line.add("p50 " + shown_seconds(seen.p50_s) + "  p99 " + shown_seconds(seen.p99_s) + "  ");
  if (seen.p99s.empty() || line.left() < 2) return line.text();
  const auto room = std::min(seen.p99s.size(), static_cast<std::size_t>(line.left()));
  const std::vector<double> newest(seen.p99s.end() - static_cast<std::ptrdiff_t>(room),
                                   seen.p99s.end());
  const double high = *std::ranges::max_element(newest);
  return line.add(sparkline(newest, 0, high, terms.unicode), Ink::dim).text();
}

LoadLive::LoadLive(const BareTerms& terms, const Clock& clock, bool quiet)
    : clock_(clock), quiet_(quiet) {
  if (!quiet) terminal_ = Terminal::of_standard_error();
  seen_.length_s = seconds(terms.length);
  seen_.most = terms.length > Duration::zero() ? 0 : terms.most;
}

void LoadLive::see(const WindowCount& second) {
  if (!began_) began_ = second.from;
  seen_.passed_s = seconds(second.from + kSecond - *began_);
  if (seen_.length_s > 0) seen_.passed_s = std::min(seen_.passed_s, seen_.length_s);
  seen_.due += second.due;
  seen_.ok += second.ok;
  seen_.errors += second.errors;
  seen_.last_sent = second.sent;
  seen_.p50_s = second.p50_s;
  seen_.p99_s = second.p99_s;
  seen_.marked = second.marked;
  seen_.p99s.push_back(second.due > 0 ? second.p99_s : -1);
  if (seen_.p99s.size() > kKept) seen_.p99s.erase(seen_.p99s.begin());
  if (quiet_) return;
  if (terminal_) {
    if (terminal_->taken()) {
      terminal_->write(std::string(kWhole) + load_line(seen_, terminal_->terms()));
    }
    return;
  }
  const auto passed = static_cast<std::uint64_t>(seen_.passed_s);
  if (passed < told_ + kTellEvery) return;
  told_ = passed;
  TerminalTerms plain{kPlain, 1, false, false};
  LoadSeen without = seen_;
  without.p99s.clear();
  say(load_line(without, plain));
}

void LoadLive::end() {
  if (!terminal_) return;
  terminal_->write(kWhole);
  terminal_->settle(clock_, kSecond);
  terminal_.reset();
}

}  // namespace gameday
