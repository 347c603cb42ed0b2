#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "engine/base/text.h"
#include "engine/load/load.h"
#include "engine/load/request_pattern.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReaders = 4;
constexpr std::int64_t kLargestList = 256 << 20;
constexpr Duration kFirstPause = milliseconds(50);
constexpr Duration kLongestPause = std::chrono::seconds(1);
constexpr int kOk = 200, kNotFound = 404, kGone = 410;

// The array of objects in what a list answered: the document itself, or its only array.
const Json* rows_of(const Json& answer) {
  if (answer.is_array()) return &answer;
  if (!answer.is_object()) return nullptr;
  const Json* found = nullptr;
  for (const auto& [name, value] : answer.members()) {
    if (value.is_array() && found != nullptr) return nullptr;
    if (value.is_array()) found = &value;
  }
  return found;
}

std::string digest_in(const Json& row, const std::string& pointer) {
  const Json* digest = row.at_pointer(pointer);
  if (digest == nullptr) return "";
  return digest->is_text() ? digest->text() : digest->dump();
}

Result<std::vector<ReadRow>> listed_rows(const std::string& body, const std::string& pointer) {
  TRY(answer, Json::parse(body));
  const Json* rows = rows_of(answer);
  if (rows == nullptr) return fail(ErrorCode::invalid, "has no list of rows in it");
  std::vector<ReadRow> listed;
  for (const Json& row : rows->items()) {
    if (!row.get("key").is_text()) return fail(ErrorCode::invalid, "has a row without a key");
    listed.push_back({row.text("key"), digest_in(row, pointer)});
  }
  return listed;
}

class HttpLedgerReader : public LedgerReader {
 public:
  HttpLedgerReader(const LoadTerms& terms, const Doors& doors, const Secrets& secrets,
                   const Until& until)
      : terms_(terms),
        ledger_(*terms.spec.ledger),
        fill_({terms.drill, terms.spec.name, terms.seed}, terms.spec.data),
        doors_(doors),
        secrets_(secrets),
        until_(until) {}

  bool lists() const override { return !ledger_.list.empty(); }
  bool reads() const override { return !ledger_.read_back.empty(); }

  Result<std::vector<ReadRow>> list() override {
    WriteNames names;
    names.drill = terms_.drill;
    TRY(answer, ask(ledger_.list, names, "the list"));
    auto rows = listed_rows(answer.body, ledger_.digest);
    if (!rows) return std::unexpected(rows.error().in("reading the ledger back: the list"));
    return rows;
  }

  // One or none.
  Result<std::vector<std::string>> by_key(const WriteNames& names) override {
    TRY(answer, ask(ledger_.read_back, names, names.key));
    if (answer.status != kOk) return std::vector<std::string>{};
    const auto row = Json::parse(answer.body);
    return std::vector<std::string>{row ? digest_in(*row, ledger_.digest) : ""};
  }

 private:
  // Asks until there is an answer: 200, or for a key that it is not there.
  // Signed for each time that it is asked.
  Result<HttpAnswer> sent(HttpRequest request) const {
    if (const auto& aws = terms_.spec.request.aws) {
      RequestText text{request.method, request.url, request.body, std::move(request.headers)};
      TRY_OK(sign(*aws, secrets_, text));
      request.headers = std::move(text.headers);
    }
    return doors_.http.send(request, until_);
  }

  Result<HttpAnswer> ask(const std::string& pattern, const WriteNames& names,
                         const std::string& what) const {
    HttpRequest request;
    TRY(url, secrets_.reveal(filled_in(pattern, names, Encoding::url)));
    std::optional<std::uint64_t> seq;
    if (!names.seq.empty()) seq = std::stoull(names.seq);
    TRY(headers, headers_of(terms_.spec.request, seq, fill_, secrets_));
    // The headers of the writes may carry the right to read; what they say of a body does not fit.
    std::erase_if(headers, [](auto& h) { return lower(h.first).starts_with("content-"); });
    request.url = std::move(url);
    request.headers = std::move(headers);
    request.largest_answer = kLargestList;
    std::string last = "no answer yet";
    for (Duration pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
      auto answer = sent(request);
      const bool absent = answer && (answer->status == kNotFound || answer->status == kGone);
      if (answer && (answer->status == kOk || (absent && !names.key.empty()))) return answer;
      last = answer ? "status " + std::to_string(answer->status) : answer.error().text;
      if (auto paused = doors_.clock.pause(pause, until_); !paused) {
        return fail(paused.error().code, "reading the ledger back: " + what + ": " + last);
      }
    }
  }

  const LoadTerms& terms_;
  const LedgerSpec& ledger_;
  const FillTerms fill_;
  const Doors& doors_;
  const Secrets& secrets_;
  const Until& until_;
};

// One of a load row's, made anew and asked again until there is an answer.
class PatientReader : public LedgerReader {
 public:
  PatientReader(const LoadTerms& terms, const Clock& clock, const Until& until)
      : make_(terms.reader), clock_(clock), until_(until) {}

  bool lists() const override { return lists_; }
  bool reads() const override { return reads_; }
  Result<std::vector<ReadRow>> list() override {
    return answer<std::vector<ReadRow>>("the list", [](auto& reader) { return reader.list(); });
  }
  Result<std::vector<std::string>> by_key(const WriteNames& names) override {
    return answer<std::vector<std::string>>(names.key,
                                            [&](auto& reader) { return reader.by_key(names); });
  }
  Status open() {
    const auto opened = answer<bool>("connecting", [](auto&) { return Result<bool>(true); });
    return opened ? Status() : std::unexpected(opened.error());
  }

 private:
  static bool is_answer(ErrorCode code) {
    return code == ErrorCode::invalid || code == ErrorCode::not_found || code == ErrorCode::corrupt;
  }

  template <class Value, class Ask>
  Result<Value> answer(const std::string& what, const Ask& ask) {
    for (Duration pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
      if (reader_ == nullptr) reader_ = make();
      auto answered = reader_ != nullptr ? ask(*reader_) : Result<Value>(std::unexpected(why_));
      if (answered) return answered;
      reader_.reset();
      const Error error = answered.error().in("reading the ledger back: " + what);
      if (is_answer(error.code) || !clock_.pause(pause, until_)) return std::unexpected(error);
    }
  }

  std::unique_ptr<LedgerReader> make() {
    auto made = make_(until_);
    if (!made) {
      why_ = made.error();
      return nullptr;
    }
    lists_ = (*made)->lists();
    reads_ = (*made)->reads();
    return std::move(*made);
  }

  const std::function<Result<std::unique_ptr<LedgerReader>>(const Until&)>& make_;
  const Clock& clock_;
  const Until& until_;
  std::unique_ptr<LedgerReader> reader_;
  Error why_;
  bool lists_ = false, reads_ = false;
};

using MakeReader = std::function<Result<std::unique_ptr<LedgerReader>>()>;

// The keys that must be read one by one: those written, or perhaps written, that the list did not
// show with their digest.
std::vector<std::uint64_t> keys_to_read(const LoadTerms& terms, const std::vector<Sample>& samples,
                                        const std::vector<ReadRow>& listed) {
  std::unordered_set<std::string> shown;
  for (const ReadRow& row : listed) {
    if (!row.digest.empty()) shown.insert(row.key);
  }
  std::vector<std::uint64_t> keys;
  for (const Sample& s : samples) {
    const bool asked = s.outcome == SampleOutcome::ok || s.outcome == SampleOutcome::unknown;
    if (asked && !shown.contains(ledger_key(terms.drill, terms.spec.name, s.seq))) {
      keys.push_back(s.seq);
    }
  }
  return keys;
}

// Reads the keys on a few threads at once; the first error ends them all.
class PointReads {
 public:
  PointReads(const LoadTerms& terms, const MakeReader& make, const std::vector<std::uint64_t>& keys,
             ReadBack& read)
      : pattern_({}, terms.drill, terms.spec.name, terms.seed, kNoSecrets),
        make_(make),
        keys_(keys),
        read_(read) {}

  Status run() {
    std::vector<std::thread> threads;
    const std::size_t count = std::min(kReaders, keys_.size());
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { read_some(); });
    for (std::thread& thread : threads) thread.join();
    return status_;
  }

 private:
  void read_some() {
    auto reader = make_();
    for (std::size_t at = next_++; at < keys_.size(); at = next_++) {
      const WriteNames names = pattern_.names(keys_[at]);
      auto found = reader ? (*reader)->by_key(names)
                          : Result<std::vector<std::string>>(std::unexpected(reader.error()));
      const std::lock_guard lock(mutex_);
      if (!status_) return;
      if (!found) {
        status_ = std::unexpected(found.error());
        return;
      }
      read_.by_key[names.key] = std::move(*found);
    }
  }

  static inline const Secrets kNoSecrets;
  const RequestPattern pattern_;
  const MakeReader& make_;
  const std::vector<std::uint64_t>& keys_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  ReadBack& read_;
  Status status_;
};

}  // namespace

Result<ReadBack> read_back(const LoadTerms& terms, const std::vector<Sample>& samples,
                           const Doors& doors, const Secrets& secrets, const Until& until) {
  const MakeReader make = [&]() -> Result<std::unique_ptr<LedgerReader>> {
    if (!terms.reader) return std::make_unique<HttpLedgerReader>(terms, doors, secrets, until);
    auto reader = std::make_unique<PatientReader>(terms, doors.clock, until);
    TRY_OK(reader->open());
    return std::unique_ptr<LedgerReader>(std::move(reader));
  };
  const bool none = !terms.spec.ledger || (!terms.reader && terms.spec.ledger->list.empty() &&
                                           terms.spec.ledger->read_back.empty());
  if (none) {
    return fail(ErrorCode::invalid, "load " + terms.spec.name + " has no ledger to read back");
  }
  TRY(reader, make());
  ReadBack read;
  if (reader->lists()) {
    TRY(rows, reader->list());
    read.listed = std::move(rows);
    read.has_list = true;
  }
  const auto keys = keys_to_read(terms, samples, read.listed);
  if (!reader->reads()) {
    // The list is all there is to go by: what it does not show is not there.
    std::unordered_set<std::string> shown;
    for (const ReadRow& row : read.listed) shown.insert(row.key);
    for (const std::uint64_t seq : keys) {
      const std::string key = ledger_key(terms.drill, terms.spec.name, seq);
      if (!shown.contains(key)) read.by_key[key] = {};
    }
    return read;
  }
  TRY_OK(PointReads(terms, make, keys, read).run());
  return read;
}

}  // namespace gameday
