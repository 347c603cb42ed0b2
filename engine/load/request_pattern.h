// Makes each request of a load from its patterns: what is in braces filled in, then secrets put in
// at the moment of sending. It keeps no revealed secret.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/load/load_client.h"
#include "engine/load/pieces.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"

namespace gameday {

// A URL by which a ledger is read back, from its pattern.
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

class AnswerChecks;  // answer_checks.h
class RequestMix;    // request_mix.h
class WireRequest;   // wire_request.h

// Of one thread.
class RequestPattern {
 public:
  // `secrets` outlives this.
  RequestPattern(LoadRequest request, std::string drill, std::string load, std::uint64_t seed,
                 const Secrets& secrets);
  RequestPattern(const LoadSpec& load, std::string drill, std::uint64_t seed,
                 const Secrets& secrets);
  ~RequestPattern();
  RequestPattern(const RequestPattern&) = delete;
  RequestPattern& operator=(const RequestPattern&) = delete;

  [[nodiscard]] WriteNames names(std::uint64_t seq) const;
  // Which of the load's requests that of `seq` is, and which of them the ledger keeps.
  [[nodiscard]] const RequestMix& mix() const { return *mix_; }
  // An error if a secret cannot be had, or would break out of its header.
  [[nodiscard]] Result<RequestText> text(std::uint64_t seq) const;
  // The same as it is put on the wire; null where our own sockets do not carry all of them.
  [[nodiscard]] const WireRequest* wire(std::uint64_t seq = 0) const;
  // What is expected of the answer; null: success, and nothing else.
  [[nodiscard]] const AnswerChecks* checks(std::uint64_t seq = 0) const;
  // Of all requests, by the numbers of their checks from 1 on.
  [[nodiscard]] const std::vector<std::string>& check_names() const { return check_names_; }
  // Whether a first one of each could be made now.
  [[nodiscard]] Status tried() const;

 private:
  struct One;
  [[nodiscard]] const One& of(std::uint64_t seq) const;
  [[nodiscard]] One made_of(const LoadRequest& request, const std::string& name);
  [[nodiscard]] Result<RequestText> text_of(const One& one, std::uint64_t seq) const;

  const FillTerms terms_;
  const Secrets& secrets_;
  const std::unique_ptr<const RequestMix> mix_;
  std::vector<One> all_;
  std::vector<std::string> check_names_;
};

// Adds the headers that sign a request, now.
[[nodiscard]] Status sign(const AwsAuth& auth, const Secrets& secrets, RequestText& request);

// The headers of the request of `seq`, secrets put in, for one that reads back what it wrote. For
// no single one: those that are the same in each.
[[nodiscard]] Result<Headers> headers_of(const LoadRequest& pattern,
                                         std::optional<std::uint64_t> seq, const FillTerms& terms,
                                         const Secrets& secrets);

}  // namespace gameday
