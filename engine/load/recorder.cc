#include "engine/load/recorder.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/load/request_mix.h"

namespace gameday {
namespace {

constexpr Duration kWindow = std::chrono::seconds(1);

}  // namespace

Recorder::Recorder(RecorderTerms terms) : terms_(std::move(terms)), next_from_(terms_.started) {}

void Recorder::due(Instant due) { ++window_of(due).count.due; }

Status Recorder::ended(const Sample& sample) {
  Window& window = window_of(sample.due);
  ++window.ended;
  WindowCount& count = window.count;
  count.sent += sample.outcome != SampleOutcome::not_sent;
  count.ok += sample.good();
  count.errors += !sample.good();
  count.response.add(sample.latency());
  count.service.add(sample.end - sample.sent);
  count.send_lag.add(sample.send_lag());
  if (terms_.each_sample) terms_.each_sample(sample);
  if (terms_.keeps_samples) samples_.push_back(sample);
  if (terms_.ledger == nullptr || !terms_.pattern->mix().writes(sample.seq)) return {};
  const WriteNames names = terms_.pattern->names(sample.seq);
  return terms_.ledger->write(sample, names.key, names.digest);
}

void Recorder::settle(Instant next_due) {
  while (next_from_ + kWindow <= next_due) {
    window_of(next_from_);
    if (open_.front().ended < open_.front().count.due) return;
    give_out_first();
  }
}

void Recorder::settle_all() {
  while (!open_.empty()) give_out_first();
}

std::vector<Sample> Recorder::take_samples() {
  std::vector<Sample> all(samples_.begin(), samples_.end());
  samples_.clear();
  std::ranges::sort(all, {},
                    [](const Sample& sample) { return std::pair(sample.due, sample.seq); });
  return all;
}

Recorder::Window& Recorder::window_of(Instant due) {
  GD_ASSERT(due >= next_from_);
  const auto number = static_cast<std::size_t>((due - next_from_) / kWindow);
  while (open_.size() <= number) {
    Window window;
    window.count.from = next_from_ + kWindow * open_.size();
    open_.push_back(std::move(window));
  }
  return open_[number];
}

void Recorder::give_out_first() {
  WindowCount& count = open_.front().count;
  count.p50_s = seconds(count.response.quantile(0.5));
  count.p99_s = seconds(count.response.quantile(0.99));
  const Duration lag = count.send_lag.quantile(0.99);
  count.send_lag_p99_s = seconds(lag);
  const Duration since = count.from - terms_.started;
  count.marked = lag > longest_send_lag(terms_.rate.highest(since, since + kWindow));
  if (terms_.each_window) terms_.each_window(count);
  open_.pop_front();
  next_from_ += kWindow;
}

}  // namespace gameday
