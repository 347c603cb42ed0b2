#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "engine/load/ledger.h"
#include "engine/load/recovery_point.h"

namespace gameday {
namespace {

constexpr std::uint64_t kMostExamples = 20;  // of each class

struct Found {
  bool known = false;  // it was read to an answer
  std::size_t rows = 0;
  std::vector<std::string> digests;  // those that were shown
};

class Rows {
 public:
  explicit Rows(const ReadBack& read) : read_(read) {
    for (const ReadRow& row : read.listed) listed_[row.key].push_back(row.digest);
  }

  [[nodiscard]] Found of(const std::string& key) const {
    Found found;
    if (const auto listed = listed_.find(key); listed != listed_.end()) {
      found.known = true;
      found.rows = listed->second.size();
      for (const auto& digest : listed->second) {
        if (!digest.empty()) found.digests.push_back(digest);
      }
    }
    if (const auto read = read_.by_key.find(key); read != read_.by_key.end()) {
      // Whoever asks for the key itself is answered by it; a list may be old or cut short.
      found.known = true;
      found.rows = read->second.empty() ? 0 : std::max(found.rows, read->second.size());
      found.digests.insert(found.digests.end(), read->second.begin(), read->second.end());
    }
    return found;
  }

 private:
  const ReadBack& read_;
  std::unordered_map<std::string, std::vector<std::string>> listed_;
};

class Classifier {
 public:
  Classifier(std::span<const Sample> samples, const ReadBack& read, const LedgerTerms& terms,
             const std::function<void(std::string_view, std::string_view)>& each)
      : samples_(samples),
        read_(read),
        terms_(terms),
        each_(each),
        rows_(read),
        deleted_(terms.deleted.begin(), terms.deleted.end()) {}

  LedgerSummary summary() {
    summary_.load = terms_.load;
    if (read_.has_list) summary_.phantom = 0;
    if (read_.has_list) summary_.resurrected = 0;
    for (const Sample& sample : samples_) judge(sample);
    judge_listed();
    summary_.read_back = unread_ == 0;
    if (unread_ > 0) {
      summary_.problem =
          std::to_string(unread_) + " keys were not read back, the first is " + first_unread_;
    }
    const auto best = recovery_point(best_, terms_.load_started, terms_.disaster);
    const auto worst = recovery_point(std::move(worst_), terms_.load_started, terms_.disaster);
    summary_.rpo_s.best = best.rpo_s;
    summary_.rpo_s.worst = worst.rpo_s;
    summary_.rpo_s.hole = best.hole_s;
    summary_.rpo_s.resolution = resolution(worst.rpo_s);
    return std::move(summary_);
  }

 private:
  // The time between two writes, where they were due the least often in what is lost.
  [[nodiscard]] double resolution(double lost_s) const {
    if (!terms_.rate) return 0;
    const Instant last = samples_.empty() ? terms_.load_started : samples_.back().due;
    const Duration until = terms_.disaster.value_or(last) - terms_.load_started;
    return 1 / terms_.rate->lowest(until - from_seconds(lost_s), until);
  }

  void judge(const Sample& sample) {
    const std::string key = ledger_key(terms_.drill, terms_.load, sample.seq);
    const bool acknowledged = sample.outcome == SampleOutcome::ok;
    const bool unknown = sample.outcome == SampleOutcome::unknown;
    summary_.acknowledged += acknowledged;
    summary_.unknown += unknown;
    const Found found = rows_.of(key);
    if (!found.known && !read_.has_list && !acknowledged && !unknown) return;
    if (!found.known && (acknowledged || unknown)) {
      if (unread_++ == 0) first_unread_ = key;
      return;
    }
    if (deleted_.contains(key)) {
      // By our own wish it should be gone: its absence is no loss.
      if (found.rows > 0 && summary_.resurrected) count(*summary_.resurrected, key, "resurrected");
      return;
    }
    const bool gone = judge_content(sample, key, found);
    if (acknowledged) best_.push_back({sample.end, gone});
    if (acknowledged || (unknown && found.rows == 0)) {
      worst_.push_back({sample.end, gone || found.rows == 0});
    }
  }

  // Whether it is lost or stale.
  bool judge_content(const Sample& sample, const std::string& key, const Found& found) {
    const bool acknowledged = sample.outcome == SampleOutcome::ok;
    if (found.rows == 0) {
      if (acknowledged) count(summary_.lost, key, "lost");
      if (sample.outcome == SampleOutcome::unknown) {
        ++summary_.absent_unknown;
        told(key, "absent_unknown");
      }
      return acknowledged;
    }
    const std::string right = ledger_digest(key, terms_.seed);
    const auto wrong = std::ranges::find_if(found.digests, [&](auto& d) { return d != right; });
    // A row without a digest that can be read proves nothing of its content.
    if (wrong != found.digests.end() || found.digests.empty()) {
      const bool stale = wrong != found.digests.end() && of_earlier(*wrong, sample.seq);
      count(stale ? summary_.stale : summary_.corrupt, key, stale ? "stale" : "corrupt");
      return stale;
    }
    if (found.rows > 1) {
      count(summary_.duplicate, key, "duplicate");
    } else if (acknowledged) {
      ++summary_.present;
    } else {
      ++summary_.recovered;
      told(key, "recovered");
    }
    return false;
  }

  // Rows of writes that are in no sample.
  void judge_listed() {
    if (!read_.has_list) return;
    std::unordered_set<std::string> written, judged;
    for (const Sample& s : samples_) written.insert(ledger_key(terms_.drill, terms_.load, s.seq));
    for (const ReadRow& row : read_.listed) {
      if (written.contains(row.key) || !ours(row.key) || !judged.insert(row.key).second) continue;
      if (intended(row.key)) {
        ++summary_.recovered;
        told(row.key, "recovered");
      } else {
        count(*summary_.phantom, row.key, "phantom");
      }
    }
  }

  // Of this drill and load: a load "a-b" beside a load "a" is another one.
  [[nodiscard]] bool ours(std::string_view key) const {
    const std::string prefix = terms_.drill + "-" + terms_.load + "-";
    return key.starts_with(prefix) && key.find('-', prefix.size()) == std::string_view::npos;
  }

  [[nodiscard]] bool intended(const std::string& key) const {
    const std::string digits = key.substr(key.rfind('-') + 1);
    constexpr std::size_t kMostDigits = 18;
    if (digits.empty() || digits.size() > kMostDigits) return false;
    if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
    const std::uint64_t seq = std::stoull(digits);
    return seq < terms_.intended && key == ledger_key(terms_.drill, terms_.load, seq);
  }

  [[nodiscard]] bool of_earlier(const std::string& digest, std::uint64_t seq) {
    if (seq_of_.empty()) {
      for (const Sample& s : samples_) {
        seq_of_[ledger_digest(ledger_key(terms_.drill, terms_.load, s.seq), terms_.seed)] = s.seq;
      }
    }
    const auto found = seq_of_.find(digest);
    return found != seq_of_.end() && found->second < seq;
  }

  void count(std::uint64_t& counter, const std::string& key, const char* name) {
    if (++counter <= kMostExamples) summary_.examples.push_back(std::string(name) + " " + key);
    told(key, name);
  }
  void told(const std::string& key, const char* name) {
    if (each_) each_(key, name);
  }

  std::span<const Sample> samples_;
  const ReadBack& read_;
  const LedgerTerms& terms_;
  const std::function<void(std::string_view, std::string_view)>& each_;
  Rows rows_;
  std::unordered_set<std::string> deleted_;
  std::unordered_map<std::string, std::uint64_t> seq_of_;  // digest -> seq, made when needed
  std::vector<Completion> best_, worst_;
  std::uint64_t unread_ = 0;
  std::string first_unread_;
  LedgerSummary summary_;
};

}  // namespace

LedgerSummary classify(
    std::span<const Sample> samples, const ReadBack& read, const LedgerTerms& terms,
    const std::function<void(std::string_view key, std::string_view found)>& each) {
  return Classifier(samples, read, terms, each).summary();
}

}  // namespace gameday
