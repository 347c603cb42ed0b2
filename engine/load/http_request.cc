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

std::optional<SocketAddress> numeric_address(std::string_view host, std::uint16_t port) {
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

// As DNS has them. What ends in a number is an address in a way of writing that is libcurl's.
bool is_name(std::string_view host) {
  constexpr std::string_view kIn = "abcdefghijklmnopqrstuvwxyz0123456789-_";
  if (host.size() > 253) return false;
  const auto labels = split(lower(host), '.');
  const std::string& last = labels.back();
  return std::ranges::all_of(labels,
                             [&](const std::string& label) {
                               return !label.empty() && label.size() <= 63 &&
                                      label.find_first_not_of(kIn) == std::string::npos;
                             }) &&
         last.find_first_not_of("0123456789") != std::string::npos && !last.starts_with("0x");
}

// "127.0.0.1", "shop.example:80", "[::1]:80"
std::optional<PlainHttp> server_of(std::string_view authority, bool tls) {
  std::string_view host = authority, digits = tls ? "443" : "80";
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.back() != ']') {
    host = authority.substr(0, colon);
    digits = authority.substr(colon + 1);
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return {};
  if (const auto address = numeric_address(host, port)) {
    return PlainHttp{*address, std::string(authority), address->number(), port, tls};
  }
  if (!is_name(host)) return {};
  return PlainHttp{{}, std::string(authority), std::string(host), port, tls};
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
  return frames ? std::nullopt : server_of(authority, tls);
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

}  // namespace gameday
