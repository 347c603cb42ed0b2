#include "engine/load/http_request.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kScheme = "http://";

// What would change how the message is framed, or whose connection it is.
constexpr std::array<std::string_view, 7> kFraming = {
    "connection", "content-length", "expect", "te", "transfer-encoding", "upgrade", "trailer"};

std::string_view authority_in(std::string_view url) {
  const auto rest = url.substr(kScheme.size());
  return rest.substr(0, rest.find_first_of("/?#"));
}

// "127.0.0.1", "127.0.0.1:80", "[::1]:80"
std::optional<SocketAddress> numeric_address(std::string_view authority) {
  std::string_view host = authority, digits = "80";
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

bool has_header(const TransportRequest& request, std::string_view name) {
  return std::ranges::any_of(request.headers,
                             [&](const auto& header) { return lower(header.first) == name; });
}

void add_header(std::string& text, std::string_view name, std::string_view value) {
  text += name;
  text += value.empty() ? ":" : ": ";
  text += value;
  text += "\r\n";
}

}  // namespace

std::optional<PlainHttp> plain_http(const LoadRequest& pattern) {
  const std::string_view url = pattern.url;
  if (!lower(url.substr(0, kScheme.size())).starts_with(kScheme) || url.contains("/.")) return {};
  const bool frames = std::ranges::any_of(pattern.headers, [](const auto& header) {
    return std::ranges::find(kFraming, lower(header.first)) != kFraming.end();
  });
  const auto authority = authority_in(url);
  const auto address = numeric_address(authority);
  if (frames || !address) return {};
  return PlainHttp{*address, std::string(authority)};
}

std::string_view content_type_of(const TransportRequest& request) {
  if (request.body.empty() || has_header(request, "content-type")) return "";
  const bool json = request.body.front() == '{' || request.body.front() == '[';
  return json ? "application/json" : "text/plain; charset=utf-8";
}

bool has_body(const TransportRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

SampleOutcome outcome_of(int status) {
  return status >= 200 && status < 300 ? SampleOutcome::ok : SampleOutcome::refused;
}

std::optional<std::string> written_out(const TransportRequest& request, const PlainHttp& to) {
  std::string_view path = std::string_view(request.url).substr(kScheme.size());
  if (!path.starts_with(to.authority)) return {};
  path.remove_prefix(to.authority.size());
  path = path.substr(0, path.find('#'));
  const auto ends_it = [](unsigned char letter) { return letter <= ' ' || letter == 0x7f; };
  if (std::ranges::any_of(path, ends_it)) return {};
  std::string text;
  constexpr std::size_t kRoughly = 200;
  text.reserve(kRoughly + path.size() + request.body.size());
  text += request.method;
  text += path.starts_with('/') ? " " : " /";
  text += path;
  text += " HTTP/1.1\r\n";
  if (!has_header(request, "host")) add_header(text, "Host", to.authority);
  if (!has_header(request, "accept")) add_header(text, "Accept", "*/*");
  for (const auto& [name, value] : request.headers) add_header(text, name, value);
  if (const auto type = content_type_of(request); !type.empty()) {
    add_header(text, "Content-Type", type);
  }
  if (has_body(request)) add_header(text, "Content-Length", std::to_string(request.body.size()));
  text += "\r\n";
  text += request.body;
  return text;
}

}  // namespace gameday
