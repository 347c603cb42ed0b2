#include <algorithm>
#include <sstream>

#include "program.h"

namespace shop {

const std::vector<double> Metrics::kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                              0.1,   0.25,   0.5,   1,    2.5};

void Metrics::add(const std::string& family, const std::string& labels, double by) {
  const std::scoped_lock lock(mutex_);
  families_[family][labels] += by;
}

void Metrics::set(const std::string& family, double value) {
  const std::scoped_lock lock(mutex_);
  families_[family][""] = value;
}

void Metrics::observe(double seconds) {
  const auto bucket = std::ranges::lower_bound(kBounds, seconds) - kBounds.begin();
  const std::scoped_lock lock(mutex_);
  ++buckets_[static_cast<std::size_t>(bucket)];
  seconds_ += seconds;
}

std::string Metrics::text() const {
  const std::scoped_lock lock(mutex_);
  std::ostringstream out;
  out.precision(15);
  for (const auto& [family, series] : families_) {
    out << "# TYPE " << family << (family.ends_with("_total") ? " counter\n" : " gauge\n");
    for (const auto& [labels, value] : series) out << family << labels << ' ' << value << '\n';
  }
  out << "# TYPE shop_request_seconds histogram\n";
  double count = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    count += buckets_[i];
    out << "shop_request_seconds_bucket{le=\"" << kBounds[i] << "\"} " << count << '\n';
  }
  count += buckets_.back();
  out << "shop_request_seconds_bucket{le=\"+Inf\"} " << count << '\n'
      << "shop_request_seconds_sum " << seconds_ << '\n'
      << "shop_request_seconds_count " << count << '\n';
  return out.str();
}

}  // namespace shop
