#include "engine/load/request_pattern.h"

#include <array>

#include "engine/base/text.h"
#include "engine/load/http_request.h"
#include "engine/load/ledger.h"
#include "engine/load/wire_request.h"
#include "engine/sys/http.h"

namespace gameday {

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
    : pattern_(std::move(request)),
      drill_(std::move(drill)),
      load_(std::move(load)),
      seed_(seed),
      secrets_(secrets) {
  const auto plain = plain_http(pattern_);
  if (!plain) return;
  wire_ = std::make_unique<WireRequest>(pattern_, *plain, KeyTerms{drill_, load_, seed_}, secrets_);
}

RequestPattern::~RequestPattern() = default;

WriteNames RequestPattern::names(std::uint64_t seq) const {
  WriteNames names;
  names.key = ledger_key(drill_, load_, seq);
  names.digest = ledger_digest(names.key, seed_);
  names.drill = drill_;
  names.seq = std::to_string(seq);
  return names;
}

Result<Headers> headers_of(const LoadRequest& pattern, const WriteNames& names,
                           const Secrets& secrets) {
  Headers headers;
  for (const auto& [name, value] : pattern.headers) {
    TRY(revealed, secrets.reveal(filled_in(value, names, Encoding::plain)));
    if (revealed.find_first_of("\r\n") != std::string::npos) {
      return fail(ErrorCode::invalid, "header " + name + " has a line break in its value");
    }
    headers.emplace_back(name, std::move(revealed));
  }
  return headers;
}

Result<RequestText> RequestPattern::text(std::uint64_t seq) const {
  const WriteNames filled_names = names(seq);
  TRY(url, secrets_.reveal(filled_in(pattern_.url, filled_names, Encoding::url)));
  TRY(body, secrets_.reveal(filled_in(pattern_.body, filled_names, Encoding::plain)));
  TRY(headers, headers_of(pattern_, filled_names, secrets_));
  return RequestText{pattern_.method, std::move(url), std::move(body), std::move(headers)};
}

Status RequestPattern::tried() const {
  if (wire_ == nullptr) {
    TRY_OK(text(0));
    return {};
  }
  std::string out;
  return wire_->write(0, out);
}

}  // namespace gameday
