// Where a RabbitMQ server is, as an amqp:// URL says it.
#include <charconv>

#include "engine/base/text.h"
#include "engine/sys/amqp.h"

namespace gameday {
namespace {

constexpr int kPort = 5672;
constexpr int kTlsPort = 5671;

// The first of `wanted` that is in no ${...}.
std::size_t first_outside(std::string_view text, std::string_view wanted) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with("${")) {
      const auto end = text.find('}', at);
      if (end == std::string_view::npos) break;
      at = end;
    } else if (wanted.find(text[at]) != std::string_view::npos) {
      return at;
    }
  }
  return std::string_view::npos;
}

int digit_of(char c) {
  constexpr int kTen = 10;
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + kTen;
  if (c >= 'A' && c <= 'F') return c - 'A' + kTen;
  return -1;
}

// Of a text whose %XX are in no ${...}.
Result<std::string> decoded(std::string_view text) {
  constexpr int kSixteen = 16;
  std::string out;
  while (true) {
    const auto at = first_outside(text, "%");
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    const int high = at + 1 < text.size() ? digit_of(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? digit_of(text[at + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(ErrorCode::invalid, "an amqp URL has a `%` without two hexadecimal digits");
    }
    out += static_cast<char>(high * kSixteen + low);
    text.remove_prefix(at + 3);
  }
}

Status take_host(std::string_view host, AmqpAddress& address) {
  const auto shut = host.starts_with('[') ? host.find(']') : 0;
  if (shut == std::string_view::npos) {
    return fail(ErrorCode::invalid, "an amqp URL has a `[` without its `]`");
  }
  const auto colon = host.find(':', shut);
  address.host = host.substr(0, colon);
  if (shut != 0) address.host = host.substr(1, shut - 1);
  address.port = address.tls ? kTlsPort : kPort;
  if (colon != std::string_view::npos) {
    const auto digits = host.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    constexpr int kLast = 65535;
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    if (!whole || address.port < 1 || address.port > kLast) {
      return fail(ErrorCode::invalid, "an amqp URL has no port in '" + std::string(digits) + "'");
    }
  }
  if (!address.host.empty()) return {};
  return fail(ErrorCode::invalid, "an amqp URL names no host");
}

}  // namespace

Result<UrlUser> user_of_url(std::string_view url) {
  UrlUser found;
  const auto begin = url.find("://");
  if (begin == std::string_view::npos) return fail(ErrorCode::invalid, "expected a URL");
  std::string_view rest = url.substr(begin + 3);
  const auto host = rest.substr(0, first_outside(rest, "/?#"));
  if (const auto at = first_outside(host, "@"); at != std::string_view::npos) {
    const auto user = host.substr(0, at);
    const auto colon = first_outside(user, ":");
    TRY(name, decoded(user.substr(0, colon)));
    TRY(password, decoded(colon == std::string_view::npos ? "" : user.substr(colon + 1)));
    found = {true, name, password, ""};
    rest.remove_prefix(at + 1);
  }
  found.url = std::string(url.substr(0, begin + 3)) + std::string(rest);
  return found;
}

Result<AmqpAddress> amqp_address_of(std::string_view url) {
  AmqpAddress address;
  address.vhost = "/";
  address.user = address.password = "guest";
  address.tls = url.starts_with("amqps://");
  if (!address.tls && !url.starts_with("amqp://")) {
    return fail(ErrorCode::invalid, "expected an amqp:// or amqps:// URL");
  }
  TRY(user, user_of_url(url));
  if (user.given) {
    address.user = user.user;
    address.password = user.password;
  }
  url = user.url;
  url.remove_prefix(url.find("://") + 3);
  const auto slash = first_outside(url, "/?#");
  TRY_OK(take_host(url.substr(0, slash), address));
  if (slash == std::string_view::npos) return address;
  const auto path = url.substr(slash);
  if (path.find_first_of("?#") != std::string_view::npos || path.find('/', 1) != path.npos) {
    return fail(ErrorCode::invalid,
                "an amqp URL ends with its vhost, in which a `/` is written %2F");
  }
  TRY(vhost, decoded(path.substr(1)));
  if (!vhost.empty()) address.vhost = vhost;
  return address;
}

}  // namespace gameday
