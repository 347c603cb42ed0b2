// Which of a load's requests is due at which place of its schedule: by their weights, from the
// load's seed and the place. Pure, so that who sends, who sums up and who rehearses agree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/load/http_request.h"
#include "engine/load/summary.h"
#include "engine/playbook/playbook.h"

namespace gameday {

class RequestMix {
 public:
  RequestMix(const LoadSpec& load, std::uint64_t seed);

  [[nodiscard]] std::size_t of(std::uint64_t seq) const;
  // In the order of the playbook; none where there is but one.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  // Whether the one of `seq` is what the ledger keeps, and how large their share is.
  [[nodiscard]] bool writes(std::uint64_t seq) const { return !writer_ || of(seq) == *writer_; }
  [[nodiscard]] double writing_share() const;

 private:
  std::vector<std::string> names_;
  std::vector<std::uint64_t> up_to_;   // the sum of the weights up to each and with it
  std::optional<std::size_t> writer_;  // none: there is but one, or no ledger
  std::uint64_t chance_;
};

// Has a summary count each of the load's requests, where there are several.
void count_by_request(const LoadSpec& load, std::uint64_t seed, LoadWindow& window);

// All requests of the load, one at least.
[[nodiscard]] std::vector<LoadRequest> requests_of(const LoadSpec& load);

// Where they all go, if our own sockets carry them; nothing where one needs more.
[[nodiscard]] std::optional<PlainHttp> plain_http(const LoadSpec& load);

}  // namespace gameday
