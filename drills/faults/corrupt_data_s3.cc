// Writes other bytes over objects, as a client does that has gone wrong or is in the wrong hands.
// Each key gets a new version; the undo removes it, and what was before is current again.
#include <algorithm>
#include <map>

#include "drills/systems/s3_rights.h"
#include "drills/systems/s3_trail.h"

namespace gameday {
namespace {

// What is written is as long as what it stands for, up to this: no more must go over the line.
constexpr std::int64_t kLongest = 1 << 20;

constexpr Field kFields[] = {kS3Keys};
constexpr std::string_view kNeeded[] = {
    "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration",
    "s3:ListBucket",          "s3:ListBucketVersions",
    "s3:PutObject",           "s3:DeleteObjectVersion"};

std::string other_bytes(std::int64_t size, const std::string& mark) {
  const std::string word = "written over by gameday " + mark + "\n";
  std::string bytes;
  const auto length = static_cast<std::size_t>(std::clamp<std::int64_t>(size, 1, kLongest));
  while (bytes.size() < length) bytes += word;
  bytes.resize(length);
  return bytes;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(place, s3_place_of(deed, context));
  TRY(trail, plan_trail(place, context));
  TRY(bucket, open_s3(place, context));
  TRY_OK(locks_nothing_new(bucket));
  TRY(objects, objects_named(trail, deed.arguments.text("keys", "*"), bucket));
  return Undo{"corrupt-data-s3", to_json(trail)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  TRY(bucket, open_s3(trail.place, context));
  TRY(objects, objects_named(trail, deed.arguments.text("keys", "*"), bucket));
  std::vector<S3Step> steps;
  std::map<std::string, std::int64_t> sizes;
  for (const auto& object : objects) {
    steps.push_back({object.key, false});
    sizes[object.key] = object.size;
  }
  const auto write_over = [&](S3& where, const S3Step& step) {
    return where.put({.key = step.key,
                      .body = other_bytes(sizes[step.key], trail.mark),
                      .headers = {{"x-amz-meta-gameday", trail.mark}}});
  };
  return leave_trail(trail, steps, write_over, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  TRY(looks, look_at_trail(trail, context));
  return Proof{looks.current > 0,
               std::to_string(looks.current) + " of " + std::to_string(looks.noted) +
                   " objects that were written over hold what the drill wrote",
               Json::object({{"written", looks.noted}, {"current", looks.current}})};
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(place, s3_place_of(deed, context));
  const std::string begin = s3_begin_of(place, deed.arguments.text("keys", "*"));
  return may_on_s3({place, begin}, kNeeded, context);
}

}  // namespace

extern const FaultRow corrupt_data_s3_fault;
const FaultRow corrupt_data_s3_fault{
    .name = "corrupt-data-s3",
    .summary =
        "Writes other bytes over objects of a bucket that keeps versions; the undo removes "
        "what was written.",
    .fields = kFields,
    .facet = "s3",
    .reversal = Reversal::exact,
    .effect = Effect::loses,
    .holds_data = true,
    .rights =
        "s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:ListBucket, "
        "s3:ListBucketVersions, s3:PutObject and s3:DeleteObjectVersion",
    .example = "- { fault: corrupt-data-s3, target: archive, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_trail,
    .gone = trail_gone,
    .close = close_trail,
    .fits = s3_keys_fit,
    .as = "corrupt-data",
    .may = may,
};

}  // namespace gameday
