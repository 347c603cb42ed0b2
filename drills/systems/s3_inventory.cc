#include "drills/systems/s3_inventory.h"

#include <algorithm>

#include "engine/base/digest.h"

namespace gameday {

std::string S3Inventory::digest() const {
  Sha256 sum;
  for (const auto& object : objects) sum.add(json_text(object.key) + " " + object.digest + "\n");
  return sum.digest();
}

std::int64_t S3Inventory::bytes() const {
  std::int64_t all = 0;
  for (const auto& object : objects) all += object.size;
  return all;
}

const S3Held* S3Inventory::find(const std::string& key) const {
  const auto found = std::ranges::find(objects, key, &S3Held::key);
  return found == objects.end() ? nullptr : &*found;
}

Result<S3Inventory> take_inventory(S3& bucket, const std::string& prefix) {
  TRY(versions, bucket.versions(prefix, kMostVersions));
  const auto current = current_of(versions);
  if (current.size() > kMostObjects) {
    return fail(ErrorCode::refused,
                shown(bucket.address()) + " has " + std::to_string(current.size()) +
                    " objects there, more than the " + std::to_string(kMostObjects) +
                    " that are read one by one",
                "name a narrower `prefix` for the target");
  }
  S3Inventory inventory;
  for (const auto& version : current) {
    const S3Object object{.key = version.key, .version = version.version, .size = version.size};
    TRY(digest, bucket.digest(object));
    inventory.objects.push_back({version.key, version.version, version.size, digest});
  }
  std::ranges::sort(inventory.objects, {}, &S3Held::key);
  return inventory;
}

Status check_inventory(S3& bucket, const S3Inventory& inventory) {
  for (const auto& held : inventory.objects) {
    const auto object = bucket.look(held.key, held.version);
    if (!object && object.error().code == ErrorCode::not_found) {
      return fail(ErrorCode::corrupt, "version " + held.version + " of " + held.key +
                                          " is gone, which was current at the backup");
    }
    if (!object) return std::unexpected(object.error());
    TRY(digest, bucket.digest(*object));
    if (digest == held.digest) continue;
    return fail(ErrorCode::corrupt, "version " + held.version + " of " + held.key +
                                        " does not hold what it held at the backup");
  }
  return {};
}

Json to_json(const S3Inventory& inventory) {
  Json objects = Json::array();
  for (const auto& held : inventory.objects) {
    objects.push(Json::object({{"key", held.key},
                               {"version", held.version},
                               {"size", held.size},
                               {"digest", held.digest}}));
  }
  return Json::object({{"objects", objects}});
}

Result<S3Inventory> s3_inventory_from(const Json& written) {
  if (!written.get("objects").is_array()) {
    return fail(ErrorCode::corrupt, "an inventory without objects");
  }
  S3Inventory inventory;
  for (const Json& one : written.items("objects")) {
    S3Held held{one.text("key"), one.text("version"), one.integer("size", 0), one.text("digest")};
    if (held.key.empty() || held.version.empty() || held.digest.empty()) {
      return fail(ErrorCode::corrupt, "an inventory with an object that lacks something");
    }
    inventory.objects.push_back(std::move(held));
  }
  return inventory;
}

}  // namespace gameday
