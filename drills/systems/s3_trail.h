// What a deed changes of the objects of a bucket that keeps versions: to each key it adds one
// version, or one delete marker, and nothing goes. Its undo removes exactly those by their ids, so
// that what was current is current again, and what others have added since stays as they left it.
//
// The ids are the server's and known only from its answers. They are noted in private files as they
// come; the key that is asked for next is noted with all ids that it has before, so that what a
// request did whose answer nobody has read is found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "drills/systems/s3.h"

namespace gameday {

struct S3Trail {
  S3Place place;
  std::string mark;
  std::string notes;  // what the private files' names begin with
};
[[nodiscard]] Json to_json(const S3Trail& trail);
[[nodiscard]] Result<S3Trail> s3_trail_from(const Undo& undo);

// Which of a target's objects a fault is about, as its field says.
inline constexpr Field kS3Keys{
    .name = "keys",
    .help =
        "Which objects, by their keys behind the target's `prefix`: all that begin alike, "
        "`2026/*`, or a single one.",
    .otherwise = "*"};
// invalid: a star elsewhere than at the end.
[[nodiscard]] Status s3_keys_fit(const Step& step);
// How the keys of these begin, of a target.
[[nodiscard]] std::string s3_begin_of(const S3Place& place, const std::string& keys);
// They as they are now. not_found: there is none; refused: too many.
[[nodiscard]] Result<std::vector<S3Version>> objects_named(const S3Trail& trail,
                                                           const std::string& keys, S3& bucket);

// refused: the bucket keeps no versions.
[[nodiscard]] Result<S3Trail> plan_trail(const S3Place& place, const DeedContext& context);

// What is done to one key: the id of the version or marker that came of it, or, where nothing was
// to be done, nothing.
struct S3Step {
  std::string key;
  bool deletes = false;  // a marker comes of it
};
using S3Change = std::function<Result<std::string>(S3& bucket, const S3Step& step)>;
[[nodiscard]] Status leave_trail(const S3Trail& trail, const std::vector<S3Step>& steps,
                                 const S3Change& change, const DeedContext& context);

// What of it is in the bucket.
struct S3TrailLooks {
  std::int64_t noted = 0;    // changes that were made, by our notes
  std::int64_t there = 0;    // whose version or marker is there
  std::int64_t current = 0;  // and is what a client finds
};
[[nodiscard]] Result<S3TrailLooks> look_at_trail(const S3Trail& trail, const DeedContext& context);
// conflict: which of several versions is ours cannot be told, and all else is undone; or another
// store answers at the endpoint.
[[nodiscard]] Status undo_trail(const S3Trail& trail, const DeedContext& context);
[[nodiscard]] Result<Proof> trail_gone(const S3Trail& trail, const DeedContext& context);
// Forgets it, with those of its versions and markers that are not current any more.
[[nodiscard]] Status close_trail(const S3Trail& trail, const DeedContext& context);

// The same as the ends of a fault's row, whose undo is its trail and nothing else.
[[nodiscard]] Status undo_trail(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> trail_gone(const Undo& undo, const DeedContext& context);
[[nodiscard]] Status close_trail(const Undo& undo, bool keep, const DeedContext& context);

}  // namespace gameday
