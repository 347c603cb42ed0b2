// Makes each request of a load from its pattern: {key}, {digest}, {drill} and {seq} filled in, then
// secrets put in at the moment of sending. It keeps no revealed secret.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/load/load_client.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"

namespace gameday {

enum class Encoding { plain, url };
[[nodiscard]] std::string filled_in(std::string_view pattern, const WriteNames& names,
                                    Encoding encoding);

using Headers = std::vector<std::pair<std::string, std::string>>;

// One request over HTTP, in words.
struct RequestText {
  std::string method;
  std::string url;
  std::string body;
  Headers headers;
};

class WireRequest;  // wire_request.h

// Of one thread.
class RequestPattern {
 public:
  // `secrets` outlives this.
  RequestPattern(LoadRequest request, std::string drill, std::string load, std::uint64_t seed,
                 const Secrets& secrets);
  ~RequestPattern();
  RequestPattern(const RequestPattern&) = delete;
  RequestPattern& operator=(const RequestPattern&) = delete;

  [[nodiscard]] WriteNames names(std::uint64_t seq) const;
  // An error if a secret cannot be had, or would break out of its header.
  [[nodiscard]] Result<RequestText> text(std::uint64_t seq) const;
  // The same as it is put on the wire; null where our own sockets do not carry it.
  [[nodiscard]] const WireRequest* wire() const { return wire_.get(); }
  // Whether the first one could be made now.
  [[nodiscard]] Status tried() const;

 private:
  LoadRequest pattern_;
  std::string drill_;
  std::string load_;
  std::uint64_t seed_;
  const Secrets& secrets_;
  std::unique_ptr<WireRequest> wire_;
};

// The headers of `pattern` for `names`, secrets put in.
[[nodiscard]] Result<Headers> headers_of(const LoadRequest& pattern, const WriteNames& names,
                                         const Secrets& secrets);

}  // namespace gameday
