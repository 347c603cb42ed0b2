// What an S3 server says, read: a page of a list, an error, a time.
#pragma once

#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/sys/aws_signature.h"
#include "engine/sys/xml.h"

namespace gameday {

struct S3Version {
  std::string key = {};
  std::string version = {};  // empty: the list tells none
  bool latest = false;
  bool deletes = false;  // a delete marker
  std::int64_t size = 0;
  std::string etag = {};
  Utc modified = {};
};

struct S3Page {
  std::vector<S3Version> versions;  // of a key, the newest first
  AwsPairs next = {};  // what the question for the next page has beside; empty: this is the last
};
// Of a list of objects or of versions, whose keys are encoded as in a URL if it says so.
[[nodiscard]] Result<S3Page> s3_page(std::string_view document);

// What a removal of many asks for, without an answer for each that went well.
inline constexpr std::size_t kMostRemoved = 1000;
[[nodiscard]] std::string s3_removal(const std::vector<S3Version>& versions);
// refused, failed: what it names first was not removed. What was not there is no error.
[[nodiscard]] Status s3_removed(std::string_view document);

// The error that an answer tells of: refused (403), not_found (404), conflict (409, 412),
// unsupported (501), invalid (another 4xx), else failed.
[[nodiscard]] Error s3_error(int status, std::string_view body);

// "Thu, 26 Nov 2026 18:00:00 GMT"
[[nodiscard]] Result<Utc> utc_of_http(std::string_view date);

}  // namespace gameday
