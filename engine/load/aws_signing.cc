#include "engine/load/aws_signing.h"

#include <charconv>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/aws_signature.h"

namespace gameday {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    unsigned byte = 0;
    const bool escape = text.front() == '%' && text.size() >= 3;
    if (escape &&
        std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr == text.data() + 3) {
      out += static_cast<char>(byte);
      text.remove_prefix(3);
      continue;
    }
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

AwsPairs query_of(std::string_view query) {
  AwsPairs pairs;
  if (query.empty()) return pairs;
  for (const std::string& part : split(query, '&')) {
    const auto equals = std::min(part.find('='), part.size());
    pairs.emplace_back(
        percent_decoded(std::string_view(part).substr(0, equals)),
        percent_decoded(std::string_view(part).substr(std::min(equals + 1, part.size()))));
  }
  return pairs;
}

Result<std::string> on_one_line(const Secrets& secrets, const std::string& text) {
  TRY(revealed, secrets.reveal(text));
  if (has_control(revealed)) {
    return fail(ErrorCode::invalid, "a secret would break out of its place in the request");
  }
  return revealed;
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> aws_headers(const AwsAuth& auth,
                                                                     const SignedRequest& request,
                                                                     Utc now,
                                                                     const Secrets& secrets) {
  TRY(access_key, on_one_line(secrets, auth.access_key));
  TRY(secret_key, on_one_line(secrets, auth.secret_key));
  TRY(session_token, on_one_line(secrets, auth.session_token));
  constexpr std::size_t kPrefix = 7;  // "sha256:"
  const auto question_mark = std::min(request.target.find('?'), request.target.size());
  const std::string path(request.target.substr(0, question_mark));
  AwsQuestion question;
  question.method = request.method;
  // All services but this one have a path encoded once more before it is signed.
  question.path = auth.service == "s3" ? path : aws_path(path);
  question.query =
      query_of(request.target.substr(std::min(question_mark + 1, request.target.size())));
  question.payload = sha256(request.body).substr(kPrefix);
  AwsPairs made{{"X-Amz-Date", aws_date(now)}, {"X-Amz-Content-Sha256", question.payload}};
  if (!session_token.empty()) made.emplace_back("X-Amz-Security-Token", session_token);
  question.headers = made;
  question.headers.emplace_back("Host", request.host);
  made.emplace_back("Authorization",
                    aws_authorization(question, {access_key, secret_key, session_token},
                                      {auth.region, auth.service}, now));
  return made;
}

UrlParts parts_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  auto rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto path = std::min(rest.find_first_of("/?"), rest.size());
  const auto target = rest.substr(path);
  return {rest.substr(0, path), target.empty() ? "/" : target};
}

}  // namespace gameday
