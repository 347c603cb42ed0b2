// Removes objects as a client does that knows nothing of versions: each key gets a delete marker,
// and is not found. The undo removes the markers.
#include "drills/systems/s3_rights.h"
#include "drills/systems/s3_trail.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kS3Keys};
constexpr std::string_view kNeeded[] = {
    "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration",
    "s3:ListBucket",          "s3:ListBucketVersions",
    "s3:DeleteObject",        "s3:DeleteObjectVersion"};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(place, s3_place_of(deed, context));
  TRY(trail, plan_trail(place, context));
  TRY(bucket, open_s3(place, context));
  TRY(objects, objects_named(trail, deed.arguments.text("keys", "*"), bucket));
  return Undo{"lose-data-s3", to_json(trail)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  TRY(bucket, open_s3(trail.place, context));
  TRY(objects, objects_named(trail, deed.arguments.text("keys", "*"), bucket));
  std::vector<S3Step> steps;
  for (const auto& object : objects) steps.push_back({object.key, true});
  const auto remove = [](S3& where, const S3Step& step) -> Result<std::string> {
    TRY(removed, where.remove(step.key));
    if (removed.marker && !removed.version.empty()) return removed.version;
    return fail(ErrorCode::conflict,
                shown(where.address()) + " has removed " + step.key + " and left no delete marker",
                "its versioning was switched off meanwhile; look for older versions");
  };
  return leave_trail(trail, steps, remove, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  TRY(looks, look_at_trail(trail, context));
  return Proof{looks.current > 0,
               std::to_string(looks.current) + " of " + std::to_string(looks.noted) +
                   " objects that were removed are not found",
               Json::object({{"removed", looks.noted}, {"not_found", looks.current}})};
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(place, s3_place_of(deed, context));
  const std::string begin = s3_begin_of(place, deed.arguments.text("keys", "*"));
  return may_on_s3({place, begin}, kNeeded, context);
}

}  // namespace

extern const FaultRow lose_data_s3_fault;
const FaultRow lose_data_s3_fault{
    .name = "lose-data-s3",
    .summary = "Removes objects of a bucket that keeps versions; the undo removes the markers.",
    .fields = kFields,
    .facet = "s3",
    .reversal = Reversal::exact,
    .effect = Effect::loses,
    .holds_data = true,
    .rights =
        "s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:ListBucket, "
        "s3:ListBucketVersions, s3:DeleteObject and s3:DeleteObjectVersion",
    .example = "- { fault: lose-data-s3, target: archive, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_trail,
    .gone = trail_gone,
    .close = close_trail,
    .fits = s3_keys_fit,
    .as = "lose-data",
    .may = may,
};

}  // namespace gameday
