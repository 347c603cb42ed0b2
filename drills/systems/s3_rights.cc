#include "drills/systems/s3_rights.h"

#include <algorithm>

#include "engine/not_known.h"

namespace gameday {
namespace {

struct Look {
  S3& bucket;
  const S3Scope& scope;
  std::string nobody;
  Utc now;

  [[nodiscard]] std::unexpected<Error> unclear(const std::string& what) const {
    return std::unexpected(not_known(shown(bucket.address()) + " " + what));
  }
};

Status done(const auto& result) { return result ? Status() : std::unexpected(result.error()); }
// What is not there was looked for, and that is all that was to be known.
Status looked_for(const auto& result) {
  if (result || result.error().code == ErrorCode::not_found) return {};
  return std::unexpected(result.error());
}
bool said(const Error& error, std::string_view word) {
  return error.code == ErrorCode::invalid && error.text.contains(word);
}

// One page is enough to know.
Status list_some(const Look& look, bool versions, const std::string& begin,
                 std::vector<S3Version>& page) {
  bool listed = false;
  const auto take = [&](const std::vector<S3Version>& some) -> Status {
    listed = true;
    page = some;
    return fail(ErrorCode::stopped, "enough");
  };
  const Status ended =
      versions ? look.bucket.each_version(begin, take) : look.bucket.each_object(begin, take);
  return listed ? Status() : ended;
}

Status list_objects(const Look& look) {
  std::vector<S3Version> page;
  return list_some(look, false, look.scope.begin, page);
}

// Whatever is asked of nobody's key later must find none.
Status list_versions(const Look& look) {
  std::vector<S3Version> page;
  TRY_OK(list_some(look, true, look.scope.begin, page));
  TRY(theirs, look.bucket.versions(look.nobody, kMostVersions));
  if (theirs.empty()) return {};
  return look.unclear("has a key " + look.nobody + ", by which gameday asks what it may do");
}

// Any of the target's that can be read, if there is one on the first page.
Result<std::optional<S3Version>> some_version(const Look& look) {
  std::vector<S3Version> page;
  TRY_OK(list_some(look, true, look.scope.place.prefix, page));
  const auto found = std::ranges::find(page, false, &S3Version::deletes);
  if (found == page.end()) return std::nullopt;
  return *found;
}

Status read_object(const Look& look) { return looked_for(look.bucket.look(look.nobody)); }

// Amazon hides what is not there from who may not list: only what is there tells.
Status read_version(const Look& look) {
  TRY(there, some_version(look));
  if (there) return done(look.bucket.look(there->key, there->version));
  const Status looked = looked_for(look.bucket.look(look.nobody, "null"));
  if (looked || looked.error().code != ErrorCode::refused) return looked;
  return look.unclear("has no version to be read yet: " + looked.error().text);
}

Status remove_version(const Look& look) {
  return looked_for(look.bucket.remove(look.nobody, "null"));
}

// To remove what is not there is nothing to do, but some leave a marker for it: they are asked to
// only if it is there.
Status remove_object(const Look& look) {
  const auto removed = look.bucket.remove_if_there(look.nobody);
  if (!removed && removed.error().code == ErrorCode::conflict) return {};
  if (!removed) return looked_for(removed);
  if (!removed->marker || removed->version.empty()) return {};
  const auto back = look.bucket.remove(look.nobody, removed->version);
  if (back) return {};
  return std::unexpected(back.error().in("it left a delete marker " + removed->version));
}

Status take_back(const Look& look, const std::string& version) {
  const auto back = look.bucket.remove(look.nobody, version.empty() ? "null" : version);
  return look.unclear("takes what it should refuse" +
                      (back ? "" : ", and keeps " + look.nobody + ": " + back.error().text));
}

Status put_object(const Look& look) {
  const auto put =
      look.bucket.put({.key = look.nobody, .body = "gameday asks", .headers = {}, .damaged = true});
  if (put) return take_back(look, *put);
  const bool refused_as_damaged =
      said(put.error(), "BadDigest") || said(put.error(), "ChecksumMismatch");
  return refused_as_damaged ? Status() : done(put);
}

// Nothing is locked that is not there.
Status retain_object(const Look& look) {
  const Status kept = look.bucket.retain({.key = look.nobody,
                                          .version = "null",
                                          .lock_mode = "GOVERNANCE",
                                          .locked_until = look.now + std::chrono::hours(1)});
  if (kept) return look.unclear("says that it has locked what is not there");
  if (kept.error().code != ErrorCode::refused) return looked_for(kept);
  Error error = kept.error();
  error.hint = "where it is held, the server may want s3:ListBucket to tell that nothing is there";
  return std::unexpected(error);
}

// Onto nobody's key, and only if what is copied were something else than it is.
Status copy_object(const Look& look) {
  TRY(there, some_version(look));
  if (!there) return {};  // nor is there anything to be put back
  const auto copied = look.bucket.copy({.key = there->key, .version = there->version}, look.nobody,
                                       "\"00000000000000000000000000000000\"");
  if (copied) return take_back(look, *copied);
  return copied.error().code == ErrorCode::conflict ? Status() : done(copied);
}

// No server can keep as a policy what it cannot read.
Status write_policy(const Look& look) {
  TRY(before, look.bucket.policy());
  const Status written = look.bucket.set_policy("gameday asks whether it may write a policy");
  if (!written) return said(written.error(), "MalformedPolicy") ? Status() : written;
  const Status back = look.bucket.set_policy(before);
  return look.unclear("takes any text for a policy" +
                      (back ? "" : ", and its own is lost: " + back.error().text + "\n" + before));
}

// Only a bucket that has none is left without one.
Status remove_policy(const Look& look) {
  TRY(before, look.bucket.policy());
  return before.empty() ? look.bucket.set_policy("") : Status();
}

// An answer that servers do not give to who may, nor to who may not.
Status told(const Status& asked) {
  if (asked) return {};
  const ErrorCode code = asked.error().code;
  const bool odd =
      code == ErrorCode::invalid || code == ErrorCode::conflict || code == ErrorCode::unsupported;
  return odd ? std::unexpected(not_known(asked.error().text)) : asked;
}

struct Right {
  std::string_view name;
  Status (*ask)(const Look& look);
};
// In this order: what must find nothing comes after the look at what there is, and what may have to
// be taken back after the right to do so.
constexpr Right kAll[] = {
    {"s3:GetBucketVersioning", [](const Look& look) { return done(look.bucket.versioning()); }},
    {"s3:GetBucketObjectLockConfiguration",
     [](const Look& look) { return done(look.bucket.lock()); }},
    {"s3:GetBucketPolicy", [](const Look& look) { return done(look.bucket.policy()); }},
    {"s3:PutBucketPolicy", write_policy},
    {"s3:DeleteBucketPolicy", remove_policy},
    {"s3:ListBucket", list_objects},
    {"s3:ListBucketVersions", list_versions},
    {"s3:GetObject", read_object},
    {"s3:GetObjectVersion", read_version},
    {"s3:DeleteObjectVersion", remove_version},
    {"s3:DeleteObject", remove_object},
    {"s3:PutObject", put_object},
    {"s3:PutObjectRetention", retain_object},
    {kCopyOnS3, copy_object},
};

}  // namespace

std::string nobodys_key(const std::string& begin) { return begin + "gameday-nobody"; }

Status may_on_s3(const S3Scope& scope, std::span<const std::string_view> rights,
                 const DeedContext& context) {
  TRY(bucket, open_s3(scope.place, context));
  // A lock knows whole seconds.
  const Utc now = std::chrono::ceil<std::chrono::seconds>(context.doors.clock.now().utc);
  const Look look{bucket, scope, nobodys_key(scope.begin), now};
  Status held;
  for (const Right& right : kAll) {
    if (std::ranges::find(rights, right.name) == rights.end()) continue;
    const Status now_held = told(right.ask(look));
    if (now_held) continue;
    held = std::unexpected(now_held.error().in(std::string(right.name)));
    // Nothing may be asked of a key that somebody has.
    if (!is_not_known(held.error()) || right.ask == list_versions) return held;
  }
  return held;
}

}  // namespace gameday
