// Keeps what a load saw: each sample, its line in the ledger, and per second three histograms. It
// judges nothing but whether we were late ourselves.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "engine/base/rate_curve.h"
#include "engine/load/load.h"
#include "engine/load/request_pattern.h"

namespace gameday {

struct RecorderTerms {
  Instant started;
  RateCurve rate = 1;
  LedgerFile* ledger = nullptr;             // none: no lines
  const RequestPattern* pattern = nullptr;  // names keys and digests for the ledger
  std::function<void(const WindowCount&)> each_window;
  bool keeps_samples = true;  // false: windows are all that is wanted
  std::function<void(const Sample&)> each_sample = {};
};

// Of one thread.
class Recorder {
 public:
  explicit Recorder(RecorderTerms terms);

  void due(Instant due);  // one more request, of which `ended` will tell later
  [[nodiscard]] Status ended(const Sample& sample);
  // Everything due before `next_due` has been told. Gives out the windows that are complete.
  void settle(Instant next_due);
  void settle_all();  // the last window too; nothing comes after

  [[nodiscard]] std::vector<Sample> take_samples();  // as they were due; none where not kept

 private:
  struct Window {
    WindowCount count;
    std::uint64_t ended = 0;
  };
  Window& window_of(Instant due);
  void give_out_first();

  RecorderTerms terms_;
  std::deque<Window> open_;  // without gaps; the first one begins at `next_from_`
  Instant next_from_;
  std::deque<Sample> samples_;  // in order of their ends; grows without moving what is there
};

}  // namespace gameday
