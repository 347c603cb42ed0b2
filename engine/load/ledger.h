// The ledger of acknowledged writes: on our own disk, outside the blast radius. Key and digest are
// made here before a request is sent; blocks of intents are durable ahead of their due time, so
// that whatever dies, no acknowledgement is forgotten and no phantom is taken for ours.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/rate_curve.h"
#include "engine/base/result.h"
#include "engine/load/load_client.h"
#include "engine/load/sample.h"
#include "engine/load/summary.h"
#include "engine/sys/clock.h"

namespace gameday {

// "DRILL-LOAD-000123" (six digits at least) and the digest that proves a row is the one we sent:
// the first 32 hexadecimal digits of the sha256 of "KEY:SEED".
[[nodiscard]] std::string ledger_key(std::string_view drill, std::string_view load,
                                     std::uint64_t seq);
[[nodiscard]] std::string ledger_key_start(std::string_view drill, std::string_view load);
constexpr int kKeyDigits = 6;  // at least
[[nodiscard]] std::string ledger_digest(std::string_view key, std::uint64_t seed);

// ledger.jsonl, one object a line:
//   {"type":"ledger","drill","load","seed","rate","timeout_s","started":UTC,"boot_ns":N}
//   {"type":"intent","from":0,"to":199}                          durable before any of them is sent
//   {"type":"write","seq","key","digest","due":UTC,"sent":UTC,"completed":UTC,
//    "due_ns","sent_ns","end_ns","outcome":"ok|refused|unknown|not_sent|wrong","status":201}
//   {"type":"end","writes":N}                                    no write comes after it
//   {"type":"read","key","class":"lost|recovered|absent_unknown|phantom|resurrected|
//    duplicate|corrupt|stale"}                                   only what is not plainly present
// Every UTC in it is boot time plus the difference that the two clocks had at the start.
struct LedgerMark {  // what the file holds so far
  std::uint64_t bytes = 0;
  std::string digest;  // sha256 of them
};
// Thread-safe.
class LedgerFile {
 public:
  virtual ~LedgerFile() = default;
  [[nodiscard]] virtual Status intend(std::uint64_t from, std::uint64_t to) = 0;  // fsynced
  [[nodiscard]] virtual Status write(
      const Sample& sample, std::string_view key,
      std::string_view digest) = 0;                         // buffered, never waits for disk
  [[nodiscard]] virtual Status note(const Json& line) = 0;  // buffered too
  // At least every second. After a failure the file still ends with a whole line, and what could
  // not be written is kept for the next attempt.
  [[nodiscard]] virtual Status sync() = 0;
  [[nodiscard]] virtual std::string digest() const = 0;  // of what is in the file so far
  [[nodiscard]] virtual LedgerMark mark() const = 0;
};

struct LedgerHead {
  std::string drill;
  std::string load;
  std::uint64_t seed = 0;
  double rate = 0;  // the highest
  Duration timeout{};
  Now started;
};
// Creates the file, head line included, durably; `conflict` if it is already there.
[[nodiscard]] Result<std::unique_ptr<LedgerFile>> create_ledger_file(const std::string& path,
                                                                     const LedgerHead& head);

// What was read back after the restore: rows by key with how often it stood there, and its digest.
struct ReadBack {
  std::vector<ReadRow> listed;  // every row of `list`, doubles too
  bool has_list = false;
  // key -> digests found; empty: not there. Counts for more than the list does.
  std::map<std::string, std::vector<std::string>> by_key;
};

struct LedgerTerms {
  std::string load;
  std::string drill;
  std::uint64_t seed = 0;
  std::optional<RateCurve> rate;  // none: the resolution is told as 0
  Instant load_started;
  // When the restored copy took over, or else when the fault was proven. D of the RPO is the last
  // acknowledgement before it.
  std::optional<Instant> disaster;
  bool restored = false;
  // After cleanup was asked to delete (resurrected): usually none.
  std::vector<std::string> deleted;
  // One past the last intended write. A row of one that is in no sample (the runner died) counts
  // as recovered, not as phantom. 0: as many as there are samples.
  std::uint64_t intended = 0;
};

// Classifies each write, once, by the first of these that fits:
//   resurrected     deleted by us, and there           lost            acknowledged, not there
//   corrupt         there with a digest we never made  absent_unknown  unknown, not there
//   stale           there with the digest of an earlier write of this load
//   duplicate       there, more than once in the list
//   recovered       there, though not acknowledged
//   phantom         listed as of this drill and load, never intended
// All else that was acknowledged is present. Pure. `each` is given what is not plainly present, for
// the ledger file.
[[nodiscard]] LedgerSummary classify(
    std::span<const Sample> samples, const ReadBack& read, const LedgerTerms& terms,
    const std::function<void(std::string_view key, std::string_view found)>& each);

}  // namespace gameday
