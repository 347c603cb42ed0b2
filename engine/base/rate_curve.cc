#include "engine/base/rate_curve.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/assert.h"

namespace gameday {
namespace {

constexpr Duration kWithoutEnd = Duration::max();
constexpr long double kSecond = 1e9L;  // in nanoseconds
constexpr long double kTurn = 2 * std::numbers::pi_v<long double>;

long double in_seconds(Duration d) { return static_cast<long double>(d.count()) / kSecond; }

// All of `at` since the stage's start, in seconds.
long double rate_in(const RateStage& stage, long double at) {
  long double rate = stage.from;
  if (stage.to != stage.from) rate += (stage.to - stage.from) * at / in_seconds(stage.length);
  if (stage.swing > 0) rate += stage.swing * std::sin(kTurn * at / in_seconds(stage.period));
  return rate;
}

long double count_in(const RateStage& stage, long double at) {
  long double count = stage.from * at;
  if (stage.to != stage.from) {
    count += (stage.to - stage.from) * at * at / (2 * in_seconds(stage.length));
  }
  if (stage.swing > 0) {
    const long double period = in_seconds(stage.period);
    count += stage.swing * period / kTurn * (1 - std::cos(kTurn * at / period));
  }
  return count;
}

// Newton's way, and by halves where that would lead out of what is known to hold the answer. The
// rate is over 0, so there is one answer.
long double when_of_sine(const RateStage& stage, long double count, long double most) {
  constexpr long double kNear = 1e-11L;  // seconds
  constexpr int kMostSteps = 200;
  long double low = 0, high = most;
  long double at = std::min(count / stage.from, most);
  for (int i = 0; i < kMostSteps; ++i) {
    const long double over = count_in(stage, at) - count;
    (over > 0 ? high : low) = at;
    long double next = at - over / rate_in(stage, at);
    if (next < low || next > high) next = (low + high) / 2;
    if (std::abs(next - at) < kNear) return next;
    at = next;
  }
  return at;
}

// In nanoseconds. Multiplied before it is divided: what comes out even stays so.
long double when_in(const RateStage& stage, long double count) {
  if (stage.swing > 0) return when_of_sine(stage, count, in_seconds(stage.length)) * kSecond;
  if (stage.to == stage.from) return count * kSecond / stage.from;
  const long double from = stage.from;
  const long double slope = (stage.to - from) / in_seconds(stage.length);
  // The root in the form that does not take like from like.
  return 2 * count * kSecond / (from + std::sqrt(std::max(0.0L, from * from + 2 * slope * count)));
}

// Where a sine stands highest or lowest between the two, if it does there.
void add_turn(const RateStage& stage, bool top, long double from, long double to,
              std::vector<double>& found) {
  if (stage.swing == 0) return;
  const long double period = in_seconds(stage.period);
  const long double first = (top ? 0.25L : 0.75L) * period;
  const long double turns = std::max(0.0L, std::ceil((from - first) / period));
  if (first + turns * period > to) return;
  found.push_back(stage.from + (top ? stage.swing : -stage.swing));
}

}  // namespace

RateCurve::RateCurve(double rate)
    : pieces_{{{.from = rate, .to = rate, .length = kWithoutEnd}, {}, 0}} {
  GD_ASSERT(rate > 0);
}

RateCurve::RateCurve(const std::vector<RateStage>& stages) {
  GD_ASSERT(!stages.empty());
  for (const RateStage& stage : stages) append(stage);
  const RateStage& last = stages.back();
  const auto rate = static_cast<double>(rate_in(last, in_seconds(last.length)));
  append({.from = rate, .to = rate, .length = kWithoutEnd});
}

void RateCurve::append(const RateStage& stage) {
  GD_ASSERT(stage.from > stage.swing && stage.to > stage.swing && stage.length > Duration{});
  Piece piece{stage};
  if (!pieces_.empty()) {
    const Piece& last = pieces_.back();
    piece.start = last.start + last.stage.length;
    piece.before = last.before + count_in(last.stage, in_seconds(last.stage.length));
  }
  pieces_.push_back(piece);
}

const RateCurve::Piece& RateCurve::piece_at(Duration since) const {
  const auto after = std::ranges::upper_bound(pieces_, since, {}, &Piece::start);
  return after == pieces_.begin() ? pieces_.front() : *std::prev(after);
}

double RateCurve::at(Duration since) const {
  const Piece& piece = piece_at(since);
  const Duration inside = std::max(Duration{}, since - piece.start);
  return static_cast<double>(rate_in(piece.stage, in_seconds(inside)));
}

long double RateCurve::count(Duration since) const {
  const Piece& piece = piece_at(since);
  const Duration inside = std::max(Duration{}, since - piece.start);
  return piece.before + count_in(piece.stage, in_seconds(inside));
}

Duration RateCurve::when(long double count) const {
  const auto after = std::ranges::upper_bound(pieces_, count, {}, &Piece::before);
  const Piece& piece = after == pieces_.begin() ? pieces_.front() : *std::prev(after);
  const long double inside = when_in(piece.stage, std::max(0.0L, count - piece.before));
  // Rounding may not lead into the next stage.
  return piece.start + std::min(Duration(static_cast<Duration::rep>(inside)), piece.stage.length);
}

// From `from` up to but without `to`; the moment `from`, where they are the same.
std::vector<double> RateCurve::extremes(Duration from, Duration to) const {
  std::vector<double> found;
  from = std::max(Duration{}, from);
  to = std::max(from, to - Duration(1));
  for (const Piece& piece : pieces_) {
    const RateStage& stage = piece.stage;
    const bool over = stage.length != kWithoutEnd && piece.start + stage.length <= from;
    if (piece.start > to || over) continue;
    const long double first = in_seconds(std::max(Duration{}, from - piece.start));
    const long double last = in_seconds(std::min(stage.length, to - piece.start));
    found.push_back(static_cast<double>(rate_in(stage, first)));
    found.push_back(static_cast<double>(rate_in(stage, last)));
    add_turn(stage, true, first, last, found);
    add_turn(stage, false, first, last, found);
  }
  return found;
}

double RateCurve::highest(Duration from, Duration to) const {
  return std::ranges::max(extremes(from, to));
}

double RateCurve::lowest(Duration from, Duration to) const {
  return std::ranges::min(extremes(from, to));
}

double RateCurve::highest() const { return highest({}, pieces_.back().start + Duration(1)); }

double RateCurve::lowest() const { return lowest({}, pieces_.back().start + Duration(1)); }

RateCurve RateCurve::scaled(double factor) const {
  if (pieces_.size() == 1) return pieces_.front().stage.from * factor;
  std::vector<RateStage> stages;
  for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
    RateStage stage = pieces_[i].stage;
    stage.from *= factor;
    stage.to *= factor;
    stage.swing *= factor;
    stages.push_back(stage);
  }
  return RateCurve(stages);
}

}  // namespace gameday
