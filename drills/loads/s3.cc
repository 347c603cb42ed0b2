#include "drills/systems/s3.h"

#include "drills/systems/key_form.h"
#include "drills/systems/s3_rights.h"
#include "engine/base/units.h"
#include "engine/load/load_client.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr double kSmallest = 64, kLargest = 1 << 20;

constexpr Field kFields[] = {
    {.name = "connection",
     .type = FieldType::target,
     .help = "A target with an `s3` facet.",
     .required = true},
    {.name = "connections",
     .type = FieldType::integer,
     .help = "How many connections at most write at once, opened as they are needed; without it as "
             "many as a stall of `timeout` needs, 32 at most. What waits for one is late by our "
             "fault, and its second is marked.",
     .least = 1,
     .most = 500},
    {.name = "key",
     .help = "The object that is put for each write, behind the target's `prefix`; {key} in it "
             "begins with the drill's id, by which all are found again and removed.",
     .otherwise = "gameday/{key}"},
    {.name = "size",
     .type = FieldType::size,
     .help = "How many bytes each holds: its digest, over and over.",
     .otherwise = "1KiB",
     .least = kSmallest,
     .most = kLargest},
};

// Keys that a ledger can have: whoever lists more is no server of ours.
constexpr std::size_t kMostListed = 200'000;

std::string content_of(const std::string& digest, std::size_t size) {
  std::string content;
  content.reserve(size + digest.size() + 1);
  while (content.size() < size) content.append(digest).append("\n");
  content.resize(size);
  return content;
}

// The digest that an object was made from, if all of it is as it was made.
std::string digest_in(const std::string& content, std::size_t size) {
  const std::string digest = content.substr(0, content.find('\n'));
  return !digest.empty() && content == content_of(digest, size) ? digest : "not as it was written";
}

// What is ours in a bucket, of one drill and load.
struct Objects {
  S3Place place;
  KeyForm form;
  std::size_t size = 0;
};

Result<Objects> objects_of(const Undo& undo) {
  TRY(place, s3_place_from(undo.arguments.get("bucket")));
  KeyForm form = key_form(undo);
  form.before = place.prefix + form.before;
  const auto size = undo.arguments.integer("size", 0);
  if (size < static_cast<std::int64_t>(kSmallest) || size > static_cast<std::int64_t>(kLargest)) {
    return fail(ErrorCode::corrupt, "an undo of load-s3 whose objects have no size");
  }
  return Objects{std::move(place), std::move(form), static_cast<std::size_t>(size)};
}

bool keeps_ledger(const Json&) { return true; }

std::string shown(const Json& arguments) {
  return arguments.text("connection") + ": PUT " + arguments.text("key");
}

std::optional<WrongField> check(const LoadSpec& spec, const System& system) {
  const std::string name = spec.arguments.text("connection");
  const Target* target = system.target(name);
  if (target == nullptr || target->facets.find("s3") == nullptr) {
    return WrongField{"connection", "no target with an `s3` facet is called " + name};
  }
  if (const auto wrong = wrong_key_form(spec.arguments.text("key")); !wrong.empty()) {
    return WrongField{"key", wrong};
  }
  if (const auto place = s3_place_of(*target); !place) {
    return WrongField{"connection", place.error().text};
  }
  return {};
}

Result<Undo> prepare(const LoadSpec& spec, const DeedContext& context) {
  const Target* target = context.system.target(spec.arguments.text("connection"));
  if (target == nullptr) return fail(ErrorCode::not_found, "its target is not there");
  TRY(place, s3_place_of(*target));
  return Undo{"load-s3", Json::object({{"load", spec.name},
                                       {"drill", context.drill},
                                       {"bucket", to_json(place)},
                                       {"key", spec.arguments.text("key")},
                                       {"size", size_in(spec.arguments, "size").value_or(0)}})};
}

Status each_own(const Undo& undo, const DeedContext& context,
                const std::function<Status(S3&, const std::vector<S3Version>&)>& each) {
  TRY(objects, objects_of(undo));
  TRY(bucket, open_s3(objects.place, context));
  return bucket.each_version(objects.form.begin(undo), [&](const std::vector<S3Version>& page) {
    std::vector<S3Version> own;
    for (const auto& version : page) {
      if (objects.form.key_in(version.key, undo)) own.push_back(version);
    }
    return each(bucket, own);
  });
}

// Whether it could remove is asked as it removes, many at once.
Status may(const Undo& undo, const DeedContext& context) {
  constexpr std::string_view kNeeded[] = {
      "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration",
      "s3:ListBucket",          "s3:ListBucketVersions",
      "s3:PutObject",           "s3:GetObject",
      "s3:DeleteObjectVersion"};
  TRY(objects, objects_of(undo));
  const std::string begin = objects.form.begin(undo);
  TRY_OK(may_on_s3({objects.place, begin}, kNeeded, context));
  TRY(bucket, open_s3(objects.place, context));
  const Status removed = bucket.remove_all({{.key = nobodys_key(begin), .version = "null"}});
  if (!removed) return std::unexpected(removed.error().in("s3:DeleteObjectVersion"));
  return locks_nothing_new(bucket);
}

class S3Client : public LoadClient {
 public:
  S3Client(S3 bucket, Objects objects) : bucket_(std::move(bucket)), objects_(std::move(objects)) {}

  Written write(const WriteNames& names) override {
    const auto put = bucket_.put({.key = objects_.form.made(names.key),
                                  .body = content_of(names.digest, objects_.size),
                                  .headers = {}});
    if (put) return {SampleOutcome::ok};
    return said_no(put.error().code) ? Written{SampleOutcome::refused}
                                     : Written{SampleOutcome::unknown, false};
  }

 private:
  // What a server has one of these words for it has not done. One that came to grief (5xx) may have
  // done it, and what is no S3 at all may be in the way of one.
  static bool said_no(ErrorCode code) {
    return code == ErrorCode::refused || code == ErrorCode::not_found ||
           code == ErrorCode::conflict || code == ErrorCode::unsupported;
  }

  S3 bucket_;
  const Objects objects_;
};

Result<std::unique_ptr<LoadClient>> connect(const Undo& undo, const DeedContext& context) {
  TRY(objects, objects_of(undo));
  TRY(bucket, open_s3(objects.place, context));
  return std::make_unique<S3Client>(std::move(bucket), std::move(objects));
}

// A list is believed in what it has that should not be there. What an object holds is read: a
// server may list what it cannot give.
class S3Rows : public LedgerReader {
 public:
  S3Rows(S3 bucket, Objects objects, Undo undo)
      : bucket_(std::move(bucket)), objects_(std::move(objects)), undo_(std::move(undo)) {}

  bool lists() const override { return true; }
  bool reads() const override { return true; }

  Result<std::vector<ReadRow>> list() override {
    std::vector<ReadRow> rows;
    const std::string begin = objects_.form.begin(undo_);
    TRY_OK(bucket_.each_object(begin, [&](const std::vector<S3Version>& page) -> Status {
      for (const auto& object : page) {
        const auto key = objects_.form.key_in(object.key, undo_);
        if (key) rows.push_back({*key, ""});
      }
      if (rows.size() <= kMostListed) return {};
      return fail(ErrorCode::invalid, gameday::shown(bucket_.address()) + " lists more than " +
                                          std::to_string(kMostListed) + " objects");
    }));
    return rows;
  }

  Result<std::vector<std::string>> by_key(const WriteNames& names) override {
    const auto content = read(objects_.form.made(names.key));
    if (content) return std::vector{digest_in(*content, objects_.size)};
    switch (content.error().code) {
      case ErrorCode::not_found: return std::vector<std::string>{};
      case ErrorCode::corrupt: return std::vector{content.error().text};
      default: return std::unexpected(content.error());
    }
  }

 private:
  Result<std::string> read(const std::string& key) {
    TRY(object, bucket_.look(key));
    if (object.size != static_cast<std::int64_t>(objects_.size)) {
      return fail(ErrorCode::corrupt, "it has " + std::to_string(object.size) + " bytes");
    }
    object.version.clear();  // what stands there now, for which the right to read is enough
    return bucket_.read(object, object.size);
  }

  S3 bucket_;
  const Objects objects_;
  const Undo undo_;
};

Result<std::unique_ptr<LedgerReader>> reader(const Undo& undo, const DeedContext& context) {
  TRY(objects, objects_of(undo));
  TRY(bucket, open_s3(objects.place, context));
  return std::make_unique<S3Rows>(std::move(bucket), std::move(objects), undo);
}

// Every version, and the markers of whoever has removed some. Where a page is removed, some servers
// do not find their way to the next one: it is over when a list has none.
Status undo_load(const Undo& undo, const DeedContext& context) {
  for (bool found = true; found;) {
    found = false;
    TRY_OK(each_own(undo, context, [&](S3& bucket, const std::vector<S3Version>& own) {
      found = found || !own.empty();
      return bucket.remove_all(own);
    }));
  }
  return {};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  std::size_t there = 0;
  TRY_OK(each_own(undo, context, [&](S3&, const std::vector<S3Version>& own) {
    there += own.size();
    return Status{};
  }));
  return Proof{there == 0, std::to_string(there) + " versions of this drill's are there", {}};
}

}  // namespace

extern const LoadRow s3_load;
const LoadRow s3_load{
    .name = "s3",
    .summary =
        "Puts objects of its own into a bucket of an S3 server; what is acknowledged is answered "
        "with 200, and is read back whole.",
    .fields = kFields,
    .rights =
        "s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:ListBucket, "
        "s3:ListBucketVersions, s3:PutObject, s3:GetObject and s3:DeleteObjectVersion, on keys "
        "that begin so",
    .example = "photos: { rate: 20/s, s3: { connection: archive, key: \"drills/{key}\" } }",
    .check = &check,
    .keeps_ledger = &keeps_ledger,
    .shown = &shown,
    .prepare = &prepare,
    .may = &may,
    .connect = &connect,
    .reader = &reader,
    .undo = &undo_load,
    .gone = &gone,
};

}  // namespace gameday
