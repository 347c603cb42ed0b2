// The drills whose orders were deleted, kept in a file of their own: whatever becomes of a
// database, what arrives late for such a drill is refused.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace shop {

class Tombstones {
 public:
  explicit Tombstones(std::string path);

  void add(const std::string& drill);  // on disk when it returns
  bool has(std::string_view drill) const;
  bool covers(std::string_view key) const;

 private:
  std::string path_;
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> drills_;
};

}  // namespace shop
