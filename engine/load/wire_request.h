// A request as HTTP/1.1 puts it on the wire, for a server that our own sockets speak to. It is
// prepared once: what is the same in each stands ready, and the rest is written between it,
// straight into the buffer that is sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/load/http_request.h"
#include "engine/load/pieces.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"

namespace gameday {

class WireRequest {
 public:
  // `terms` and `secrets` outlive this.
  WireRequest(const LoadRequest& pattern, PlainHttp to, const FillTerms& terms,
              const Secrets& secrets);

  // The one of `seq`, in place of what `out` held. An error: a secret cannot be had, or what there
  // is would be no request, or two of them; of `out` nothing is to be sent then.
  [[nodiscard]] Status write(std::uint64_t seq, std::string& out) const;

  [[nodiscard]] const PlainHttp& to() const { return to_; }
  [[nodiscard]] bool to_head() const { return to_head_; }
  // Whether what was written is to be wiped as soon as it has been sent.
  [[nodiscard]] bool holds_secrets() const { return holds_secrets_; }

 private:
  void add_headers(const LoadRequest& pattern);
  // As it stands in `out`, its body from there on.
  [[nodiscard]] Status sign(std::size_t body, std::string& out) const;
  [[nodiscard]] std::string framing(std::string_view body) const;

  const PlainHttp to_;
  const FillTerms& terms_;
  const Secrets& secrets_;
  const std::string method_;
  const Headers headers_;  // as the pattern has them
  const std::optional<AwsAuth> aws_;
  const bool to_head_;
  bool holds_secrets_ = false;
  Pieces path_;
  Pieces head_;  // from the path to the length of the body
  Pieces body_;  // where `framing` depends on what is filled in; else `head_` has all
  std::size_t fixed_body_ = 0;  // bytes of it in `head_`
  Status usable_;
};

}  // namespace gameday
