// Attacks the lock of a bucket, as who wants the backups gone would: a canary is written with a
// retention, and removing that version is tried, by itself and among others, and shortening its
// lock, each plainly and past governance. Whatever is let
// through, and a bucket that locks nothing, is a no. A removal that names no version succeeds under
// every lock, and only hides: it is done too, to see that it is no more than that.
#include <cctype>

#include "drills/systems/s3_rights.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr double kShortest = 2;  // it is shortened by one
constexpr double kLongest = 7 * 86400.0;
constexpr std::string_view kModes[] = {"compliance", "governance"};

constexpr Field kFields[] = {
    {.name = "mode",
     .type = FieldType::choice,
     .help = "The lock's mode. Whoever has s3:BypassGovernanceRetention may remove what is under "
             "governance; what is under compliance, nobody.",
     .otherwise = "compliance",
     .choices = kModes},
    {.name = "retain",
     .type = FieldType::duration,
     .help = "How long the canary is locked. If that is over by the step's deadline, it is waited "
             "for, and the canary removed; else it stays, and the proof says until when.",
     .otherwise = "30s",
     .least = kShortest,
     .most = kLongest},
    {.name = "access_key",
     .help = "Who attacks beside gameday itself, as the backups' writer does. Without it, nobody.",
     .otherwise = ""},
    {.name = "secret_key",
     .help = "That one's key, as a secret: ${env:NAME} or ${file:PATH}.",
     .otherwise = ""},
};

struct Canary {
  std::string key = {};
  std::string version = {};
  std::string digest = {};
  std::string mode = {};
  Utc locked_until = {};
};

// One try to be rid of the canary, and what the server said to it.
struct Attempt {
  std::string who;
  std::string how;
  Status done;
};

constexpr const char* kCanary = "gameday-canary-";

std::string place_of(const S3Place& place, const DeedContext& context) {
  return place.prefix + kCanary + context.mark;
}

std::string notes_of(const DeedContext& context) {
  return context.private_folder + "/" + context.mark + ".canary";
}

// Some servers say no, and have written it all the same (versitygw 1.8.0). Only ours has that key.
Status sweep(S3& bucket, const std::string& key) {
  TRY(versioning, bucket.versioning());
  TRY(left, versioning.empty() ? bucket.objects(key, kMostVersions)
                               : bucket.versions(key, kMostVersions));
  for (const auto& version : left) {
    TRY(removed, bucket.remove(version.key, versioning.empty() ? "" : version.version));
  }
  return {};
}

Result<Canary> write_canary(S3& bucket, const S3Place& place, const Deed& deed,
                            const DeedContext& context) {
  const Duration retain = duration_in(deed.arguments, "retain").value_or(Duration{});
  // Whole seconds are all that a lock knows.
  const Utc until = std::chrono::ceil<std::chrono::seconds>(context.doors.clock.now().utc + retain);
  std::string mode = deed.arguments.text("mode");
  for (char& c : mode) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  Canary canary{.key = place_of(place, context), .mode = mode, .locked_until = until};
  const std::string body = "gameday's canary " + context.mark + ", locked until " + rfc3339(until);
  canary.digest = sha256(body);
  const auto put =
      bucket.put({.key = canary.key,
                  .body = body,
                  .headers = {{"x-amz-object-lock-mode", mode},
                              {"x-amz-object-lock-retain-until-date", rfc3339(until)}}});
  if (!put) {
    Error error = put.error().in("no canary can be locked there");
    const Status swept = sweep(bucket, canary.key);
    if (!swept) error.text += "; " + canary.key + " may be there: " + swept.error().text;
    return std::unexpected(error);
  }
  canary.version = *put;
  if (!canary.version.empty() && canary.version != "null") return canary;
  const Status swept = sweep(bucket, canary.key);
  return fail(ErrorCode::refused, shown(bucket.address()) +
                                      " keeps no versions: a canary was written as if it were "
                                      "locked, and nothing there can be locked" +
                                      (swept ? "" : "; " + canary.key + " stays"));
}

// A server may look at the lock in one way and not in another.
struct Way {
  std::string_view how;
  Status (*attack)(S3& bucket, const Canary& canary, bool bypass);
};
constexpr Way kWays[] = {
    {"removing a locked version",
     [](S3& bucket, const Canary& canary, bool bypass) -> Status {
       TRY(removed, bucket.remove(canary.key, canary.version, bypass));
       return {};
     }},
    {"removing a locked version among others",
     [](S3& bucket, const Canary& canary, bool bypass) -> Status {
       return bucket.remove_all({{.key = canary.key, .version = canary.version}}, bypass);
     }},
    // Whoever may shorten a lock only has to wait.
    {"shortening the lock of a version",
     [](S3& bucket, const Canary& canary, bool bypass) -> Status {
       return bucket.retain({.key = canary.key,
                             .version = canary.version,
                             .lock_mode = canary.mode,
                             .locked_until = canary.locked_until - std::chrono::seconds(1)},
                            bypass);
     }},
};

// In the order of who is most likely to be let.
Result<std::vector<Attempt>> attack(const S3Place& place, const Deed& deed, const Canary& canary,
                                    const DeedContext& context) {
  std::vector<Attempt> attempts;
  const auto attack_as = [&](const std::string& who, S3& bucket) {
    for (const auto& way : kWays) {
      for (const bool bypass : {false, true}) {
        attempts.push_back({who, std::string(way.how) + (bypass ? " past governance" : " plainly"),
                            way.attack(bucket, canary, bypass)});
      }
    }
  };
  if (!deed.arguments.text("access_key").empty()) {
    S3Place other = place;
    other.access_key = deed.arguments.text("access_key");
    other.secret_key = deed.arguments.text("secret_key");
    other.session_token = other.profile = "";
    TRY(checked, s3_place_from(to_json(other)));
    TRY(theirs, open_s3(checked, context));
    attack_as("the other one", theirs);
  }
  TRY(ours, open_s3(place, context));
  attack_as("gameday", ours);
  return attempts;
}

// What a removal without a version does: a marker, and the canary is under it as it was.
Status hide_and_show(S3& bucket, const Canary& canary) {
  TRY(hidden, bucket.remove(canary.key));
  if (!hidden.marker || hidden.version.empty() || hidden.version == canary.version) {
    return fail(ErrorCode::failed, "a removal that named no version left no marker");
  }
  TRY(shown, bucket.remove(canary.key, hidden.version));
  return {};
}

Status still_sings(S3& bucket, const Canary& canary) {
  const auto object = bucket.look(canary.key, canary.version);
  if (!object) return std::unexpected(object.error().in("the canary cannot be read"));
  TRY(digest, bucket.digest(*object));
  if (digest == canary.digest) return {};
  return fail(ErrorCode::corrupt, "the canary holds " + digest + ", not " + canary.digest);
}

// Every attempt must be refused as one that is forbidden: what failed otherwise tells nothing.
Status judged(const std::vector<Attempt>& attempts) {
  for (const auto& attempt : attempts) {
    const std::string tried = attempt.who + " " + attempt.how;
    if (attempt.done) {
      return fail(ErrorCode::failed, tried + " was let through: the lock holds nobody off",
                  "take s3:BypassGovernanceRetention away, or lock in compliance mode");
    }
    if (attempt.done.error().code == ErrorCode::refused) continue;
    return fail(ErrorCode::failed,
                tried + " was not refused as forbidden, but failed: " + attempt.done.error().text);
  }
  return {};
}

// Removed where its lock is over in time; else the error says what stays.
Status clean_up(S3& bucket, const Canary& canary, const DeedContext& context) {
  constexpr Duration kSlack = std::chrono::seconds(1);  // between the server's clock and ours
  const Duration left = canary.locked_until - context.doors.clock.now().utc + kSlack;
  if (context.doors.clock.in(left) < context.until.deadline) {
    TRY_OK(context.doors.clock.pause(std::max(left, Duration{}), context.until));
    TRY(removed, bucket.remove(canary.key, canary.version));
    return {};
  }
  return fail(ErrorCode::refused, "locked until " + rfc3339(canary.locked_until));
}

Json told(const Canary& canary, const std::vector<Attempt>& attempts) {
  Json tried = Json::array();
  for (const auto& attempt : attempts) {
    tried.push(
        Json::object({{"who", attempt.who},
                      {"how", attempt.how},
                      {"answer", attempt.done ? "let through" : attempt.done.error().text}}));
  }
  return Json::object({{"key", canary.key},
                       {"version", canary.version},
                       {"digest", canary.digest},
                       {"locked_until", rfc3339(canary.locked_until)},
                       {"attempts", tried}});
}

Status perform(const Deed& deed, const DeedContext& context) {
  TRY(place, s3_place_of(deed, context));
  TRY(bucket, open_s3(place, context));
  TRY(canary, write_canary(bucket, place, deed, context));
  const auto attempts = attack(place, deed, canary, context);
  Status verdict = attempts ? judged(*attempts) : std::unexpected(attempts.error());
  if (verdict) verdict = hide_and_show(bucket, canary);
  if (verdict) verdict = still_sings(bucket, canary);
  const Status cleaned = clean_up(bucket, canary, context);
  if (!verdict) {
    Error error = verdict.error();
    if (!cleaned) error.text += "; " + canary.key + " stays: " + cleaned.error().text;
    return std::unexpected(error);
  }
  Json notes = told(canary, *attempts);
  notes.set("mode", deed.arguments.text("mode"));
  notes.set("stays", cleaned ? "" : cleaned.error().text);
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  return context.doors.files.write(notes_of(context), notes.dump() + "\n", 0600);
}

// Looked at once more: what was to stay is there as it was written, and nothing else is.
Result<Proof> prove(const Deed& deed, const DeedContext& context) {
  TRY(place, s3_place_of(deed, context));
  if (!context.doors.files.exists(notes_of(context))) {
    return Proof{false, "the lock was not attacked", Json::object()};
  }
  TRY(bytes, context.doors.files.read(notes_of(context)));
  TRY(notes, Json::parse(bytes));
  TRY(bucket, open_s3(place, context));
  TRY(versions, bucket.versions(notes.text("key"), kMostVersions));
  const std::string stays = notes.text("stays");
  const bool as_told =
      stays.empty() ? versions.empty()
                    : versions.size() == 1 && versions.front().version == notes.text("version");
  const std::string tries = std::to_string(notes.items("attempts").size());
  return Proof{
      as_told,
      !as_told ? "of the canary " + notes.text("key") + " there are " +
                     std::to_string(versions.size()) + " versions"
      : stays.empty()
          ? tries +
                " tries to remove a locked version, or to shorten its lock, were refused; it is "
                "gone since its "
                "lock is over"
          : tries + " tries to remove a locked version, or to shorten its lock, were refused; " +
                notes.text("key") + " stays, " + stays,
      notes};
}

// Who lacks one of them is refused for that, and not by the lock.
Status may(const Step& step, const DeedContext& context) {
  constexpr std::string_view kNeeded[] = {
      "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration",
      "s3:ListBucketVersions",  "s3:GetObjectVersion",
      "s3:PutObject",           "s3:PutObjectRetention",
      "s3:DeleteObject",        "s3:DeleteObjectVersion"};
  const Target* target = context.system.target(step.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  TRY(place, s3_place_of(*target));
  return may_on_s3({place, place.prefix + kCanary}, kNeeded, context);
}

}  // namespace

extern const ActionRow attack_lock_action;
const ActionRow attack_lock_action{
    .name = "attack-lock",
    .summary =
        "Tries to remove a version that a bucket has locked, and to shorten its lock; all tries "
        "must "
        "be refused.",
    .fields = kFields,
    .facet = "s3",
    .rights =
        "s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:ListBucketVersions, "
        "s3:GetObjectVersion, s3:PutObject, s3:PutObjectRetention, s3:DeleteObject and "
        "s3:DeleteObjectVersion",
    .example = "- { action: attack-lock, target: archive, mode: compliance, retain: 20s }",
    .perform = perform,
    .prove = prove,
    .may = may,
};

}  // namespace gameday
