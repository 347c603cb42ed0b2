// Puts the objects of a prefix back to what they were when the backup's step looked, out of the
// versions that the bucket keeps. What was current then is copied over what is current now, what is
// new is removed as a client does it, and nothing of any version's goes: so its undo is exact too.
#include <algorithm>

#include "drills/systems/restored.h"
#include "drills/systems/s3_inventory.h"
#include "drills/systems/s3_rights.h"
#include "drills/systems/s3_trail.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

std::string bucket_of(const S3Place& place) {
  return place.endpoint + "/" + place.bucket + "/" + place.prefix;
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(place, s3_place_of(target));
  TRY(bucket, open_s3(place, context));
  TRY_OK(keeps_versions(bucket));
  const Utc began = context.doors.clock.now().utc;
  TRY(inventory, take_inventory(bucket, place.prefix));
  const std::string folder = context.private_folder + "/backups";
  const std::string bytes = to_json(inventory).dump() + "\n";
  BackupTaken taken{.target = target.name,
                    .id = folder + "/" + context.mark + ".s3.json",
                    .sha256 = sha256(bytes),
                    .digest = inventory.digest(),
                    .taken = began,
                    .facts = Json::object({{"of", bucket_of(place)},
                                           {"objects", inventory.objects.size()},
                                           {"bytes", inventory.bytes()}})};
  TRY_OK(context.doors.files.make_folder(folder, 0700));
  TRY_OK(context.doors.files.write(taken.id, bytes, 0600));
  return taken;
}

// What the backup says, and that it can still be had: each of its versions is read.
Result<S3Inventory> verified_backup(const Target& target, const BackupTaken& taken, S3& bucket,
                                    const DeedContext& context) {
  TRY(place, s3_place_of(target));
  if (taken.target != target.name || taken.facts.text("of") != bucket_of(place)) {
    return fail(ErrorCode::corrupt, "the backup " + taken.id + " is of " + taken.facts.text("of") +
                                        ", not of " + bucket_of(place));
  }
  const auto bytes = context.doors.files.read(taken.id);
  if (!bytes || sha256(*bytes) != taken.sha256) {
    return fail(ErrorCode::corrupt,
                "the backup " + taken.id + " is not the inventory that was written");
  }
  TRY(written, Json::parse(*bytes));
  TRY(inventory, s3_inventory_from(written));
  TRY_OK(check_inventory(bucket, inventory));
  return inventory;
}

Restored not_verified(const Error& error) {
  return {.vacuous = true, .verified = false, .text = error.text, .facts = Json::object()};
}

Restored told(const S3Inventory& inventory, const BackupTaken& taken, const DeedContext& context) {
  const auto count = static_cast<std::int64_t>(inventory.objects.size());
  Restored result =
      restored(count, Json::object({{"objects", count}, {"bytes", inventory.bytes()}}), taken,
               context.doors.clock);
  if (result.vacuous) result.text = "the backup holds no objects";
  return result;
}

Result<Restored> restore_scratch(const Target& target, const BackupTaken& taken,
                                 const DeedContext& context) {
  TRY(place, s3_place_of(target));
  TRY(bucket, open_s3(place, context));
  const auto inventory = verified_backup(target, taken, bucket, context);
  if (inventory) return told(*inventory, taken, context);
  if (inventory.error().code == ErrorCode::corrupt) return not_verified(inventory.error());
  return std::unexpected(inventory.error());
}

// What is copied would be locked like everything that is written, and could not be undone.
Status not_locked(S3& bucket) {
  TRY(lock, bucket.lock());
  if (lock.default_mode.empty()) return {};
  return fail(ErrorCode::refused,
              shown(bucket.address()) + " locks all that is written to it (" + lock.default_mode +
                  "): a restore could not be undone",
              "restore it into scratch: its versions are read and compared");
}

Result<Undo> prepare(const Target& target, const DeedContext& context) {
  TRY(place, s3_place_of(target));
  TRY(bucket, open_s3(place, context));
  TRY_OK(not_locked(bucket));
  TRY(trail, plan_trail(place, context));
  return Undo{"s3", to_json(trail)};
}

std::string standing(const S3Trail& trail) { return trail.notes + ".stands"; }

// What must be done to each key.
Result<std::vector<S3Step>> steps_to(const S3Inventory& wanted, const S3Trail& trail, S3& bucket) {
  TRY(versions, bucket.versions(trail.place.prefix, kMostVersions));
  std::vector<S3Step> steps;
  std::vector<std::string> right;
  for (const auto& current : current_of(versions)) {
    const S3Held* held = wanted.find(current.key);
    if (held == nullptr) {
      steps.push_back({current.key, true});
    } else if (held->version == current.version) {
      right.push_back(current.key);
    }
  }
  for (const auto& held : wanted.objects) {
    if (std::ranges::find(right, held.key) == right.end()) steps.push_back({held.key, false});
  }
  if (steps.size() <= kMostObjects) return steps;
  return fail(ErrorCode::refused, std::to_string(steps.size()) + " objects would have to change");
}

// What was put while it was restored is of after it, as the writes that a database takes after its
// restore are. How many objects that are.
std::size_t leave_out_new(S3Inventory& now, const S3Inventory& wanted,
                          const std::vector<S3Step>& steps) {
  return std::erase_if(now.objects, [&](const S3Held& held) {
    return wanted.find(held.key) == nullptr &&
           std::ranges::find(steps, held.key, &S3Step::key) == steps.end();
  });
}

Result<Restored> restore_place(const Target& target, const BackupTaken& taken, const Undo& undo,
                               const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  TRY(place, s3_place_of(target));
  TRY(bucket, open_s3(place, context));
  const auto inventory = verified_backup(target, taken, bucket, context);
  if (!inventory && inventory.error().code == ErrorCode::corrupt) {
    return not_verified(inventory.error());
  }
  if (!inventory) return std::unexpected(inventory.error());
  TRY(steps, steps_to(*inventory, trail, bucket));
  const auto put_back = [&](S3& where, const S3Step& step) -> Result<std::string> {
    if (const S3Held* held = inventory->find(step.key)) {
      return where.copy({.key = held->key, .version = held->version}, step.key);
    }
    TRY(removed, where.remove(step.key));
    return removed.version;
  };
  TRY_OK(leave_trail(trail, steps, put_back, context));
  TRY_OK(context.doors.files.write(standing(trail), "\n", 0600));
  TRY(now, take_inventory(bucket, trail.place.prefix));
  const std::size_t since = leave_out_new(now, *inventory, steps);
  Restored result = told(*inventory, taken, context);
  result.facts.set("changed", steps.size()).set("put_since", since);
  if (now.digest() != taken.digest) {
    result.verified = false;
    result.text = "what is there now is not what was there at the backup: others write to it";
  } else if (steps.empty()) {
    result.vacuous = true;
    result.text = "the bucket had the backup's content already";
  }
  return result;
}

Status undo_restore(const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  TRY_OK(undo_trail(trail, context));
  return context.doors.files.remove(standing(trail));
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  TRY(proof, trail_gone(trail, context));
  if (!context.doors.files.exists(standing(trail))) return proof;
  return Proof{false, "the restore stands", proof.facts};
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  if (keep) return {};
  TRY_OK(close_trail(trail, context));
  return context.doors.files.remove(standing(trail));
}

Status may(const Step& step, const DeedContext& context) {
  constexpr std::string_view kToRead[] = {"s3:GetBucketVersioning",
                                          "s3:GetBucketObjectLockConfiguration",
                                          "s3:ListBucketVersions", "s3:GetObjectVersion"};
  constexpr std::string_view kToWrite[] = {"s3:ListBucketVersions", "s3:PutObject",
                                           "s3:DeleteObject", "s3:DeleteObjectVersion", kCopyOnS3};
  const Target* target = context.system.target(step.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  TRY(place, s3_place_of(*target));
  TRY_OK(may_on_s3({place, place.prefix}, kToRead, context));
  if (step.kind != StepKind::restore || !step.into_place) return {};
  return may_on_s3({place, place.prefix}, kToWrite, context);
}

}  // namespace

extern const RestoreRow s3_restore;
const RestoreRow s3_restore{
    .name = "s3",
    .summary =
        "The objects of a prefix, put back from the versions that the bucket keeps, and "
        "every byte of them read.",
    .facet = "s3",
    .rights =
        "s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:ListBucketVersions and "
        "s3:GetObjectVersion; into place: besides, s3:GetObject, s3:PutObject, s3:DeleteObject and "
        "s3:DeleteObjectVersion",
    .example = "- { restore: archive, into: place }",
    .backup = backup,
    .restore_scratch = restore_scratch,
    .prepare = prepare,
    .restore_place = restore_place,
    .undo = undo_restore,
    .gone = gone,
    .close = close,
    .may = may};

}  // namespace gameday
