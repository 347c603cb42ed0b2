#include "engine/sys/aws_signature.h"

#include <algorithm>
#include <charconv>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/http.h"

namespace gameday {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hex_sha256(std::string_view bytes) { return sha256(bytes).substr(7); }

std::string raw_sha256(std::string_view bytes) {
  const std::string digits = hex_sha256(bytes);
  std::string raw;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
    unsigned byte = 0;
    std::from_chars(digits.data() + at, digits.data() + at + 2, byte, 16);
    raw += static_cast<char>(byte);
  }
  return raw;
}

// RFC 2104.
std::string hmac(std::string_view key, std::string_view bytes) {
  constexpr std::size_t kBlock = 64;
  std::string block(key.size() > kBlock ? raw_sha256(key) : key);
  block.resize(kBlock, '\0');
  const auto padded = [&block](char with) {
    std::string made = block;
    for (char& c : made) c = static_cast<char>(c ^ with);
    return made;
  };
  return raw_sha256(padded(0x5c) + raw_sha256(padded(0x36) + std::string(bytes)));
}

// Blanks around a value do not count, nor do several in a row.
std::string single_spaced(std::string_view value) {
  std::string made;
  for (const char c : trimmed(value)) {
    if (c != ' ' || !made.ends_with(' ')) made += c;
  }
  return made;
}

struct Headers {
  std::string canonical;
  std::string names;
};
Headers headers_of(const AwsPairs& given) {
  AwsPairs sorted;
  for (const auto& [name, value] : given) sorted.emplace_back(lower(name), single_spaced(value));
  std::ranges::stable_sort(sorted, {}, &std::pair<std::string, std::string>::first);
  Headers made;
  for (std::size_t at = 0; at < sorted.size(); ++at) {
    const auto& [name, value] = sorted[at];
    if (at > 0 && sorted[at - 1].first == name) {
      made.canonical.insert(made.canonical.size() - 1, "," + value);
      continue;
    }
    made.canonical.append(name).append(":").append(value).append("\n");
    made.names.append(made.names.empty() ? "" : ";").append(name);
  }
  return made;
}

}  // namespace

std::string aws_date(Utc when) {
  const std::string written = rfc3339(when);
  std::string date;
  for (const char c : written.substr(0, written.find('.'))) {
    if (c != '-' && c != ':') date += c;
  }
  return date + "Z";
}

std::string aws_query(const AwsPairs& query) {
  std::vector<std::string> parts;
  AwsPairs sorted;
  for (const auto& [name, value] : query) {
    sorted.emplace_back(percent_encoded(name), percent_encoded(value));
  }
  std::ranges::sort(sorted);
  for (const auto& [name, value] : sorted) parts.push_back(name + "=" + value);
  return join(parts, "&");
}

std::string aws_path(std::string_view key) {
  std::vector<std::string> parts = split(key, '/');
  for (auto& part : parts) part = percent_encoded(part);
  return join(parts, "/");
}

std::string aws_authorization(const AwsQuestion& question, const AwsCredentials& credentials,
                              const AwsScope& scope, Utc when) {
  const std::string date = aws_date(when), day = date.substr(0, 8);
  const std::string within = day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const Headers headers = headers_of(question.headers);
  const std::string request = question.method + "\n" + question.path + "\n" +
                              aws_query(question.query) + "\n" + headers.canonical + "\n" +
                              headers.names + "\n" + question.payload;
  const std::string to_sign =
      std::string(kAlgorithm) + "\n" + date + "\n" + within + "\n" + hex_sha256(request);
  std::string key = "AWS4" + credentials.secret_key;
  for (const std::string& step : {day, scope.region, scope.service, std::string("aws4_request")}) {
    key = hmac(key, step);
  }
  return std::string(kAlgorithm) + " Credential=" + credentials.access_key + "/" + within +
         ", SignedHeaders=" + headers.names + ", Signature=" + hex(hmac(key, to_sign));
}

}  // namespace gameday
