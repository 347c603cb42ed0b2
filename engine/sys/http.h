// The door to HTTP: one request, one answer. Proxies from the environment are never used, redirects
// never followed, and an answer is read only up to a bound. (The load engine has its own
// transport.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::int64_t largest_answer = 64 << 20;  // bytes of body; a longer answer is an error
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
};

// Thread-safe.
class Http {
 public:
  virtual ~Http() = default;
  // Any status is an answer; an error means that none came: timed_out, stopped, failed (refused,
  // reset, no such host) or invalid (a URL that is none, an answer that is no HTTP or too long).
  // A method other than GET and HEAD may have done its work although no answer came.
  [[nodiscard]] virtual Result<HttpAnswer> send(const HttpRequest& request, const Until& until) = 0;
};

[[nodiscard]] std::unique_ptr<Http> make_curl_http(const Clock& clock, WriteObserver observer = {});

// The file that SSL_CERT_FILE names: its certificates are trusted beside those of this machine.
// "": none.
[[nodiscard]] std::string authorities_named();

// A query or path part with everything but unreserved characters as %XX (RFC 3986).
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace gameday
