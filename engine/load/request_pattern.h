// Makes each request of a load from its pattern: {key}, {digest}, {drill} and {seq} filled in, then
// secrets put in at the moment of sending. It keeps no revealed secret.
#pragma once

#include <string>
#include <string_view>

#include "engine/load/transport.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"

namespace gameday {

enum class Encoding { plain, url };
[[nodiscard]] std::string filled_in(std::string_view pattern, const WriteNames& names,
                                    Encoding encoding);

class RequestPattern {
 public:
  // `secrets` outlives this.
  RequestPattern(LoadRequest request, std::string drill, std::string load, std::uint64_t seed,
                 const Secrets& secrets);

  [[nodiscard]] WriteNames names(std::uint64_t seq) const;
  // An error if a secret cannot be had, or would break out of its header.
  [[nodiscard]] Result<TransportRequest> request(std::uint64_t seq) const;

 private:
  LoadRequest pattern_;
  std::string drill_;
  std::string load_;
  std::uint64_t seed_;
  const Secrets& secrets_;
};

// The headers of `pattern` for `names`, secrets put in.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> headers_of(
    const LoadRequest& pattern, const WriteNames& names, const Secrets& secrets);

}  // namespace gameday
