// How a bucket of an S3 server is spoken to: where it is, who we are there, and which of its keys
// are the target's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"
#include "engine/sys/s3.h"

namespace gameday {

// As the playbook gives it: secrets still as references.
struct S3Place {
  std::string endpoint;
  std::string bucket;
  std::string prefix = {};  // of the keys that are the target's; nothing else is touched
  std::string region = "us-east-1";
  bool path_style = true;
  bool verify = true;
  std::string ca = {};
  // The keys; empty: those of the environment, or of a profile in Amazon's file.
  std::string access_key = {};
  std::string secret_key = {};
  std::string session_token = {};
  std::string profile = {};  // empty: what AWS_PROFILE says, or `default`
};
// refused: a key that stands there in plain.
[[nodiscard]] Result<S3Place> s3_place_of(const Target& target);
[[nodiscard]] Result<S3Place> s3_place_of(const Deed& deed, const DeedContext& context);
[[nodiscard]] Json to_json(const S3Place& place);
[[nodiscard]] Result<S3Place> s3_place_from(const Json& written);
[[nodiscard]] S3Address address_of(const S3Place& place);

[[nodiscard]] Result<AwsCredentials> s3_credentials(const S3Place& place,
                                                    const DeedContext& context);
[[nodiscard]] Result<S3> open_s3(const S3Place& place, const DeedContext& context);

// What a drill takes on at once: all of it is listed, and changed key by key.
inline constexpr std::size_t kMostObjects = 1000;
// Versions that are listed to find those.
inline constexpr std::size_t kMostVersions = 100'000;

// refused: the bucket keeps no versions, or only some.
[[nodiscard]] Status keeps_versions(S3& bucket);
// refused: what is new would be locked like everything, and could not be removed.
[[nodiscard]] Status locks_nothing_new(S3& bucket);
// The versions that are current and no markers.
[[nodiscard]] std::vector<S3Version> current_of(const std::vector<S3Version>& versions);

}  // namespace gameday
