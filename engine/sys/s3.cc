#include "engine/sys/s3.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/http_peer.h"
#include "engine/sys/s3_page.h"

namespace gameday {
namespace {

constexpr std::int64_t kPiece = 8 << 20;
constexpr std::int64_t kLongestError = 64 << 10;
const AwsPairs::value_type kBypass{"x-amz-bypass-governance-retention", "true"};
constexpr std::size_t kShortestBucket = 3, kLongestBucket = 63;

struct Endpoint {
  std::string scheme;
  std::string host;  // with its port
};
Result<Endpoint> endpoint_of(const S3Address& address) {
  const auto scheme = address.endpoint.find("://");
  std::string host = scheme == std::string::npos ? "" : address.endpoint.substr(scheme + 3);
  while (host.ends_with('/')) host.pop_back();
  Endpoint endpoint{address.endpoint.substr(0, scheme), host};
  const bool known = endpoint.scheme == "http" || endpoint.scheme == "https";
  if (!known || host.empty() || host.find_first_of("/?#@ ") != std::string::npos) {
    return fail(ErrorCode::invalid,
                "the endpoint of an S3 server is http://HOST or https://HOST, "
                "with a port or without, and nothing behind it");
  }
  // As curl names a host: without the port that its scheme has anyway.
  const std::string_view usual = endpoint.scheme == "http" ? ":80" : ":443";
  if (endpoint.host.ends_with(usual)) {
    endpoint.host.resize(endpoint.host.size() - usual.size());
  }
  return endpoint;
}

std::string header_of(const HttpAnswer& answer, std::string_view name) {
  for (const auto& [known, value] : answer.headers) {
    if (known == name) return valid_utf8(value);
  }
  return "";
}

AwsPairs of_objects(const std::string& prefix) { return {{"list-type", "2"}, {"prefix", prefix}}; }
AwsPairs of_versions(const std::string& prefix) { return {{"versions", ""}, {"prefix", prefix}}; }

// What an upload with a retention must carry, and a removal of many: the SHA-256 of its body once
// more, in base64.
std::string checksum_of(std::string_view body) {
  const std::string digits = sha256(body).substr(7);
  std::string raw;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
    unsigned byte = 0;
    std::from_chars(digits.data() + at, digits.data() + at + 2, byte, 16);
    raw += static_cast<char>(byte);
  }
  return base64(raw);
}

void add_version(const std::string& version, AwsPairs& query) {
  if (!version.empty()) query.emplace_back("versionId", version);
}

S3Object object_of(const std::string& key, const HttpAnswer& answer) {
  S3Object object{.key = key,
                  .version = header_of(answer, "x-amz-version-id"),
                  .etag = header_of(answer, "etag"),
                  .modified = utc_of_http(header_of(answer, "last-modified")).value_or(Utc{}),
                  .lock_mode = header_of(answer, "x-amz-object-lock-mode")};
  const std::string size = header_of(answer, "content-length");
  std::from_chars(size.data(), size.data() + size.size(), object.size);
  const auto until = parse_rfc3339(header_of(answer, "x-amz-object-lock-retain-until-date"));
  if (until) object.locked_until = *until;
  return object;
}

}  // namespace

std::string shown(const S3Address& address) {
  return "bucket " + address.bucket + " at " + address.endpoint;
}

Status check(const S3Address& address) {
  TRY(endpoint, endpoint_of(address));
  const std::string& bucket = address.bucket;
  const bool letters = std::ranges::all_of(bucket, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (letters && bucket.size() >= kShortestBucket && bucket.size() <= kLongestBucket) return {};
  return fail(ErrorCode::invalid, "'" + valid_utf8(bucket) +
                                      "' is no name of a bucket: 3 to 63 small letters, digits, "
                                      "dots and hyphens");
}

S3::S3(S3Address address, AwsCredentials credentials, const Clock& clock, const Until& until,
       WriteObserver observer)
    : address_(std::move(address)),
      credentials_(std::move(credentials)),
      clock_(clock),
      until_(until),
      http_(make_curl_http(clock, std::move(observer),
                           {.authorities = address_.ca, .verify = address_.verify})) {}

Result<HttpAnswer> S3::ask(const Question& question) {
  TRY_OK(check(address_));
  TRY(endpoint, endpoint_of(address_));
  const std::string host =
      address_.path_style ? endpoint.host : address_.bucket + "." + endpoint.host;
  std::string path = address_.path_style ? "/" + address_.bucket : "";
  if (!question.key.empty() || path.empty()) path += "/" + aws_path(question.key);
  const Utc now = clock_.now().utc;
  AwsQuestion signing{.method = question.method,
                      .path = path,
                      .query = question.query,
                      .headers = question.headers,
                      .payload = sha256(question.body).substr(7)};
  signing.headers.emplace_back("Host", host);
  signing.headers.emplace_back("X-Amz-Date", aws_date(now));
  signing.headers.emplace_back("X-Amz-Content-Sha256", signing.payload);
  if (!credentials_.session_token.empty()) {
    signing.headers.emplace_back("X-Amz-Security-Token", credentials_.session_token);
  }
  HttpRequest request{.method = question.method,
                      .url = endpoint.scheme + "://" + host + path,
                      .headers = signing.headers,
                      .body = question.body,
                      .largest_answer = question.largest_answer};
  if (!question.query.empty()) request.url += "?" + aws_query(question.query);
  request.headers.emplace_back(
      "Authorization", aws_authorization(signing, credentials_, {address_.region, "s3"}, now));
  TRY(answer, http_->send(request, until_));
  if (answer.status < 300) return answer;
  const std::string doing =
      question.method + " " + (question.key.empty() ? "" : question.key + " in ") + shown(address_);
  return std::unexpected(s3_error(answer.status, answer.body).in(doing));
}

Result<S3Object> S3::look(const std::string& key, const std::string& version) {
  Question question{.method = "HEAD", .key = key};
  add_version(version, question.query);
  TRY(answer, ask(question));
  return object_of(key, answer);
}

Result<std::string> S3::piece(const S3Object& object, std::int64_t from, std::int64_t size) {
  Question question{.key = object.key, .largest_answer = std::max(size, kLongestError)};
  add_version(object.version, question.query);
  question.headers.emplace_back(
      "Range", "bytes=" + std::to_string(from) + "-" + std::to_string(from + size - 1));
  // A version never changes; what has none may.
  if (!object.etag.empty()) question.headers.emplace_back("If-Match", object.etag);
  TRY(answer, ask(question));
  if (static_cast<std::int64_t>(answer.body.size()) == size) return std::move(answer.body);
  return fail(ErrorCode::corrupt, shown(address_) + " gives " + std::to_string(answer.body.size()) +
                                      " bytes of " + object.key + " where " + std::to_string(size) +
                                      " are");
}

Result<std::string> S3::digest(const S3Object& object) {
  Sha256 sum;
  for (std::int64_t at = 0; at < object.size; at += kPiece) {
    TRY(bytes, piece(object, at, std::min(kPiece, object.size - at)));
    sum.add(bytes);
  }
  return sum.digest();
}

Result<std::string> S3::read(const S3Object& object, std::int64_t limit) {
  if (object.size > limit) {
    return fail(ErrorCode::refused, object.key + " has " + std::to_string(object.size) +
                                        " bytes, more than " + std::to_string(limit));
  }
  if (object.size == 0) return "";
  return piece(object, 0, object.size);
}

Status S3::each_page(AwsPairs query, const EachPage& each) {
  query.emplace_back("encoding-type", "url");
  const std::size_t own = query.size();
  while (true) {
    TRY(answer, ask({.query = query}));
    TRY(page, s3_page(answer.body));
    TRY_OK(each(page.versions));
    if (page.next.empty()) return {};
    const AwsPairs last(query.begin() + static_cast<std::ptrdiff_t>(own), query.end());
    if (page.next == last) return fail(ErrorCode::failed, shown(address_) + " lists without end");
    query.resize(own);
    std::ranges::copy(page.next, std::back_inserter(query));
  }
}

Result<std::vector<S3Version>> S3::listed(const AwsPairs& query, std::size_t most) {
  std::vector<S3Version> all;
  TRY_OK(each_page(query, [&](const std::vector<S3Version>& page) -> Status {
    std::ranges::copy(page, std::back_inserter(all));
    if (all.size() <= most) return {};
    return fail(ErrorCode::refused,
                shown(address_) + " has more than " + std::to_string(most) + " there",
                "name a narrower `prefix`");
  }));
  return all;
}

Result<std::vector<S3Version>> S3::objects(const std::string& prefix, std::size_t most) {
  return listed(of_objects(prefix), most);
}

Result<std::vector<S3Version>> S3::versions(const std::string& prefix, std::size_t most) {
  return listed(of_versions(prefix), most);
}

Status S3::each_object(const std::string& prefix, const EachPage& each) {
  return each_page(of_objects(prefix), each);
}

Status S3::each_version(const std::string& prefix, const EachPage& each) {
  return each_page(of_versions(prefix), each);
}

Result<std::string> S3::put(const S3Put& object) {
  Question question{
      .method = "PUT", .key = object.key, .headers = object.headers, .body = object.body};
  if (object.damaged) {
    add_sums(question, object.body + " and more");
  } else {
    question.headers.emplace_back("x-amz-checksum-sha256", checksum_of(object.body));
  }
  TRY(answer, ask(question));
  return header_of(answer, "x-amz-version-id");
}

Result<std::string> S3::copy(const S3Object& from, const std::string& to, const std::string& etag) {
  std::string source = "/" + address_.bucket + "/" + aws_path(from.key);
  if (!from.version.empty()) source += "?versionId=" + percent_encoded(from.version);
  Question question{.method = "PUT", .key = to, .headers = {{"x-amz-copy-source", source}}};
  if (!etag.empty()) question.headers.emplace_back("x-amz-copy-source-if-match", etag);
  TRY(answer, ask(question));
  // What goes wrong while it copies is said in an answer that has begun as a success.
  TRY(told, parse_xml(answer.body));
  if (told.name == "Error") {
    return std::unexpected(s3_error(500, answer.body).in("copying to " + to));
  }
  return header_of(answer, "x-amz-version-id");
}

Result<S3Removed> S3::remove(const std::string& key, const std::string& version,
                             bool bypass_governance) {
  Question question{.method = "DELETE", .key = key};
  add_version(version, question.query);
  if (bypass_governance) question.headers.push_back(kBypass);
  return removed_by(question);
}

Result<S3Removed> S3::remove_if_there(const std::string& key) {
  return removed_by({.method = "DELETE", .key = key, .headers = {{"If-Match", "*"}}});
}

Result<S3Removed> S3::removed_by(const Question& question) {
  TRY(answer, ask(question));
  return S3Removed{header_of(answer, "x-amz-version-id"),
                   header_of(answer, "x-amz-delete-marker") == "true"};
}

void S3::add_sums(Question& question, std::string_view of) {
  question.headers.emplace_back("x-amz-checksum-sha256", checksum_of(of));
  // Older servers know no other sum.
  if (const auto sum = md5(of); !sum.empty()) {
    question.headers.emplace_back("Content-MD5", base64(sum));
  }
}

Status S3::remove_all(const std::vector<S3Version>& versions, bool bypass_governance) {
  if (versions.empty()) return {};
  Question question{.method = "POST", .query = {{"delete", ""}}, .body = s3_removal(versions)};
  question.headers.emplace_back("Content-Type", "application/xml");
  if (bypass_governance) question.headers.push_back(kBypass);
  add_sums(question);
  TRY(answer, ask(question));
  const auto removed = s3_removed(answer.body);
  return removed ? Status{} : std::unexpected(removed.error().in(shown(address_)));
}

Status S3::retain(const S3Object& object, bool bypass_governance) {
  Question question{.method = "PUT", .key = object.key, .query = {{"retention", ""}}};
  add_version(object.version, question.query);
  question.body = "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>" +
                  xml_text(object.lock_mode) + "</Mode><RetainUntilDate>" +
                  rfc3339(object.locked_until.value_or(Utc{})) + "</RetainUntilDate></Retention>";
  if (bypass_governance) question.headers.push_back(kBypass);
  add_sums(question);
  TRY(done, ask(question));
  return {};
}

Result<std::string> S3::versioning() {
  TRY(answer, ask({.query = {{"versioning", ""}}}));
  TRY(told, parse_xml(answer.body));
  return told.text_of("Status");
}

Result<S3Lock> S3::lock() {
  const auto answer = ask({.query = {{"object-lock", ""}}});
  if (!answer && answer.error().code == ErrorCode::not_found) return S3Lock{};
  if (!answer) return std::unexpected(answer.error());
  TRY(told, parse_xml(answer->body));
  S3Lock lock{.enabled = told.text_of("ObjectLockEnabled") == "Enabled"};
  const Xml* rule = told.find("Rule");
  const Xml* usual = rule != nullptr ? rule->find("DefaultRetention") : nullptr;
  if (usual != nullptr) lock.default_mode = usual->text_of("Mode");
  return lock;
}

Result<std::string> S3::policy() {
  auto answer = ask({.query = {{"policy", ""}}});
  if (!answer && answer.error().code == ErrorCode::not_found) return "";
  if (!answer) return std::unexpected(answer.error());
  return std::move(answer->body);
}

Status S3::set_policy(const std::string& policy) {
  TRY(done, ask({.method = policy.empty() ? "DELETE" : "PUT",
                 .query = {{"policy", ""}},
                 .body = policy}));
  return {};
}

}  // namespace gameday
