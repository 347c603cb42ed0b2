// Whether whoever we are at an S3 server may do to a bucket what a deed is to do, by the names that
// Amazon has for these rights. What only reads is asked plainly. What writes is asked for as a
// server refuses it for another reason once it has found that we may, or has nothing to do for it:
// a removal of what nobody has, an upload whose sums do not fit, a policy that is none.
//
// That rests on the order in which servers look: first at who asks, then at the rest. Whatever else
// one answers is no right that is held, and none that is lacking; and what one has done all the
// same is taken back at once.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "drills/systems/s3.h"

namespace gameday {

// Of a table in the source: "s3:PutObject". To copy is a right of its own, since servers differ in
// what it wants of what is copied.
inline constexpr std::string_view kCopyOnS3 = "s3:PutObject and s3:GetObject, to copy a version";

struct S3Scope {
  S3Place place;
  std::string begin;  // how the keys begin that it is about
};
// A key that begins so, and that nobody has.
[[nodiscard]] std::string nobodys_key(const std::string& begin);

// refused: which one is lacking. Any other error: what hides it.
[[nodiscard]] Status may_on_s3(const S3Scope& scope, std::span<const std::string_view> rights,
                               const DeedContext& context);

}  // namespace gameday
