#include "engine/base/time.h"

#include <algorithm>
#include <cstdio>

namespace gameday {
namespace {

using std::chrono::floor;

// The number written in text[from, from+length), or -1.
int digits(std::string_view text, std::size_t from, std::size_t length) {
  int value = 0;
  for (std::size_t i = from; i < from + length; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string rfc3339(Utc time) {
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<std::chrono::microseconds>(time - day));
  std::string text = "0000-00-00T00:00:00.000000Z";
  // By hand: each event of a journal carries one, and reading it back checks how it is written.
  const auto put = [&](std::size_t end, std::int64_t value) {
    for (; value > 0; value /= 10) text[--end] = static_cast<char>('0' + value % 10);
  };
  put(4, static_cast<int>(date.year()));
  put(7, static_cast<unsigned>(date.month()));
  put(10, static_cast<unsigned>(date.day()));
  put(13, clock.hours().count());
  put(16, clock.minutes().count());
  put(19, clock.seconds().count());
  put(26, clock.subseconds().count());
  return text;
}

Result<Utc> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto bad = [&] { return fail(ErrorCode::invalid, "not an RFC 3339 time"); };
  const int y = digits(text, 0, 4);
  const year_month_day date(year(std::max(y, 0)), month(static_cast<unsigned>(digits(text, 5, 2))),
                            day(static_cast<unsigned>(digits(text, 8, 2))));
  const int h = digits(text, 11, 2);
  const int m = digits(text, 14, 2);
  const int s = digits(text, 17, 2);
  // Nanoseconds in 64 bits reach from 1678 to 2261.
  if (y < 1700 || y > 2200) return bad();
  if (text.size() < 20 || !date.ok() || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60) {
    return bad();
  }
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return bad();
  }
  Utc time = sys_days(date) + hours(h) + minutes(m) + std::chrono::seconds(s);
  std::size_t at = 19;
  if (text[at] == '.') {
    Duration unit = 100ms;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) {
      time += unit * (text[at] - '0');
    }
  }
  if (text.substr(at) == "Z") return time;
  const int offset_h = digits(text, at + 1, 2);
  const int offset_m = digits(text, at + 4, 2);
  if (text.size() != at + 6 || offset_h < 0 || offset_m < 0 || text[at + 3] != ':') return bad();
  const Duration offset = hours(offset_h) + minutes(offset_m);
  if (text[at] == '+') return time - offset;
  if (text[at] == '-') return time + offset;
  return bad();
}

}  // namespace gameday
