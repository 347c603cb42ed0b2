#include "engine/load/hdr_log.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "engine/base/assert.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr std::uint32_t kCookie = 0x1c849313;            // an encoded histogram, V2
constexpr std::uint32_t kCompressedCookie = 0x1c849314;  // the same, compressed
constexpr std::uint32_t kDigits = 2;
constexpr std::uint64_t kHour = 3'600'000'000'000;
constexpr std::size_t kLongestBlock = 65'535;  // that can be stored; all buckets are less

template <class Number>
void put(std::string& out, Number number) {
  for (int shift = static_cast<int>(sizeof number) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((number >> shift) & 0xffu);
  }
}

// ZigZag, then seven bits a byte, the lowest first. (A ninth byte would have eight: of 2^55.)
void put_count(std::string& out, std::int64_t count) {
  const std::uint64_t sign = count < 0 ? ~std::uint64_t{0} : 0;
  std::uint64_t left = (static_cast<std::uint64_t>(count) << 1) ^ sign;
  for (; left >= 0x80; left >>= 7) out += static_cast<char>((left & 0x7f) | 0x80);
  out += static_cast<char>(left);
}

// The counts up to the last one that is not zero; of zeros in a row, how many.
std::string counts_of(const Histogram& histogram) {
  std::string out;
  std::int64_t next = 0;
  const auto zeros = [&](std::int64_t count) {
    if (count > 0) put_count(out, count == 1 ? 0 : -count);
  };
  const Json json = histogram.to_json();
  for (const Json& pair : json.items("buckets")) {
    const std::int64_t bucket = pair.items()[0].integer();
    zeros(bucket - next);
    put_count(out, pair.items()[1].integer());
    next = bucket + 1;
  }
  return out;
}

// The zlib format (RFC 1950) in one block that is stored: a second is some hundred bytes, most of
// them runs that nothing compresses any more, and so no library is needed for it.
std::string stored(std::string_view bytes) {
  GD_ASSERT(bytes.size() <= kLongestBlock);
  std::uint32_t a = 1, b = 0;
  for (const char c : bytes) {
    a = (a + static_cast<unsigned char>(c)) % 65'521;
    b = (b + a) % 65'521;
  }
  std::string out = "\x78\x01\x01";
  const auto length = static_cast<unsigned>(bytes.size());
  for (const unsigned value : {length, ~length}) {
    out += static_cast<char>(value & 0xffu);
    out += static_cast<char>((value >> 8) & 0xffu);
  }
  out += bytes;
  put(out, b << 16 | a);
  return out;
}

std::string fixed_to(int digits, double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

std::string hdr_encoded(const Histogram& histogram) {
  const std::string counts = counts_of(histogram);
  std::string bytes;
  put(bytes, kCookie);
  put(bytes, static_cast<std::uint32_t>(counts.size()));
  put(bytes, std::uint32_t{0});  // no shift of the counts
  put(bytes, kDigits);
  put(bytes, std::uint64_t{1});  // the lowest value that is told from zero: a nanosecond
  const auto max = static_cast<std::uint64_t>(histogram.max().count());
  put(bytes, std::max(kHour, std::bit_ceil(max + 1)));
  put(bytes, std::bit_cast<std::uint64_t>(1.0));  // a value is that many of its unit
  bytes += counts;
  const std::string compressed = stored(bytes);
  std::string out;
  put(out, kCompressedCookie);
  put(out, static_cast<std::uint32_t>(compressed.size()));
  return base64(out + compressed);
}

HdrLog::HdrLog(Utc started) {
  const double since = seconds(started.time_since_epoch());
  text_ =
      "#[Histogram log format version 1.3]\n#[StartTime: " + fixed_to(3, since) +
      " (seconds since epoch), " + rfc3339(started) +
      "]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
}

// The longest value is in milliseconds, as the format wants it where values are nanoseconds.
void HdrLog::add(Duration from, Duration length, const Histogram& histogram, std::string_view tag) {
  if (!tag.empty()) text_ += "Tag=" + std::string(tag) + ",";
  text_ += fixed_to(3, seconds(from)) + "," + fixed_to(3, seconds(length)) + "," +
           fixed_to(3, seconds(histogram.max()) * 1000) + "," + hdr_encoded(histogram) + "\n";
}

}  // namespace gameday
