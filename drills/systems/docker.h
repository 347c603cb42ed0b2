// How a Docker engine is spoken to: one request of its API at a time, in a version that both sides
// know.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drills/systems/docker_endpoint.h"
#include "engine/rows.h"

namespace gameday {

// An API version, as the engine writes it: "1.41".
struct DockerApi {
  int major = 0;
  int minor = 0;
  auto operator<=>(const DockerApi&) const = default;
};
[[nodiscard]] std::string shown(const DockerApi& api);
// The versions that we know: later engines answer in ours, earlier ones are asked in theirs.
inline constexpr DockerApi kOldestDockerApi{1, 25};
inline constexpr DockerApi kNewestDockerApi{1, 44};

class DockerEngine {
 public:
  // Agrees upon a version with it. `refused`, `not_found`, `unsupported` and their like say which
  // engine, why, and what to do.
  [[nodiscard]] static Result<DockerEngine> open(DockerEndpoint endpoint,
                                                 const DeedContext& context);
  // The one that the environment names now.
  [[nodiscard]] static Result<DockerEngine> open(const DeedContext& context);

  // A path without its version: "/containers/json". What the engine refuses is an error with its
  // own words: not_found (404), conflict (409), refused (401, 403), else failed. 304, "it is so
  // already", is an answer: null.
  [[nodiscard]] Result<Json> get(const std::string& path, const DeedContext& context) const;
  [[nodiscard]] Result<Json> post(const std::string& path, const std::optional<Json>& body,
                                  const DeedContext& context) const;
  // The same where the answer is no JSON but bytes, until their end.
  [[nodiscard]] Result<std::string> post_for_stream(const std::string& path, const Json& body,
                                                    const DeedContext& context) const;
  // What the engine tells as one value a line: "/events?since=...&until=...".
  [[nodiscard]] Result<std::vector<Json>> lines(const std::string& path,
                                                const DeedContext& context) const;
  [[nodiscard]] Result<Json> drop(const std::string& path, const DeedContext& context) const;

  // The same over restarts of the engine, and no other one's.
  [[nodiscard]] Result<std::string> id(const DeedContext& context) const;

  [[nodiscard]] const DockerEndpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] const DockerApi& api() const { return api_; }     // agreed upon
  [[nodiscard]] const Json& version() const { return version_; }  // what it says of itself
  // "the Docker engine at unix:///var/run/docker.sock"
  [[nodiscard]] std::string shown() const;

 private:
  DockerEngine(DockerEndpoint endpoint, const DeedContext& context);
  [[nodiscard]] Result<HttpAnswer> send(const std::string& method, const std::string& path,
                                        const std::optional<Json>& body,
                                        const DeedContext& context) const;
  [[nodiscard]] Result<Json> ask(const std::string& method, const std::string& path,
                                 const std::optional<Json>& body, const DeedContext& context) const;

  DockerEndpoint endpoint_;
  std::unique_ptr<Http> http_;
  DockerApi api_;
  Json version_;
};

}  // namespace gameday
