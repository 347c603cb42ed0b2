// The ledger of acknowledged writes: on our own disk, outside the blast radius. Key and digest are
// made here before a request is sent; blocks of intents are durable ahead of their due time, so
// that whatever dies, no acknowledgement is forgotten and no phantom is taken for ours.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/load/sample.h"
#include "engine/load/summary.h"
#include "engine/sys/files.h"

namespace gameday {

// "DRILL-LOAD-000123" and the digest that proves a row is the one we sent: 32 hexadecimal digits of
// sha256(key, seed).
[[nodiscard]] std::string ledger_key(std::string_view drill, std::string_view load,
                                     std::uint64_t seq);
[[nodiscard]] std::string ledger_digest(std::string_view key, std::uint64_t seed);

// ledger.jsonl, one object a line:
//   {"type":"ledger","drill","load","seed","rate","timeout_s","started":UTC,"boot_ns":N}
//   {"type":"intent","from":0,"to":199}                          durable before any of them is sent
//   {"type":"write","seq","key","digest","due":UTC,"sent":UTC,"completed":UTC,
//    "due_ns","sent_ns","end_ns","outcome":"ok|refused|unknown|not_sent","status":201}
//   {"type":"read","key","class":"present|lost|recovered|absent_unknown|phantom|resurrected|
//    duplicate|corrupt|stale"}                                   only what is not plainly present
//   {"type":"end","writes":N}
class LedgerFile {
 public:
  virtual ~LedgerFile() = default;
  [[nodiscard]] virtual Status intend(std::uint64_t from, std::uint64_t to) = 0;  // fsynced
  [[nodiscard]] virtual Status write(const Sample& sample, std::string_view key,
                                     std::string_view digest) = 0;  // buffered
  [[nodiscard]] virtual Status note(const Json& line) = 0;
  [[nodiscard]] virtual Status sync() = 0;               // at least every second
  [[nodiscard]] virtual std::string digest() const = 0;  // sha256 of all bytes so far
};

// What was read back after the restore: rows by key with how often it stood there, and its digest.
struct ReadRow {
  std::string key;
  std::string digest;
};
struct ReadBack {
  std::vector<ReadRow> listed;  // every row of `list`, doubles too
  bool has_list = false;
  std::map<std::string, std::vector<std::string>> by_key;  // key -> digests found; empty: not there
};

struct LedgerTerms {
  std::string load;
  std::string drill;
  std::uint64_t seed = 0;
  double rate = 0;
  Instant load_started;
  // D of the RPO: when the restored copy took over, or else when the fault was proven.
  std::optional<Instant> disaster;
  bool restored = false;
  // After cleanup was asked to delete (resurrected): usually none.
  std::vector<std::string> deleted;
};
// Classifies each write; pure. A line per finding is given to `each`, for the ledger file.
[[nodiscard]] LedgerSummary classify(
    std::span<const Sample> samples, const ReadBack& read, const LedgerTerms& terms,
    const std::function<void(std::string_view key, std::string_view found)>& each);

}  // namespace gameday
