#include "engine/load/request_pattern.h"

#include <array>

#include "engine/base/text.h"
#include "engine/load/ledger.h"
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
      secrets_(secrets) {}

WriteNames RequestPattern::names(std::uint64_t seq) const {
  WriteNames names;
  names.key = ledger_key(drill_, load_, seq);
  names.digest = ledger_digest(names.key, seed_);
  names.drill = drill_;
  names.seq = std::to_string(seq);
  return names;
}

Result<std::vector<std::pair<std::string, std::string>>> headers_of(const LoadRequest& pattern,
                                                                    const WriteNames& names,
                                                                    const Secrets& secrets) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : pattern.headers) {
    TRY(revealed, secrets.reveal(filled_in(value, names, Encoding::plain)));
    if (revealed.find_first_of("\r\n") != std::string::npos) {
      return fail(ErrorCode::invalid, "header " + name + " has a line break in its value");
    }
    headers.emplace_back(name, std::move(revealed));
  }
  return headers;
}

Result<TransportRequest> RequestPattern::request(std::uint64_t seq) const {
  const WriteNames filled_names = names(seq);
  TransportRequest made;
  made.seq = seq;
  made.method = pattern_.method;
  TRY(url, secrets_.reveal(filled_in(pattern_.url, filled_names, Encoding::url)));
  TRY(body, secrets_.reveal(filled_in(pattern_.body, filled_names, Encoding::plain)));
  TRY(headers, headers_of(pattern_, filled_names, secrets_));
  made.url = std::move(url);
  made.body = std::move(body);
  made.headers = std::move(headers);
  made.names = filled_names;
  return made;
}

}  // namespace gameday
