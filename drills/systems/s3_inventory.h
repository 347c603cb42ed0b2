// Which objects a prefix had at one moment, version by version, and what each of them held: that is
// what a bucket that keeps versions is put back to.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/s3.h"

namespace gameday {

struct S3Held {
  std::string key;
  std::string version;
  std::int64_t size = 0;
  std::string digest;  // of what it holds, every byte of it read
  bool operator==(const S3Held&) const = default;
};

struct S3Inventory {
  std::vector<S3Held> objects;  // by key

  // Of keys and contents, whatever the versions are called that hold them.
  [[nodiscard]] std::string digest() const;
  [[nodiscard]] std::int64_t bytes() const;
  [[nodiscard]] const S3Held* find(const std::string& key) const;
};

// As it is now, each object read. refused: too many.
[[nodiscard]] Result<S3Inventory> take_inventory(S3& bucket, const std::string& prefix);
// The versions of an inventory, each read again. corrupt: one is gone, or holds something else.
[[nodiscard]] Status check_inventory(S3& bucket, const S3Inventory& inventory);

[[nodiscard]] Json to_json(const S3Inventory& inventory);
[[nodiscard]] Result<S3Inventory> s3_inventory_from(const Json& written);

}  // namespace gameday
