// A preallocated file beside the store that is given up when the disk is full, so that undoing can
// still be recorded. Its content means nothing.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace gameday {

class Reserve {
 public:
  static constexpr std::int64_t kBytes = 1 << 20;

  explicit Reserve(const std::string& store) : path_(store + ".reserve") {}

  // Makes it, or makes it whole. no_space where it does not fit with as much
  // again left over; then there is none.
  [[nodiscard]] Status make() const;
  // Gives its space back; true if there was any.
  bool free() const;

 private:
  std::string path_;
};

}  // namespace gameday
