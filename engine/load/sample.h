// One request of a load, as the client saw it. All judgements about clients are functions of these.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.h"

namespace gameday {

enum class SampleOutcome : std::uint8_t {
  ok,        // answered as expected: an acknowledged write
  refused,   // answered otherwise: definitely not done (status 4xx), or an error status
  unknown,   // timed out or cut off after sending: it may have been done
  not_sent,  // could not be sent (no connection): definitely not done
  wrong      // answered with an expected status, but not as expected: it may have been done
};

struct Sample {
  std::uint64_t seq = 0;  // its place in the schedule, from 0
  Instant due;
  // When we put it on its way: its bytes, or the attempt to connect, which is the system's to
  // answer. Equal to `end` where we never got to it, which is our own lateness.
  Instant sent;
  Instant end;  // when it was answered, failed, or given up at the load's timeout
  SampleOutcome outcome = SampleOutcome::not_sent;
  std::int16_t status = 0;   // HTTP status, 0 for none
  std::uint16_t failed = 0;  // the check of the answer that it failed (answer_checks.h); 0: none
  [[nodiscard]] bool good() const { return outcome == SampleOutcome::ok; }
  [[nodiscard]] Duration latency() const { return end - due; }
  [[nodiscard]] Duration send_lag() const { return sent - due; }
};

// Why requests had no answer, and how many.
struct Unanswered {
  std::string why;  // "connecting: Connection refused"
  std::uint64_t requests = 0;
};

// "ok", "refused", "unknown", "not_sent", "wrong".
[[nodiscard]] constexpr const char* name_of(SampleOutcome outcome) {
  switch (outcome) {
    case SampleOutcome::ok: return "ok";
    case SampleOutcome::refused: return "refused";
    case SampleOutcome::unknown: return "unknown";
    case SampleOutcome::not_sent: return "not_sent";
    case SampleOutcome::wrong: return "wrong";
  }
  return "";
}

}  // namespace gameday
