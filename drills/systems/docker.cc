#include "drills/systems/docker.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "drills/systems/own_rights.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::int64_t kLargestAnswer = 16 << 20;
constexpr int kNotModified = 304;

std::string shown_engine(const DockerEndpoint& endpoint) {
  return "the Docker engine at " + endpoint.host;
}

// Where an engine wants no certificate of ours, its folder has none.
HttpPeer peer_here(const DockerEndpoint& endpoint, const Files& files) {
  HttpPeer peer = peer_of(endpoint);
  if (!files.exists(peer.certificate) && !files.exists(peer.key)) peer.certificate.clear();
  return peer;
}

// " (its socket is for root and the group docker)"
std::string for_whom(const std::string& socket) {
  struct stat found{};
  if (socket.empty() || stat(socket.c_str(), &found) != 0) return "";
  return " (its socket is for root and the group " + group_name(found.st_gid) + ")";
}

// Why no answer came, and what to do about it.
Error unreached(const Error& error, const DockerEndpoint& endpoint) {
  Error found = error;
  const bool local = endpoint.host.starts_with("unix://");
  // The request's URL is ours alone, and a socket's path: the reader knows the engine by its host.
  const auto cause = local ? error.text.rfind(": ") : error.text.find(": ");
  const std::string text = cause == std::string::npos ? error.text : error.text.substr(cause + 2);
  // That something is not there is what an engine alone can say of what it has.
  if (error.code == ErrorCode::not_found) found.code = ErrorCode::failed;
  found.text = shown_engine(endpoint) + ": " + (local ? lower(text) : text);
  if (error.code == ErrorCode::refused) {
    found.text += for_whom(peer_of(endpoint).socket);
    found.hint = "run gameday as root, or as a member of the socket's group (usually docker)";
  } else if (error.code == ErrorCode::not_found) {
    found.hint = "install and start an engine, or say where one is with DOCKER_HOST";
  } else if (error.code == ErrorCode::failed || error.code == ErrorCode::invalid) {
    found.hint = local ? "start it (systemctl start docker), or say where one is with DOCKER_HOST"
                       : "see whether it runs, and whether DOCKER_HOST, DOCKER_TLS_VERIFY and "
                         "DOCKER_CERT_PATH are those it wants";
  }
  return found;
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
    case 403: return ErrorCode::refused;
    case 404: return ErrorCode::not_found;
    case 409: return ErrorCode::conflict;
    default: return ErrorCode::failed;
  }
}

// Whoever is no engine, or wants TLS, says so in words of its own.
std::string said_in(std::string_view body) {
  constexpr std::size_t kLongest = 200;
  const auto line = trimmed(body.substr(0, body.find('\n')));
  const bool readable = !line.empty() && line.size() <= kLongest && !has_control(line);
  return readable ? ": " + std::string(line) : "";
}

Result<Json> answer_of(const HttpAnswer& answer, const DockerEndpoint& endpoint) {
  if (answer.status == kNotModified) return Json();
  const auto body = Json::parse(answer.body);
  if (answer.status >= 200 && answer.status < 300) {
    if (trimmed(answer.body).empty() || trimmed(answer.body) == "OK") return Json();
    if (body) return *body;
    return std::unexpected(body.error().in(shown_engine(endpoint)));
  }
  std::string text = body ? body->text("message") : "";
  if (text.empty()) text = "status " + std::to_string(answer.status) + said_in(answer.body);
  return fail(code_of(answer.status), shown_engine(endpoint) + ": " + valid_utf8(text));
}

std::optional<DockerApi> api_from(const std::string& text) {
  DockerApi api;
  const char* const end = text.data() + text.size();
  const auto dot = std::from_chars(text.data(), end, api.major);
  if (dot.ec != std::errc{} || dot.ptr == end || *dot.ptr != '.') return std::nullopt;
  const auto rest = std::from_chars(dot.ptr + 1, end, api.minor);
  return rest.ec == std::errc{} && rest.ptr == end ? std::optional(api) : std::nullopt;
}

// The newest that both know.
Result<DockerApi> agreed_upon(const Json& version, const DockerEndpoint& endpoint) {
  const auto newest = api_from(version.text("ApiVersion"));
  if (!newest) {
    return fail(ErrorCode::unsupported,
                endpoint.host + " does not answer as a Docker engine: it names no API version",
                "see whether DOCKER_HOST names one");
  }
  const auto oldest = api_from(version.text("MinAPIVersion")).value_or(kOldestDockerApi);
  const DockerApi api = std::min(*newest, kNewestDockerApi);
  if (api >= kOldestDockerApi && api >= oldest) return api;
  return fail(ErrorCode::unsupported,
              shown_engine(endpoint) + " speaks the versions " + shown(oldest) + " to " +
                  shown(*newest) + " of the API, and gameday " + shown(kOldestDockerApi) + " to " +
                  shown(kNewestDockerApi),
              *newest < kOldestDockerApi ? "install a newer engine" : "install a newer gameday");
}

}  // namespace

std::string shown(const DockerApi& api) {
  return std::to_string(api.major) + "." + std::to_string(api.minor);
}

DockerEngine::DockerEngine(DockerEndpoint endpoint, const DeedContext& context)
    : endpoint_(std::move(endpoint)),
      http_(make_curl_http(context.doors.clock, context.doors.observer,
                           peer_here(endpoint_, context.doors.files))) {}

Result<DockerEngine> DockerEngine::open(DockerEndpoint endpoint, const DeedContext& context) {
  DockerEngine engine(std::move(endpoint), context);
  TRY(version, engine.ask("GET", "/version", {}, context));
  TRY(api, agreed_upon(version, engine.endpoint_));
  engine.api_ = api;
  engine.version_ = std::move(version);
  return engine;
}

Result<DockerEngine> DockerEngine::open(const DeedContext& context) {
  TRY(endpoint, find_docker(docker_settings(), context.doors.files));
  return open(std::move(endpoint), context);
}

// Until a version is agreed upon, the engine is asked in none.
Result<HttpAnswer> DockerEngine::send(const std::string& method, const std::string& path,
                                      const std::optional<Json>& body,
                                      const DeedContext& context) const {
  HttpRequest request;
  request.method = method;
  request.url = base_url(endpoint_) + (api_.major == 0 ? "" : "/v" + gameday::shown(api_)) + path;
  request.largest_answer = kLargestAnswer;
  if (body) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = body->dump();
  }
  auto answer = http_->send(request, context.until);
  if (!answer) return std::unexpected(unreached(answer.error(), endpoint_));
  return answer;
}

Result<Json> DockerEngine::ask(const std::string& method, const std::string& path,
                               const std::optional<Json>& body, const DeedContext& context) const {
  TRY(answer, send(method, path, body, context));
  return answer_of(answer, endpoint_);
}

Result<Json> DockerEngine::get(const std::string& path, const DeedContext& context) const {
  return ask("GET", path, {}, context);
}

Result<Json> DockerEngine::post(const std::string& path, const std::optional<Json>& body,
                                const DeedContext& context) const {
  return ask("POST", path, body, context);
}

Result<std::string> DockerEngine::post_for_stream(const std::string& path, const Json& body,
                                                  const DeedContext& context) const {
  TRY(answer, send("POST", path, body, context));
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  auto refused = answer_of(answer, endpoint_);
  if (refused) return fail(ErrorCode::failed, shown() + " answers without a stream");
  return std::unexpected(refused.error());
}

Result<std::vector<Json>> DockerEngine::lines(const std::string& path,
                                              const DeedContext& context) const {
  TRY(answer, send("GET", path, {}, context));
  if (answer.status != 200) {
    TRY(refusal, answer_of(answer, endpoint_));
    return fail(ErrorCode::unsupported, shown() + ": " + refusal.dump());
  }
  std::vector<Json> found;
  for (const auto& line : split(answer.body, '\n')) {
    if (trimmed(line).empty()) continue;
    auto value = Json::parse(line);
    if (!value) return std::unexpected(value.error().in(shown()));
    found.push_back(std::move(*value));
  }
  return found;
}

Result<Json> DockerEngine::drop(const std::string& path, const DeedContext& context) const {
  return ask("DELETE", path, {}, context);
}

Result<std::string> DockerEngine::id(const DeedContext& context) const {
  TRY(info, get("/info", context));
  const auto id = info.text("ID");
  if (id.empty()) return fail(ErrorCode::unsupported, shown() + " has no id");
  return id;
}

std::string DockerEngine::shown() const { return shown_engine(endpoint_); }

}  // namespace gameday
