// Where a Docker engine is, as its own command line tool finds it: DOCKER_HOST, then a context,
// then the socket of this machine.
#pragma once

#include <string>

#include "engine/rows.h"
#include "engine/sys/http_peer.h"

namespace gameday {

struct DockerEndpoint {
  std::string host;  // "unix:///var/run/docker.sock", "tcp://10.0.0.5:2376"
  std::string tls;   // the folder of ca.pem, cert.pem and key.pem; empty: without TLS
  bool verify = true;
};
[[nodiscard]] Json to_json(const DockerEndpoint& endpoint);
[[nodiscard]] Result<DockerEndpoint> docker_endpoint_from(const Json& value);

// What of the environment says where it is.
struct DockerSettings {
  std::string host;        // DOCKER_HOST
  std::string context;     // DOCKER_CONTEXT
  std::string config;      // DOCKER_CONFIG, else ~/.docker
  std::string cert_path;   // DOCKER_CERT_PATH
  std::string tls_verify;  // DOCKER_TLS_VERIFY: anything at all means yes
};
[[nodiscard]] DockerSettings docker_settings();

[[nodiscard]] Result<DockerEndpoint> find_docker(const DockerSettings& settings,
                                                 const Files& files);

// How its door is opened, and what its URLs begin with.
[[nodiscard]] HttpPeer peer_of(const DockerEndpoint& endpoint);
[[nodiscard]] std::string base_url(const DockerEndpoint& endpoint);

}  // namespace gameday
