#include "engine/sys/time_offsets.h"

#include <chrono>
#include <fstream>

namespace gameday {
namespace {

// The nanoseconds are never negative: -1.5 s is -2 s and 500,000,000 ns.
std::string line_of(const char* clock, Duration offset) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(offset);
  return std::string(clock) + " " + std::to_string(whole.count()) + " " +
         std::to_string(
             std::chrono::duration_cast<std::chrono::nanoseconds>(offset - whole).count()) +
         "\n";
}

}  // namespace

Result<TimeOffsets> time_offsets_of(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream file(folder + "/timens_offsets");
  if (!file) {
    const bool there = std::ifstream(folder + "/stat").good();
    if (!there) return fail(ErrorCode::not_found, "there is no process " + std::to_string(pid));
    return fail(ErrorCode::unsupported, "this kernel has no time namespaces");
  }
  TimeOffsets found;
  std::string clock;
  std::int64_t whole = 0, rest = 0;
  int clocks = 0;
  while (file >> clock >> whole >> rest) {
    const Duration offset = std::chrono::duration_cast<Duration>(std::chrono::seconds(whole) +
                                                                 std::chrono::nanoseconds(rest));
    if (clock == "monotonic") found.monotonic = offset;
    if (clock == "boottime") found.boottime = offset;
    ++clocks;
  }
  if (clocks == 2) return found;
  return fail(ErrorCode::not_found, "process " + std::to_string(pid) + " ended");
}

std::string text_of(const TimeOffsets& offsets) {
  return line_of("monotonic", offsets.monotonic) + line_of("boottime", offsets.boottime);
}

}  // namespace gameday
