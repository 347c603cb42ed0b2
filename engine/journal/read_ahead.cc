#include "engine/journal/read_ahead.h"

#include <deque>
#include <future>
#include <vector>

namespace gameday {
namespace {

constexpr std::size_t kBatch = 4096;
constexpr std::size_t kAhead = 2;  // batches that are being read

using Batch = std::vector<ReadLine>;

Batch read(Batch batch) {
  for (auto& one : batch) {
    one.event = parse_event(one.line);
    if (one.event) one.hash = hash_of(one.line);
  }
  return batch;
}

class Ahead {
 public:
  explicit Ahead(const std::function<bool(ReadLine&)>& each) : each_(each) {}

  bool take(std::string_view line) {
    gathered_.push_back({std::string(line), fail(ErrorCode::invalid, "not read"), ""});
    if (gathered_.size() < kBatch) return true;
    reading_.push_back(std::async(std::launch::async, read, std::exchange(gathered_, Batch())));
    return reading_.size() <= kAhead || pass_on_first();
  }

  void finish() {
    while (!reading_.empty()) {
      if (!pass_on_first()) return;
    }
    pass_on(read(std::move(gathered_)));
  }

 private:
  bool pass_on_first() {
    Batch batch = reading_.front().get();
    reading_.pop_front();
    return pass_on(std::move(batch));
  }

  bool pass_on(Batch batch) {
    for (auto& one : batch) {
      wanted_ = wanted_ && each_(one);
    }
    return wanted_;
  }

  const std::function<bool(ReadLine&)>& each_;
  Batch gathered_;
  std::deque<std::future<Batch>> reading_;
  bool wanted_ = true;
};

}  // namespace

Status read_ahead(const LineSource& source, const std::function<bool(ReadLine&)>& each) {
  Ahead ahead(each);
  TRY_OK(source([&](std::string_view line) { return ahead.take(line); }));
  ahead.finish();
  return {};
}

}  // namespace gameday
