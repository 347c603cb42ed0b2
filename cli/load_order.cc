#include "cli/load_order.h"

#include <algorithm>
#include <array>

#include "cli/load_ab.h"
#include "engine/base/text.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

constexpr std::size_t kUsualConnections = 64;  // of a closed load
constexpr std::size_t kMostConnections = 60'000;
constexpr double kMostRate = 1e6;
constexpr Duration kUsualLength = std::chrono::seconds(10);

std::unexpected<Error> wrong(const std::string& text, const std::string& hint = "") {
  return fail(ErrorCode::invalid, text, hint);
}

Result<Duration> duration_of(const Arguments& arguments, std::string_view option,
                             Duration otherwise) {
  if (!arguments.has(option)) return otherwise;
  const std::string text = arguments.text(option);
  const auto parsed = parse_duration(text);
  const std::string name = "--" + std::string(option);
  if (!parsed) return wrong(name + ": `" + text + "` is no duration", "such as 10s, 500ms or 2m");
  if (*parsed <= Duration::zero()) return wrong(name + " is to be over 0");
  return *parsed;
}

Result<std::string> body_of(const std::string& text) {
  if (!text.starts_with('@')) return text;
  auto read = Files().read(text.substr(1));
  if (!read) return wrong("--body: " + read.error().text);
  return *read;
}

Result<LoadRequest> request_of(const Arguments& arguments) {
  LoadRequest request;
  request.url = arguments.positionals.front();
  TRY_OK(checked_url(request.url));
  for (const auto& text : arguments.texts("header")) {
    TRY(header, header_of(text, "--header"));
    request.headers.push_back(std::move(header));
  }
  TRY(body, body_of(arguments.text("body")));
  request.body = std::move(body);
  request.method = arguments.text("method", arguments.has("body") ? "POST" : "GET");
  if (!is_header_name(request.method)) {
    return wrong("--method: `" + request.method + "` is no method of HTTP");
  }
  return request;
}

// As fast as it goes, or at a rate: one of them, said as such.
Status read_loop(const Arguments& arguments, BareTerms& terms) {
  const bool closed = arguments.has("max");
  if (closed && (arguments.has("rate") || arguments.has("poisson"))) {
    return wrong("--max goes as fast as it can: --rate and --poisson go without it");
  }
  if (!closed && !arguments.has("rate")) {
    return wrong("a rate is required",
                 "--rate 500 sends 500 a second; --max as many as --connections can");
  }
  if (closed) {
    if (terms.connections == 0) terms.connections = kUsualConnections;
    return {};
  }
  TRY(rate, rate_of(arguments.text("rate")));
  terms.rate = rate;
  if (arguments.has("poisson")) terms.arrivals = Arrivals::poisson;
  return {};
}

}  // namespace

Result<double> rate_of(const std::string& text) {
  const auto parsed = parse_rate(text.contains('/') ? text : text + "/s");
  if (!parsed) return wrong("--rate: `" + text + "` is no rate", "such as 500, 500/s or 30/m");
  if (*parsed > kMostRate) return wrong("--rate: at most 1000000/s");
  return *parsed;
}

Status checked_url(const std::string& url) {
  const std::string start = lower(url.substr(0, 8));
  const bool plain = start.starts_with("http://"), tls = start.starts_with("https://");
  if (!plain && !tls) {
    const bool other = url.contains("://");
    return wrong("`" + url + "` is no http or https URL",
                 other ? "" : "did you mean `http://" + url + "`?");
  }
  const std::string_view rest = std::string_view(url).substr(plain ? 7 : 8);
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty() || host.starts_with(':')) return wrong("`" + url + "` names no server");
  if (has_control(url) || url.contains(' ')) {
    return wrong("the URL has a blank or a control character in it", "write a blank as %20");
  }
  return {};
}

Result<std::pair<std::string, std::string>> header_of(const std::string& text,
                                                      std::string_view option) {
  const auto colon = text.find(':');
  const std::string name = text.substr(0, colon);
  if (colon == std::string::npos || !is_header_name(name)) {
    return wrong(std::string(option) + ": `" + text + "` is no header",
                 "such as 'Accept: application/json'");
  }
  std::string value(trimmed(std::string_view(text).substr(colon + 1)));
  if (has_control(value)) return wrong(std::string(option) + ": " + name + " is to be one line");
  return std::pair(name, std::move(value));
}

Result<LoadOrder> load_order(const Arguments& arguments) {
  if (arguments.has("ab")) {
    if (!arguments.positionals.empty()) return wrong("--ab has its own URL");
    for (const char* option : {"rate", "duration", "connections", "max", "poisson", "method",
                               "header", "body", "timeout"}) {
      if (arguments.has(option)) return wrong("--ab goes without --" + std::string(option));
    }
    return order_of_ab(arguments.text("ab"));
  }
  if (arguments.positionals.empty()) return wrong("a URL is required");
  if (arguments.positionals.size() > 1) {
    return wrong("one URL, not `" + arguments.positionals[0] + "` and `" +
                 arguments.positionals[1] + "`");
  }
  LoadOrder order;
  BareTerms& terms = order.terms;
  TRY(request, request_of(arguments));
  terms.request = std::move(request);
  terms.connections = arguments.number("connections").value_or(0);
  if (arguments.has("connections") && terms.connections == 0) {
    return wrong("--connections is to be over 0");
  }
  if (terms.connections > kMostConnections) return wrong("--connections: at most 60000");
  TRY(length, duration_of(arguments, "duration", kUsualLength));
  terms.length = length;
  TRY(timeout, duration_of(arguments, "timeout", terms.timeout));
  terms.timeout = timeout;
  terms.seed = arguments.number("seed").value_or(1);
  TRY_OK(read_loop(arguments, terms));
  return order;
}

}  // namespace gameday
