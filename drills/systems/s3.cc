#include "drills/systems/s3.h"

#include <cstdlib>

#include "engine/sys/aws_credentials.h"

namespace gameday {
namespace {

Status no_secret(const std::string& name, const std::string& written) {
  if (written.empty() || !references_in(written).empty()) return {};
  return fail(ErrorCode::refused,
              "`" + name + "` stands in the playbook in plain: it would be in the journal",
              "give it as ${env:NAME} or ${file:PATH}, or leave it out: then it is taken from "
              "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from ~/.aws/credentials");
}

// What a secret of the environment is, wherever it has been taken to; empty: there is none.
std::string from_environment(const std::string& name, const Secrets& secrets) {
  return secrets.reveal("${env:" + name + "}").value_or("");
}

std::string credentials_file(const Secrets& secrets) {
  if (auto named = from_environment("AWS_SHARED_CREDENTIALS_FILE", secrets); !named.empty()) {
    return named;
  }
  return from_environment("HOME", secrets) + "/.aws/credentials";
}

Result<AwsCredentials> from_profile(const std::string& wanted, const DeedContext& context) {
  constexpr std::int64_t kLargest = 1 << 20;
  std::string profile = wanted;
  if (profile.empty()) profile = from_environment("AWS_PROFILE", context.secrets);
  if (profile.empty()) profile = "default";
  const std::string file = credentials_file(context.secrets);
  const auto text = context.doors.files.read(file, kLargest);
  if (!text) {
    return fail(ErrorCode::refused,
                "no credentials for S3: neither `access_key` nor AWS_ACCESS_KEY_ID is there, and " +
                    text.error().text);
  }
  auto found = aws_profile(*text, profile);
  if (!found) return std::unexpected(found.error().in(file));
  return found;
}

}  // namespace

Result<S3Place> s3_place_from(const Json& written) {
  S3Place place{.endpoint = written.text("endpoint"),
                .bucket = written.text("bucket"),
                .prefix = written.text("prefix"),
                .region = written.text("region", "us-east-1"),
                .path_style = written.boolean("path_style", true),
                .verify = written.boolean("verify", true),
                .ca = written.text("ca"),
                .access_key = written.text("access_key"),
                .secret_key = written.text("secret_key"),
                .session_token = written.text("session_token"),
                .profile = written.text("profile")};
  TRY_OK(no_secret("secret_key", place.secret_key));
  TRY_OK(no_secret("session_token", place.session_token));
  if (place.access_key.empty() != place.secret_key.empty()) {
    return fail(ErrorCode::invalid, "`access_key` and `secret_key` go together");
  }
  if (!place.access_key.empty() && !place.profile.empty()) {
    return fail(ErrorCode::invalid, "`profile` names other credentials than `access_key`");
  }
  TRY_OK(check(address_of(place)));
  return place;
}

Result<S3Place> s3_place_of(const Target& target) {
  auto place = s3_place_from(target.facets.get("s3"));
  if (!place) return std::unexpected(place.error().in("target " + target.name));
  return place;
}

Result<S3Place> s3_place_of(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  return s3_place_of(*target);
}

Json to_json(const S3Place& place) {
  return Json::object({{"endpoint", place.endpoint},
                       {"bucket", place.bucket},
                       {"prefix", place.prefix},
                       {"region", place.region},
                       {"path_style", place.path_style},
                       {"verify", place.verify},
                       {"ca", place.ca},
                       {"access_key", place.access_key},
                       {"secret_key", place.secret_key},
                       {"session_token", place.session_token},
                       {"profile", place.profile}});
}

S3Address address_of(const S3Place& place) {
  return {.endpoint = place.endpoint,
          .region = place.region,
          .bucket = place.bucket,
          .path_style = place.path_style,
          .verify = place.verify,
          .ca = place.ca};
}

Result<AwsCredentials> s3_credentials(const S3Place& place, const DeedContext& context) {
  if (!place.access_key.empty()) {
    TRY(access, context.secrets.reveal(place.access_key));
    TRY(secret, context.secrets.reveal(place.secret_key));
    TRY(token, context.secrets.reveal(place.session_token));
    return AwsCredentials{access, secret, token};
  }
  if (place.profile.empty()) {
    AwsCredentials own{from_environment("AWS_ACCESS_KEY_ID", context.secrets),
                       from_environment("AWS_SECRET_ACCESS_KEY", context.secrets),
                       from_environment("AWS_SESSION_TOKEN", context.secrets)};
    if (!own.access_key.empty() && !own.secret_key.empty()) return own;
  }
  return from_profile(place.profile, context);
}

Result<S3> open_s3(const S3Place& place, const DeedContext& context) {
  TRY(credentials, s3_credentials(place, context));
  return S3(address_of(place), std::move(credentials), context.doors.clock, context.until,
            context.doors.observer);
}

Status keeps_versions(S3& bucket) {
  TRY(status, bucket.versioning());
  if (status == "Enabled") return {};
  return fail(ErrorCode::refused,
              shown(bucket.address()) + " keeps no versions (versioning is " +
                  (status.empty() ? "off" : status) +
                  "): what is removed or written over there could not be put back as it was",
              "switch versioning on, or aim at a bucket that has it");
}

Status locks_nothing_new(S3& bucket) {
  TRY(lock, bucket.lock());
  if (lock.default_mode.empty()) return {};
  return fail(ErrorCode::refused,
              shown(bucket.address()) + " locks all that is written to it (" + lock.default_mode +
                  "): what the drill writes could not be removed again",
              "aim at a bucket without default retention");
}

std::vector<S3Version> current_of(const std::vector<S3Version>& versions) {
  std::vector<S3Version> current;
  for (const auto& version : versions) {
    if (version.latest && !version.deletes) current.push_back(version);
  }
  return current;
}

}  // namespace gameday
