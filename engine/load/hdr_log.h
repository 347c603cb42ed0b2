// Latencies as HdrHistogram's log (version 1.3, V2 compressed histograms), which its tools of any
// language read, merge and draw. Our buckets are those of its histograms with two significant
// digits, so that nothing is lost: values are nanoseconds.
#pragma once

#include <string>

#include "engine/load/histogram.h"

namespace gameday {

// What a line of the log has in it: compressed, in base64.
[[nodiscard]] std::string hdr_encoded(const Histogram& histogram);

// Pure: text to be written to a file.
class HdrLog {
 public:
  explicit HdrLog(Utc started);
  // `from` since the start. A tag keeps an interval apart from those without: tools leave it out
  // unless they are asked for it. No comma or blank in it.
  void add(Duration from, Duration length, const Histogram& histogram, std::string_view tag = "");
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace gameday
