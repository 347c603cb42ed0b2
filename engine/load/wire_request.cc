#include "engine/load/wire_request.h"

#include <algorithm>
#include <array>

#include "engine/base/text.h"
#include "engine/load/aws_signing.h"
#include "engine/sys/clock.h"

namespace gameday {
namespace {

constexpr std::string_view kLineBreaks = "\r\n";
constexpr std::string_view kVersion = " HTTP/1.1\r\n";

// All that a path cannot have: it would end it, or begin what is not sent.
constexpr auto kNotInPaths = [] {
  std::array<char, 35> all{};
  for (std::size_t i = 0; i <= ' '; ++i) all[i] = static_cast<char>(i);
  all[33] = '\x7f';
  all[34] = '#';
  return all;
}();
constexpr std::string_view kEndsAPath(kNotInPaths.data(), kNotInPaths.size());

std::string header_start(std::string_view name, std::string_view value) {
  return std::string(name) + (value.empty() ? ":" : ": ");
}

std::string header(std::string_view name, std::string_view value) {
  return header_start(name, value) + std::string(value) + "\r\n";
}

}  // namespace

WireRequest::WireRequest(const LoadRequest& pattern, PlainHttp to, const FillTerms& terms,
                         const Secrets& secrets)
    : to_(std::move(to)),
      terms_(terms),
      secrets_(secrets),
      method_(pattern.method),
      headers_(pattern.headers),
      aws_(pattern.aws),
      to_head_(pattern.method == "HEAD") {
  std::string_view path = std::string_view(pattern.url).substr(scheme_of(pattern.url).size());
  path.remove_prefix(to_.authority.size());
  path = path.substr(0, path.find('#'));
  path_.add_literal(path.starts_with('/') ? "" : "/");
  path_.add_filled(path, Encoding::url, terms_, kUrlPart);
  add_headers(pattern);
  body_.add_filled(pattern.body, body_encoding(pattern), terms_, kBodyPart);
  if (body_.fixed()) {
    const std::string body = body_.fixed_text();
    head_.add_literal(framing(body));
    head_.add_text(body);
    fixed_body_ = body.size();
    body_ = {};
  }
  holds_secrets_ = aws_ || path_.hold_secrets() || head_.hold_secrets() || body_.hold_secrets();
  if (path_.texts_have_one_of(kEndsAPath)) {
    usable_ = fail(ErrorCode::invalid, "its URL has a blank or a control character in it");
  }
}

void WireRequest::add_headers(const LoadRequest& pattern) {
  std::string first(kVersion);
  if (!has_header(headers_, "host")) first += header("Host", to_.authority);
  if (!has_header(headers_, "accept")) first += header("Accept", "*/*");
  head_.add_literal(first);
  for (const auto& [name, value] : headers_) {
    if (value.find_first_of(kLineBreaks) == std::string::npos) continue;
    usable_ = fail(ErrorCode::invalid, "header " + name + " has a line break in its value");
  }
  for (auto& [name, value] : header_pieces(pattern, terms_)) {
    head_.add_text(header_start(name, value.empty() ? "" : " "));
    head_.append(std::move(value));
    head_.add_text(std::string(kLineBreaks));
  }
}

std::string WireRequest::framing(std::string_view body) const {
  std::string lines;
  if (const auto type = content_type_of(headers_, body); !type.empty()) {
    lines += header("Content-Type", type);
  }
  if (has_body(method_, body)) lines += header("Content-Length", std::to_string(body.size()));
  return lines + "\r\n";
}

Status WireRequest::write(std::uint64_t seq, std::string& out) const {
  TRY_OK(usable_);
  out.assign(method_);
  out += ' ';
  TRY_OK(path_.put(seq, kEndsAPath, terms_, secrets_, out));
  TRY_OK(head_.put(seq, kLineBreaks, terms_, secrets_, out));
  std::size_t body = out.size() - (body_.empty() ? fixed_body_ : 0);
  if (!body_.empty()) {
    TRY_OK(body_.put(seq, "", terms_, secrets_, out));
    const std::string lines = framing(std::string_view(out).substr(body));
    out.insert(body, lines);
    body += lines.size();
  }
  return aws_ ? sign(body, out) : Status();
}

Status WireRequest::sign(std::size_t body, std::string& out) const {
  const std::string_view all = out;
  const std::size_t from = method_.size() + 1, to = all.find(kVersion);
  const auto given = std::ranges::find_if(
      headers_, [](const auto& header) { return lower(header.first) == "host"; });
  const std::string& host = given == headers_.end() ? to_.authority : given->second;
  TRY(signing, aws_headers(*aws_, {method_, host, all.substr(from, to - from), all.substr(body)},
                           SystemClock().now().utc, secrets_));
  std::string lines;
  for (const auto& [name, value] : signing) lines += header(name, value);
  out.insert(to + kVersion.size(), lines);
  return {};
}

}  // namespace gameday
