// What HdrHistogram's own reader makes of these bytes was recorded: hdrhistogram 0.10.8 of PyPI, by
// HistogramLogReader and get_recorded_iterator, in November 2026.
#include "engine/load/hdr_log.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// It read: 1009 values; 1 each at 0, 1 and 255; 2 at 257; 2 at 1003; 143 each at 250879, 251903,
// 252927, 253951, 254975 and 255999; 142 at 257023; 1 each at 123731967 and 7215545057279.
constexpr const char* kRecorded =
    "HISTFAAAAFJ4AQFHALj/HISTEwAAAB8AAAAAAAAAAgAAAAAAAAABAAAIAAAAAAA/"
    "8AAAAAAAAAIC+QMCBPEDBPEPngKeAp4C"
    "ngKeAp4CnALfEQLJHwIg8QvY";
// And of this one: no value.
constexpr const char* kRecordedEmpty =
    "HISTFAAAADN4AQEoANf/HISTEwAAAAAAAAAAAAAAAgAAAAAAAAABAAADRjC4oAA/8AAAAAAAAE4gBEo=";

Histogram recorded() {
  Histogram made;
  for (const std::int64_t value :
       {0LL, 1LL, 255LL, 256LL, 257LL, 1000LL, 1000LL, 123'456'789LL, 7'200'000'000'000LL}) {
    made.add(Duration(value));
  }
  for (int i = 0; i < 1000; ++i) made.add(microseconds(250 + i % 7));
  return made;
}

TEST(HdrLogTest, AHistogramIsAsItsOwnReaderHasReadIt) {
  EXPECT_EQ(hdr_encoded(recorded()), kRecorded);
  EXPECT_EQ(hdr_encoded(Histogram()), kRecordedEmpty);
}

TEST(HdrLogTest, EachIntervalIsALineWithItsTime) {
  HdrLog log(Utc(std::chrono::milliseconds(1'700'000'000'123)));
  log.add({}, seconds(1), recorded());
  log.add(seconds(1), seconds(1), Histogram(), "late");
  EXPECT_EQ(log.text(),
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: 1700000000.123 (seconds since epoch), 2023-11-14T22:13:20.123000Z]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"\n"
            "0.000,1.000,7200000.000," +
                std::string(kRecorded) + "\nTag=late,1.000,1.000,0.000," + kRecordedEmpty + "\n");
}

}  // namespace
}  // namespace gameday
