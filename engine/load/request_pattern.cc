#include "engine/load/request_pattern.h"

#include <algorithm>
#include <array>

#include "engine/base/text.h"
#include "engine/load/answer_checks.h"
#include "engine/load/aws_signing.h"
#include "engine/load/http_request.h"
#include "engine/load/ledger.h"
#include "engine/load/request_mix.h"
#include "engine/load/wire_request.h"
#include "engine/sys/clock.h"
#include "engine/sys/http.h"

namespace gameday {
namespace {

LoadSpec of_one(LoadRequest request, std::string load) {
  LoadSpec spec;
  spec.name = std::move(load);
  spec.request = std::move(request);
  return spec;
}

Status on_one_line(const std::string& name, const std::string& value) {
  if (value.find_first_of("\r\n") == std::string::npos) return {};
  return fail(ErrorCode::invalid, "header " + name + " has a line break in its value");
}

}  // namespace

Status sign(const AwsAuth& auth, const Secrets& secrets, RequestText& request) {
  const auto [url_host, target] = parts_of_url(request.url);
  const auto given = std::ranges::find_if(
      request.headers, [](const auto& header) { return lower(header.first) == "host"; });
  std::string host(given == request.headers.end() ? url_host : given->second);
  // What libcurl makes of a URL may be another one.
  if (given == request.headers.end()) request.headers.emplace_back("Host", host);
  TRY(lines, aws_headers(auth, {request.method, host, target, request.body},
                         SystemClock().now().utc, secrets));
  request.headers.insert(request.headers.end(), lines.begin(), lines.end());
  return {};
}

struct RequestPattern::One {
  LoadRequest pattern;
  Pieces url = {}, body = {};
  std::vector<HeaderPieces> headers = {};
  std::unique_ptr<WireRequest> wire = {};
  std::unique_ptr<AnswerChecks> checks = {};
};

std::string filled_in(std::string_view pattern, const WriteNames& names, Encoding encoding) {
  const auto encoded = [&](const std::string& text) {
    return encoding == Encoding::url ? percent_encoded(text) : text;
  };
  const std::string key = encoded(names.key);
  const std::string drill = encoded(names.drill);
  const std::array<NamedText, 4> all = {
      {{"drill", drill}, {"key", key}, {"digest", names.digest}, {"seq", names.seq}}};
  return filled(pattern, std::span(all).first(names.seq.empty() ? 1 : all.size()));
}

RequestPattern::RequestPattern(LoadRequest request, std::string drill, std::string load,
                               std::uint64_t seed, const Secrets& secrets)
    : RequestPattern(of_one(std::move(request), std::move(load)), std::move(drill), seed, secrets) {
}

RequestPattern::RequestPattern(const LoadSpec& load, std::string drill, std::uint64_t seed,
                               const Secrets& secrets)
    : terms_({std::move(drill), load.name, seed}, load.data),
      secrets_(secrets),
      mix_(std::make_unique<RequestMix>(load, seed)) {
  const auto requests = requests_of(load);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    all_.push_back(made_of(requests[i], mix_->names().empty() ? "" : mix_->names()[i] + ": "));
  }
  const auto plain = plain_http(load);
  if (!plain) return;
  for (One& one : all_) {
    one.wire = std::make_unique<WireRequest>(one.pattern, *plain, terms_, secrets_);
  }
}

RequestPattern::~RequestPattern() = default;

RequestPattern::One RequestPattern::made_of(const LoadRequest& request, const std::string& name) {
  One one{request};
  one.url.add_filled(request.url, Encoding::url, terms_, kUrlPart);
  one.body.add_filled(request.body, body_encoding(request), terms_, kBodyPart);
  one.headers = header_pieces(request, terms_);
  if (request.expect.is_null()) return one;
  const auto first = static_cast<std::uint16_t>(check_names_.size() + 1);
  one.checks = std::make_unique<AnswerChecks>(request.expect, first);
  for (const auto& check : one.checks->names()) check_names_.push_back(name + check);
  return one;
}

const RequestPattern::One& RequestPattern::of(std::uint64_t seq) const {
  return all_[mix_->of(seq)];
}

const WireRequest* RequestPattern::wire(std::uint64_t seq) const { return of(seq).wire.get(); }

const AnswerChecks* RequestPattern::checks(std::uint64_t seq) const { return of(seq).checks.get(); }

WriteNames RequestPattern::names(std::uint64_t seq) const {
  const auto& [drill, load, seed] = terms_.keys();
  WriteNames names;
  names.key = ledger_key(drill, load, seq);
  names.digest = ledger_digest(names.key, seed);
  names.drill = drill;
  names.seq = std::to_string(seq);
  return names;
}

Result<Headers> headers_of(const LoadRequest& pattern, std::optional<std::uint64_t> seq,
                           const FillTerms& terms, const Secrets& secrets) {
  Headers headers;
  for (const auto& [name, value] : header_pieces(pattern, terms)) {
    if (!seq && !value.same_in_each()) continue;
    std::string text;
    TRY_OK(value.put(seq.value_or(0), "", terms, secrets, text));
    TRY_OK(on_one_line(name, text));
    headers.emplace_back(name, std::move(text));
  }
  return headers;
}

Result<RequestText> RequestPattern::text_of(const One& one, std::uint64_t seq) const {
  RequestText made{one.pattern.method, "", "", {}};
  TRY_OK(one.url.put(seq, "", terms_, secrets_, made.url));
  TRY_OK(one.body.put(seq, "", terms_, secrets_, made.body));
  for (const auto& [name, pieces] : one.headers) {
    std::string value;
    TRY_OK(pieces.put(seq, "", terms_, secrets_, value));
    TRY_OK(on_one_line(name, value));
    made.headers.emplace_back(name, std::move(value));
  }
  if (one.pattern.aws) TRY_OK(sign(*one.pattern.aws, secrets_, made));
  return made;
}

Result<RequestText> RequestPattern::text(std::uint64_t seq) const { return text_of(of(seq), seq); }

Status RequestPattern::tried() const {
  for (const One& one : all_) {
    std::string out;
    if (one.wire != nullptr) {
      TRY_OK(one.wire->write(0, out));
    } else {
      TRY_OK(text_of(one, 0));
    }
  }
  return {};
}

}  // namespace gameday
