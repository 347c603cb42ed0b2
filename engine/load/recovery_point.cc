#include "engine/load/recovery_point.h"

#include <algorithm>

namespace gameday {
namespace {

using Writes = std::vector<Completion>;

// The last acknowledgement before the disaster; if something acknowledged later is gone, the last
// acknowledgement of a write that is gone.
Instant end_of_loss(const Writes& ordered, std::optional<Instant> disaster) {
  Instant last_before = Instant::min();
  Instant last_gone = Instant::min();
  for (const Completion& write : ordered) {
    if (disaster && write.end < *disaster) last_before = write.end;
    if (write.gone) last_gone = write.end;
  }
  const bool gone_later = !disaster || last_gone >= *disaster;
  return gone_later ? last_gone : last_before;
}

// From the acknowledgement before the first that is gone to the last that is gone before the newest
// survivor up to `until`.
double hole(const Writes& ordered, Instant prefix_end, Instant until) {
  std::optional<Instant> last_gone, closed;
  for (const Completion& write : ordered) {
    if (write.end > until) break;
    if (write.gone) last_gone = write.end;
    if (!write.gone && last_gone) closed = last_gone;
  }
  return closed ? seconds(*closed - prefix_end) : 0.0;
}

}  // namespace

RecoveryPoint recovery_point(Writes writes, Instant load_started, std::optional<Instant> disaster) {
  std::ranges::stable_sort(writes, {}, &Completion::end);
  const auto first_gone = std::ranges::find(writes, true, &Completion::gone);
  if (first_gone == writes.end()) return {};
  const Instant prefix_end =
      first_gone == writes.begin() ? load_started : std::prev(first_gone)->end;
  const Instant until = end_of_loss(writes, disaster);
  const double lost = std::max(0.0, seconds(until - prefix_end));
  return {lost, hole(writes, prefix_end, until)};
}

}  // namespace gameday
