// The facet of a target that is a bucket of an S3 server, or the keys of it that begin alike.
#include "drills/systems/s3_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "endpoint",
     .help = "The server: http://HOST:PORT or https://HOST, as a link has it where the drill is to "
             "slow or cut the way to it.",
     .required = true},
    {.name = "bucket", .help = "The bucket's name.", .required = true},
    {.name = "prefix",
     .help = "How the keys begin that are this target's; without it, all are. Nothing else in the "
             "bucket is touched."},
    {.name = "region",
     .help = "The region that requests are signed for.",
     .otherwise = "us-east-1"},
    {.name = "path_style",
     .type = FieldType::boolean,
     .help = "Whether the bucket stands in the path, as most servers but Amazon's have it, or "
             "before the host's name.",
     .otherwise = "true"},
    {.name = "access_key",
     .help = "Who gameday is there. Without it: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
             "else a profile of ~/.aws/credentials."},
    {.name = "secret_key",
     .help = "The key to sign with, as a secret: ${env:NAME} or ${file:PATH}."},
    {.name = "session_token",
     .help = "What temporary credentials have beside, as a secret: ${env:NAME} or ${file:PATH}."},
    {.name = "profile",
     .help = "The profile of ~/.aws/credentials, or of the file that AWS_SHARED_CREDENTIALS_FILE "
             "names; without it, what AWS_PROFILE says, or `default`."},
    {.name = "verify",
     .type = FieldType::boolean,
     .help = "Whether an https:// endpoint's certificate must be trusted.",
     .otherwise = "true"},
    {.name = "ca",
     .type = FieldType::path,
     .help = "A file of certificates in PEM that it is trusted by; without it, those that this "
             "machine trusts."},
};

// A bucket has no identity beyond its name and where it is asked for.
Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(place, s3_place_of(target));
  TRY(bucket, open_s3(place, context));
  TRY(versioning, bucket.versioning());
  TRY(lock, bucket.lock());
  Instance instance{target.name, shown(bucket.address()),
                    "s3:" + place.endpoint + "/" + place.bucket,
                    Json::object({{"versioning", versioning.empty() ? "off" : versioning},
                                  {"object_lock", lock.enabled},
                                  {"default_retention", lock.default_mode},
                                  {"prefix", place.prefix}})};
  if (!place.prefix.empty()) instance.shown += ", keys " + place.prefix + "*";
  return instance;
}

// What it takes to find the target; each row looks for its own beside.
Status may(const Target& target, const DeedContext& context) {
  constexpr std::string_view kNeeded[] = {"s3:GetBucketVersioning",
                                          "s3:GetBucketObjectLockConfiguration"};
  TRY(place, s3_place_of(target));
  return may_on_s3({place, place.prefix}, kNeeded, context);
}

}  // namespace

extern const FacetRow s3_facet;
const FacetRow s3_facet{
    .name = "s3",
    .summary = "A bucket of an S3 server, or the keys of it that begin alike.",
    .scalar = "",
    .fields = kFields,
    .resolve = &resolve,
    .may = &may,
};

}  // namespace gameday
