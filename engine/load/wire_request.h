// A request as HTTP/1.1 puts it on the wire, for a server that our own sockets speak to. It is
// prepared once: what is the same in each stands ready, and the rest is written between it,
// straight into the buffer that is sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/load/http_request.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"

namespace gameday {

struct KeyTerms {  // what keys and digests are made of (ledger.h)
  std::string drill;
  std::string load;
  std::uint64_t seed = 0;
};

class WireRequest {
 public:
  // `secrets` outlives this.
  WireRequest(const LoadRequest& pattern, PlainHttp to, const KeyTerms& keys,
              const Secrets& secrets);

  // The one of `seq`, in place of what `out` held. An error: a secret cannot be had, or what there
  // is would be no request, or two of them; of `out` nothing is to be sent then.
  [[nodiscard]] Status write(std::uint64_t seq, std::string& out) const;

  [[nodiscard]] const PlainHttp& to() const { return to_; }
  [[nodiscard]] bool to_head() const { return to_head_; }
  // Whether what was written is to be wiped as soon as it has been sent.
  [[nodiscard]] bool holds_secrets() const { return holds_secrets_; }

 private:
  enum class Kind { text, secret, key_number, seq, digest };
  struct Piece {
    Kind kind = Kind::text;
    std::string text;
  };
  using Pieces = std::vector<Piece>;

  void add_filled(Pieces& pieces, std::string_view pattern, Encoding encoding);
  void add_slot(Pieces& pieces, std::string_view name, Encoding encoding) const;
  void add_literal(Pieces& pieces, const std::string& literal);
  static void add_text(Pieces& pieces, const std::string& text);
  void add_headers();
  [[nodiscard]] Status put(const Pieces& pieces, std::uint64_t seq, std::string_view none_of,
                           std::string& out) const;
  [[nodiscard]] std::string framing(std::string_view body) const;

  const PlainHttp to_;
  const KeyTerms keys_;
  const Secrets& secrets_;
  const std::string method_;
  const Headers headers_;  // as the pattern has them
  const bool to_head_;
  bool holds_secrets_ = false;
  Pieces path_;
  Pieces head_;  // from the path to the length of the body
  Pieces body_;  // where `framing` depends on what is filled in; else `head_` has all
  Status usable_;
};

}  // namespace gameday
