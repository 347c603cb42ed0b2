#include "engine/sys/s3_page.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/text.h"

namespace gameday {
namespace {

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

// Of "a%20b+c", as lists have their keys.
Result<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+') {
      plain += ' ';
    } else if (text[at] != '%') {
      plain += text[at];
    } else {
      unsigned byte = 0;
      const auto digits = text.substr(at + 1, 2);
      const auto* const end = digits.data() + digits.size();
      const auto read = std::from_chars(digits.data(), end, byte, 16);
      if (digits.size() < 2 || read.ec != std::errc() || read.ptr != end) {
        return fail(ErrorCode::corrupt, "a list with a key that is encoded wrongly");
      }
      plain += static_cast<char>(byte);
      at += 2;
    }
  }
  return plain;
}

Result<S3Version> version_of(const Xml& told, bool encoded) {
  S3Version version{.key = told.text_of("Key"),
                    .version = told.text_of("VersionId"),
                    .latest = told.name == "Contents" || told.text_of("IsLatest") == "true",
                    .deletes = told.name == "DeleteMarker",
                    .etag = told.text_of("ETag")};
  if (encoded) {
    TRY(key, decoded(version.key));
    version.key = std::move(key);
  }
  const auto size = version.deletes ? 0 : whole(told.text_of("Size"));
  const auto modified = parse_rfc3339(told.text_of("LastModified"));
  if (version.key.empty() || !size || *size < 0 || !modified) {
    return fail(ErrorCode::corrupt, "a list whose entry has no key, size or time");
  }
  version.size = *size;
  version.modified = *modified;
  return version;
}

}  // namespace

Result<S3Page> s3_page(std::string_view document) {
  TRY(told, parse_xml(document));
  if (told.name != "ListBucketResult" && told.name != "ListVersionsResult") {
    return fail(ErrorCode::corrupt, "a list was asked for, and " + told.name + " came");
  }
  const bool encoded = told.text_of("EncodingType") == "url";
  S3Page page;
  for (const auto& child : told.children) {
    if (child.name != "Contents" && child.name != "Version" && child.name != "DeleteMarker") {
      continue;
    }
    TRY(version, version_of(child, encoded));
    page.versions.push_back(std::move(version));
  }
  // Markers stand behind the versions in some servers' lists, by key in others'.
  std::ranges::stable_sort(page.versions, [](const S3Version& one, const S3Version& other) {
    if (one.key != other.key) return one.key < other.key;
    if (one.latest != other.latest) return one.latest;
    return one.modified > other.modified;
  });
  if (told.text_of("IsTruncated") != "true") return page;
  constexpr std::array<std::array<const char*, 2>, 3> kNext{
      {{"NextContinuationToken", "continuation-token"},
       {"NextKeyMarker", "key-marker"},
       {"NextVersionIdMarker", "version-id-marker"}}};
  for (const auto& [name, word] : kNext) {
    std::string value = told.text_of(name);
    if (value.empty()) continue;
    if (encoded && std::string_view(word) == "key-marker") {
      TRY(plain, decoded(value));
      value = std::move(plain);
    }
    page.next.emplace_back(word, value);
  }
  if (page.next.empty())
    return fail(ErrorCode::corrupt, "a list that goes on, but tells not where");
  return page;
}

std::string s3_removal(const std::vector<S3Version>& versions) {
  std::string document = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const auto& one : versions) {
    document += "<Object><Key>" + xml_text(one.key) + "</Key>";
    if (!one.version.empty()) document += "<VersionId>" + xml_text(one.version) + "</VersionId>";
    document += "</Object>";
  }
  return document + "<Quiet>true</Quiet></Delete>";
}

Status s3_removed(std::string_view document) {
  TRY(told, parse_xml(document));
  if (told.name != "DeleteResult") {
    return fail(ErrorCode::corrupt, "a removal was asked for, and " + told.name + " came");
  }
  for (const auto& child : told.children) {
    const std::string code = child.text_of("Code");
    if (child.name != "Error" || code == "NoSuchKey" || code == "NoSuchVersion") continue;
    return fail(code == "AccessDenied" ? ErrorCode::refused : ErrorCode::failed,
                valid_utf8(child.text_of("Key") + " was not removed: " + code + ": " +
                           child.text_of("Message")));
  }
  return {};
}

Error s3_error(int status, std::string_view body) {
  std::string text = "status " + std::to_string(status);
  // An answer to HEAD has no body.
  if (const auto told = parse_xml(body); told && told->name == "Error") {
    text += ", " + told->text_of("Code") + ": " + told->text_of("Message");
  }
  const auto code = [status] {
    switch (status) {
      case 401:
      case 403: return ErrorCode::refused;
      case 404: return ErrorCode::not_found;
      case 409:
      case 412: return ErrorCode::conflict;
      case 501: return ErrorCode::unsupported;
      default: return status >= 400 && status < 500 ? ErrorCode::invalid : ErrorCode::failed;
    }
  }();
  return {code, valid_utf8(text), ""};
}

Result<Utc> utc_of_http(std::string_view date) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::size_t kLength = 29;
  const auto month = date.size() == kLength ? kMonths.find(date.substr(8, 3)) : kMonths.npos;
  if (month == kMonths.npos || month % 3 != 0) {
    return fail(ErrorCode::corrupt, "a time that HTTP does not write");
  }
  const std::string number = std::to_string(month / 3 + 1);
  return parse_rfc3339(std::string(date.substr(12, 4)) + "-" + (number.size() < 2 ? "0" : "") +
                       number + "-" + std::string(date.substr(5, 2)) + "T" +
                       std::string(date.substr(17, 8)) + "Z");
}

}  // namespace gameday
