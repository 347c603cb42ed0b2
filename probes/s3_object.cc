#include <algorithm>

#include "drills/systems/s3.h"
#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kLocks[] = {"none", "governance", "compliance"};

constexpr Field kExpect[] = {
    {.name = "latency",
     .type = FieldType::duration,
     .help = "How long the server may take to tell of it, at most."},
    {.name = "exists",
     .type = FieldType::boolean,
     .help = "Whether it must be there.",
     .otherwise = "true"},
    {.name = "age",
     .type = FieldType::duration,
     .help = "How long ago it was written, at most, by this machine's clock."},
    {.name = "size", .type = FieldType::comparison, .help = "How many bytes it has."},
    {.name = "count",
     .type = FieldType::comparison,
     .help = "How many objects there are under `prefix`."},
    {.name = "digest",
     .help = "What it must hold, as sha256:... of it; all of it is read for that."},
    {.name = "lock",
     .type = FieldType::choice,
     .help = "In which mode it is locked. Where the server tells nothing, because of a right that "
             "is lacking too, that is none.",
     .choices = kLocks},
    {.name = "locked_for",
     .type = FieldType::duration,
     .help = "How long from now it is locked yet, at least."},
};

constexpr Field kFields[] = {
    {.name = "target",
     .type = FieldType::target,
     .help = "A target of the system with an `s3` facet.",
     .required = true},
    {.name = "key", .help = "The object, its key as the bucket has it."},
    {.name = "prefix",
     .help = "How keys begin, the newest of which is asked for; without `key` and this, the "
             "target's own."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What must be so of it; without this, that it is there is enough.",
     .fields = kExpect},
};

Answer compared(const Json& expect, std::string_view name, std::int64_t seen,
                const std::string& told) {
  const auto comparison = comparison_of(expect.get(name));
  if (!comparison) return {false, comparison.error().text};
  if (comparison->holds(Json(seen))) return {true, told};
  return {false, "expected " + comparison->shown() + ", but " + told};
}

Answer judged_lock(const S3Object& object, const Json& expect, Utc now) {
  const std::string wanted = expect.text("lock");
  const std::string mode = object.lock_mode.empty() ? "none" : lower(object.lock_mode);
  if (!wanted.empty() && mode != wanted) {
    return {false, object.key + ": its lock is " + mode + ", expected " + wanted};
  }
  const auto least = duration_in(expect, "locked_for");
  if (!least) return {true, ""};
  if (!object.locked_until) return {false, object.key + " is not known to be locked"};
  if (*object.locked_until - now < *least) {
    return {false, object.key + " is locked until " + rfc3339(*object.locked_until) + ", not for " +
                       expect.text("locked_for")};
  }
  return {true, ""};
}

// Who may not is told what it takes: a server has no word for that in its answers to a HEAD.
template <class T>
Result<T> wanting(std::string_view right, Result<T> asked) {
  if (asked || asked.error().code != ErrorCode::refused) return asked;
  return std::unexpected(asked.error().in(std::string(right)));
}

Answer judged(S3& bucket, const S3Object& object, const Json& expect, Utc now) {
  const Duration age = now - object.modified;
  const std::string told =
      object.key + " has " + std::to_string(object.size) + " bytes, written " + shown(age) + " ago";
  if (const auto most = duration_in(expect, "age"); most && age > *most) {
    return {false, told + ", at most " + expect.text("age")};
  }
  if (expect.find("size") != nullptr) {
    const Answer sized = compared(expect, "size", object.size, told);
    if (!sized.ok) return sized;
  }
  if (const Answer locked = judged_lock(object, expect, now); !locked.ok) return locked;
  const std::string wanted = expect.text("digest");
  if (wanted.empty()) return {true, told};
  // What stands there now, for which the right to read is enough.
  S3Object current = object;
  current.version.clear();
  const auto digest = wanting("s3:GetObject", bucket.digest(current));
  if (!digest) return {false, digest.error().text};
  return *digest == wanted ? Answer{true, told}
                           : Answer{false, object.key + " holds " + *digest + ", not " + wanted};
}

// What there is of what is asked for.
struct Seen {
  std::vector<S3Version> listed;
  std::optional<S3Object> object;
};

Result<Seen> look(S3& bucket, const Json& arguments, const std::string& own_prefix) {
  Seen seen;
  std::string key = arguments.text("key");
  if (key.empty()) {
    TRY(listed, wanting("s3:ListBucket",
                        bucket.objects(arguments.text("prefix", own_prefix), kMostVersions)));
    if (listed.empty()) return seen;
    key = std::ranges::max_element(listed, {}, &S3Version::modified)->key;
    seen.listed = std::move(listed);
  }
  auto object = wanting("s3:GetObject", bucket.look(key));
  if (!object && object.error().code == ErrorCode::not_found) return seen;
  if (!object) return std::unexpected(object.error());
  seen.object = std::move(*object);
  return seen;
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const Target* target = context.system.target(arguments.text("target"));
  if (target == nullptr) return {false, "no target is called " + arguments.text("target")};
  const auto place = s3_place_of(*target);
  if (!place) return {false, place.error().text};
  auto bucket = open_s3(*place, context);
  if (!bucket) return {false, bucket.error().text};
  const Json& expect = arguments.get("expect");
  const Instant sent = context.doors.clock.now().boot;
  const auto seen = look(*bucket, arguments, place->prefix);
  if (!seen) return {false, seen.error().text};
  const Duration took = context.doors.clock.now().boot - sent;
  if (const auto most = duration_in(expect, "latency"); most && took > *most) {
    return {false, "answered in " + shown(took) + ", at most " + expect.text("latency")};
  }
  if (expect.find("count") != nullptr) {
    const auto count = static_cast<std::int64_t>(seen->listed.size());
    const Answer counted =
        compared(expect, "count", count, std::to_string(count) + " objects are there");
    if (!counted.ok) return counted;
  }
  const bool wanted = expect.boolean("exists", true);
  if (!seen->object) return {!wanted, "nothing is there"};
  if (!wanted) return {false, seen->object->key + " is there"};
  return judged(*bucket, *seen->object, expect, context.doors.clock.now().utc);
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  const std::string name = arguments.text("target");
  const Target* target = system.target(name);
  if (target != nullptr && target->facets.find("s3") == nullptr) {
    return WrongField{"target", name + " has no `s3` facet"};
  }
  if (target != nullptr) {
    if (const auto place = s3_place_of(*target); !place) {
      return WrongField{"target", place.error().text};
    }
  }
  const bool keyed = !arguments.text("key").empty();
  if (keyed && !arguments.text("prefix").empty()) {
    return WrongField{"prefix", "there is a `key` already, which is one object"};
  }
  if (keyed && arguments.get("expect").find("count") != nullptr) {
    return WrongField{"expect.count", "`key` is one object; it counts what is under `prefix`"};
  }
  const std::string digest = arguments.get("expect").text("digest");
  constexpr std::size_t kLength = 71;
  if (!digest.empty() && (!digest.starts_with("sha256:") || digest.size() != kLength)) {
    return WrongField{"expect.digest", "expected sha256: and 64 digits"};
  }
  return {};
}

}  // namespace

extern const ProbeRow s3_object_probe;
const ProbeRow s3_object_probe{
    .name = "s3-object",
    .summary =
        "Asks an S3 server of an object, or of the newest one under a prefix: whether it is "
        "there, its age, size, content and lock.",
    .scalar = "target",
    .fields = kFields,
    .example = "backup-is-young: { s3-object: archive, expect: { age: 26h, size: \"> 0\" } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
