#include "engine/load/http_request.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kScheme = "http://", kTlsScheme = "https://";

// What would change how the message is framed, or whose connection it is.
constexpr std::array<std::string_view, 7> kFraming = {
    "connection", "content-length", "expect", "te", "transfer-encoding", "upgrade", "trailer"};

// "127.0.0.1", "127.0.0.1:80", "[::1]:80"
std::optional<SocketAddress> numeric_address(std::string_view authority,
                                             std::string_view port_else) {
  std::string_view host = authority, digits = port_else;
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.back() != ']') {
    host = authority.substr(0, colon);
    digits = authority.substr(colon + 1);
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return {};
  SocketAddress address;
  auto& four = reinterpret_cast<sockaddr_in&>(address.bytes);
  auto& six = reinterpret_cast<sockaddr_in6&>(address.bytes);
  if (inet_pton(AF_INET, std::string(host).c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    address.size = sizeof four;
    return address;
  }
  if (!host.starts_with('[') || !host.ends_with(']')) return {};
  host = host.substr(1, host.size() - 2);
  if (inet_pton(AF_INET6, std::string(host).c_str(), &six.sin6_addr) != 1) return {};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  address.size = sizeof six;
  return address;
}

}  // namespace

std::string_view scheme_of(std::string_view url) {
  for (const auto scheme : {kScheme, kTlsScheme}) {
    if (lower(url.substr(0, scheme.size())) == scheme) return url.substr(0, scheme.size());
  }
  return {};
}

std::optional<PlainHttp> plain_http(const LoadRequest& pattern) {
  const std::string_view url = pattern.url;
  const auto scheme = scheme_of(url);
  if (scheme.empty() || url.contains("/.")) return {};
  const bool frames = std::ranges::any_of(pattern.headers, [](const auto& header) {
    return std::ranges::find(kFraming, lower(header.first)) != kFraming.end();
  });
  const bool tls = scheme.size() == kTlsScheme.size();
  const auto rest = url.substr(scheme.size());
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto address = numeric_address(authority, tls ? "443" : "80");
  if (frames || !address) return {};
  return PlainHttp{*address, std::string(authority), address->number(), tls};
}

bool has_header(const Headers& headers, std::string_view lower_name) {
  return std::ranges::any_of(headers,
                             [&](const auto& header) { return lower(header.first) == lower_name; });
}

std::string_view content_type_of(const Headers& headers, std::string_view body) {
  if (body.empty() || has_header(headers, "content-type")) return "";
  const bool json = body.front() == '{' || body.front() == '[';
  return json ? "application/json" : "text/plain; charset=utf-8";
}

bool has_body(std::string_view method, std::string_view body) {
  return !body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
}

SampleOutcome outcome_of(int status) {
  return status >= 200 && status < 300 ? SampleOutcome::ok : SampleOutcome::refused;
}

}  // namespace gameday
