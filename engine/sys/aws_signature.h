// Who asks, in the way of Amazon's services: Signature Version 4. Ours and not libcurl's, because
// that of Debian 12 (7.88) signs a query as it stands: one that is not sorted, or that has a name
// without `=`, is refused.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"

namespace gameday {

struct AwsCredentials {
  std::string access_key = {};
  std::string secret_key = {};
  std::string session_token = {};  // of temporary ones; empty: they are not
  bool operator==(const AwsCredentials&) const = default;
};

using AwsPairs = std::vector<std::pair<std::string, std::string>>;

struct AwsQuestion {
  std::string method = "GET";
  std::string path = "/";    // as it is sent: encoded, once
  AwsPairs query = {};       // as it is meant: not encoded
  AwsPairs headers = {};     // all that are signed; `host` and `x-amz-date` are among them
  std::string payload = {};  // SHA-256 of the body in hexadecimal digits, or UNSIGNED-PAYLOAD
};

struct AwsScope {
  std::string region;
  std::string service;
};

// The value of the Authorization header.
[[nodiscard]] std::string aws_authorization(const AwsQuestion& question,
                                            const AwsCredentials& credentials,
                                            const AwsScope& scope, Utc when);

// "20150830T123600Z"
[[nodiscard]] std::string aws_date(Utc when);
// "a=1&b=", sorted and encoded, as it is signed and is to be sent.
[[nodiscard]] std::string aws_query(const AwsPairs& query);
// A key as a path: all but unreserved characters and slashes as %XX.
[[nodiscard]] std::string aws_path(std::string_view key);

}  // namespace gameday
