// What a load's request expects of its answers, as its playbook says (`expect`): made once, and
// asked of each answer. Whoever reads an answer keeps of it only what these look at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/comparison.h"
#include "engine/base/json.h"
#include "engine/load/sample.h"
#include "engine/playbook/expect.h"

namespace gameday {

// What is kept of an answer.
struct HeardAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in small letters
  std::string body;                                          // its first bytes, `kMostBody` at most
  bool cut = false;                                          // there was more of it

  void clear();
  void add(std::string_view piece);  // of the body
};

struct Judged {
  SampleOutcome outcome = SampleOutcome::ok;
  std::uint16_t failed = 0;  // the first check that does not hold, by its number; 0: all hold
};

class AnswerChecks {
 public:
  static constexpr std::size_t kMostBody = 65536;

  // Of a decoded `expect` in which nothing is wrong. Its checks are numbered from `first` on.
  AnswerChecks(const Json& expect, std::uint16_t first);

  [[nodiscard]] bool look_at_headers() const { return !headers_.empty(); }
  [[nodiscard]] bool look_at(std::string_view header) const;  // in any letters
  [[nodiscard]] bool look_at_body() const { return looks_at_body_; }

  // Another status than expected is `refused`, and all else `wrong`. Of a body that was cut, only
  // what stands in its beginning is known: it holds what it was seen to contain, and nothing else.
  [[nodiscard]] Judged judged(const HeardAnswer& answer) const;

  // "status 200 or 404", "header ETag contains 'x'", "body_contains 'paid'", "json /state == up"
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  struct HeaderCheck {
    std::string name;  // in small letters
    std::string text;
  };
  struct JsonCheck {
    std::string pointer;
    Comparison comparison;
  };
  void add_body(const Json& expect);
  [[nodiscard]] std::size_t first_failed(const HeardAnswer& answer) const;
  [[nodiscard]] bool body_holds(std::size_t check, const HeardAnswer& answer) const;

  enum class BodyCheck { contains, lacks, equals };
  const std::uint16_t first_;
  std::vector<std::string> names_;  // of all, in this order: the status, headers, body, JSON
  std::vector<StatusRange> statuses_;
  std::vector<HeaderCheck> headers_;
  std::vector<std::pair<BodyCheck, std::string>> bodies_;
  std::vector<JsonCheck> json_;
  bool looks_at_body_ = false;
};

// Where nothing is expected beside success, by the status alone.
[[nodiscard]] Judged judged(const AnswerChecks* checks, const HeardAnswer& answer);

}  // namespace gameday
