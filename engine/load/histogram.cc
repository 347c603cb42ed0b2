#include "engine/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/base/assert.h"

namespace gameday {
namespace {

constexpr std::uint64_t kSubBuckets = 128;
constexpr std::size_t kMostBuckets = 57 * kSubBuckets;  // a value has at most 63 bits

// Values below 256 have a bucket each; above, the top eight bits choose it.
std::size_t bucket_of(std::uint64_t value) {
  const auto width = static_cast<std::uint64_t>(std::bit_width(value));
  const std::uint64_t shift = width > 8 ? width - 8 : 0;
  return static_cast<std::size_t>(shift * kSubBuckets + (value >> shift));
}

std::uint64_t highest_in(std::size_t bucket) {
  if (bucket < 2 * kSubBuckets) return bucket;
  const std::uint64_t shift = bucket / kSubBuckets - 1;
  const std::uint64_t top = bucket - shift * kSubBuckets;
  return ((top + 1) << shift) - 1;
}

}  // namespace

void Histogram::add(Duration value) {
  const auto clamped = std::max(value, Duration::zero());
  const std::size_t bucket = bucket_of(static_cast<std::uint64_t>(clamped.count()));
  GD_ASSERT(bucket < kMostBuckets);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, clamped);
}

Histogram& Histogram::operator+=(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  return *this;
}

Duration Histogram::quantile(double q) const {
  if (count_ == 0) return {};
  const double wanted = std::ceil(q * static_cast<double>(count_));
  const auto rank =
      std::clamp<std::uint64_t>(wanted <= 1 ? 1 : static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(Duration(highest_in(i)), max_);
  }
  return max_;
}

Json Histogram::to_json() const {
  Json buckets = Json::array();
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] > 0) buckets.push(Json(Json::Array{Json(i), Json(buckets_[i])}));
  }
  return Json::object({{"count", count_}, {"max_ns", max_.count()}, {"buckets", buckets}});
}

Result<Histogram> Histogram::from_json(const Json& json) {
  Histogram made;
  for (const Json& pair : json.items("buckets")) {
    const bool two = pair.is_array() && pair.items().size() == 2 && pair.items()[0].is_integer() &&
                     pair.items()[1].is_integer();
    if (!two || pair.items()[0].integer() < 0 || pair.items()[1].integer() < 0 ||
        pair.items()[0].integer() >= static_cast<std::int64_t>(kMostBuckets)) {
      return fail(ErrorCode::invalid, "not a histogram: " + pair.dump());
    }
    const auto bucket = static_cast<std::size_t>(pair.items()[0].integer());
    if (bucket >= made.buckets_.size()) made.buckets_.resize(bucket + 1);
    made.buckets_[bucket] += static_cast<std::uint64_t>(pair.items()[1].integer());
    made.count_ += static_cast<std::uint64_t>(pair.items()[1].integer());
  }
  made.max_ = Duration(json.integer("max_ns", -1));
  if (made.max_ < Duration::zero() ||
      static_cast<std::uint64_t>(json.integer("count", -1)) != made.count_) {
    return fail(ErrorCode::invalid, "not a histogram: its count is wrong");
  }
  return made;
}

}  // namespace gameday
