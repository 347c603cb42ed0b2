#include "drills/systems/docker_endpoint.h"

#include <cstdlib>
#include <filesystem>

#include "engine/base/digest.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kUnix = "unix://";
constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kOwnSocket = "unix:///var/run/docker.sock";

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Only what we can open is an endpoint; the text of each refusal says what can be done.
Result<DockerEndpoint> checked(DockerEndpoint endpoint) {
  const std::string_view host = endpoint.host;
  if (host.starts_with(kUnix)) {
    const auto path = host.substr(kUnix.size());
    if (path.starts_with('/')) return endpoint;
    return fail(ErrorCode::invalid, endpoint.host + " names no absolute path of a socket",
                "write it with three slashes: unix:///var/run/docker.sock");
  }
  if (host.starts_with(kTcp)) {
    auto address = host.substr(kTcp.size());
    address = address.substr(0, address.find('/'));
    if (address.empty() || address.starts_with(':')) {
      return fail(ErrorCode::invalid, endpoint.host + " names no machine");
    }
    const auto port = address.rfind(':');
    const bool has_port = port != std::string_view::npos && address.find(']', port) == address.npos;
    endpoint.host = std::string(kTcp) + std::string(address);
    if (!has_port) endpoint.host += endpoint.tls.empty() ? ":2375" : ":2376";
    // Whoever undoes what was done there may stand in another folder.
    std::error_code nowhere;
    const auto whole = std::filesystem::absolute(endpoint.tls, nowhere);
    if (!endpoint.tls.empty() && !nowhere) endpoint.tls = whole.string();
    return endpoint;
  }
  if (host.starts_with("ssh://")) {
    return fail(ErrorCode::unsupported,
                "an engine at " + endpoint.host + " is not spoken to by ssh",
                "forward its socket (ssh -L /tmp/docker.sock:/var/run/docker.sock HOST) and set "
                "DOCKER_HOST=unix:///tmp/docker.sock");
  }
  return fail(ErrorCode::unsupported, "an engine at " + endpoint.host + " cannot be spoken to",
              "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT");
}

Result<DockerEndpoint> from_host(const DockerSettings& settings) {
  DockerEndpoint endpoint{settings.host, "", !settings.tls_verify.empty()};
  const bool tls = !settings.tls_verify.empty() || !settings.cert_path.empty();
  if (tls && endpoint.host.starts_with(kTcp)) {
    endpoint.tls = settings.cert_path.empty() ? settings.config : settings.cert_path;
  }
  if (endpoint.tls.empty()) endpoint.verify = true;
  return checked(std::move(endpoint));
}

// A context's files are in folders named after the digest of its name.
Result<DockerEndpoint> from_context(const std::string& name, const DockerSettings& settings,
                                    const Files& files) {
  const std::string digest = sha256(name).substr(std::string_view("sha256:").size());
  const std::string contexts = settings.config + "/contexts/";
  const std::string file = contexts + "meta/" + digest + "/meta.json";
  const std::string doing = "the Docker context " + name;
  const auto text = files.read(file, 1 << 20);
  if (!text) {
    return fail(text.error().code, doing + ": " + text.error().text,
                "`docker context ls` lists those there are; DOCKER_HOST goes before any of them");
  }
  const auto meta = Json::parse(*text);
  if (!meta) return std::unexpected(meta.error().in(file));
  const Json& docker = meta->get("Endpoints").get("docker");
  DockerEndpoint endpoint{docker.text("Host"), "", !docker.boolean("SkipTLSVerify", false)};
  if (endpoint.host.empty()) return fail(ErrorCode::invalid, doing + " names no Docker engine");
  const std::string tls = contexts + "tls/" + digest + "/docker";
  // One that verifies nobody speaks TLS without any files too.
  const bool speaks_tls = files.exists(tls) || !endpoint.verify;
  if (speaks_tls && endpoint.host.starts_with(kTcp)) endpoint.tls = tls;
  auto found = checked(std::move(endpoint));
  return found ? found : std::unexpected(found.error().in(doing));
}

Result<std::string> current_context(const DockerSettings& settings, const Files& files) {
  const std::string file = settings.config + "/config.json";
  if (!files.exists(file)) return "";
  TRY(text, files.read(file, 1 << 20));
  const auto config = Json::parse(text);
  if (!config) return std::unexpected(config.error().in(file));
  return config->text("currentContext");
}

}  // namespace

Json to_json(const DockerEndpoint& endpoint) {
  return Json::object(
      {{"host", endpoint.host}, {"tls", endpoint.tls}, {"verify", endpoint.verify}});
}

Result<DockerEndpoint> docker_endpoint_from(const Json& value) {
  DockerEndpoint endpoint{value.text("host"), value.text("tls"), value.boolean("verify", true)};
  if (endpoint.host.empty()) return fail(ErrorCode::corrupt, "an undo names no Docker engine");
  return endpoint;
}

DockerSettings docker_settings() {
  DockerSettings settings{setting("DOCKER_HOST"), setting("DOCKER_CONTEXT"),
                          setting("DOCKER_CONFIG"), setting("DOCKER_CERT_PATH"),
                          setting("DOCKER_TLS_VERIFY")};
  if (settings.config.empty()) settings.config = setting("HOME") + "/.docker";
  return settings;
}

Result<DockerEndpoint> find_docker(const DockerSettings& settings, const Files& files) {
  if (!settings.host.empty()) {
    auto found = from_host(settings);
    return found ? found : std::unexpected(found.error().in("DOCKER_HOST"));
  }
  std::string name = settings.context;
  if (name.empty()) {
    TRY(current, current_context(settings, files));
    name = current;
  }
  if (name.empty() || name == "default") return DockerEndpoint{std::string(kOwnSocket), "", true};
  return from_context(name, settings, files);
}

HttpPeer peer_of(const DockerEndpoint& endpoint) {
  HttpPeer peer;
  if (endpoint.host.starts_with(kUnix)) peer.socket = endpoint.host.substr(kUnix.size());
  if (endpoint.tls.empty()) return peer;
  peer.authorities = endpoint.tls + "/ca.pem";
  peer.certificate = endpoint.tls + "/cert.pem";
  peer.key = endpoint.tls + "/key.pem";
  peer.verify = endpoint.verify;
  return peer;
}

std::string base_url(const DockerEndpoint& endpoint) {
  if (endpoint.host.starts_with(kUnix)) return "http://docker";
  return (endpoint.tls.empty() ? "http://" : "https://") + endpoint.host.substr(kTcp.size());
}

}  // namespace gameday
