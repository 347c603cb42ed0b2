// The answers that come in over one HTTP/1.1 connection, read strictly and thrown away: by
// Boost.Beast's parser, from whatever pieces the network gives. Bounded: a header of 64 KiB at
// most; of headers and body nothing is kept but what checks look at.
#pragma once

#include <memory>
#include <string_view>

#include "engine/load/answer_checks.h"

namespace gameday {

class HttpReader {
 public:
  HttpReader();
  ~HttpReader();
  HttpReader(HttpReader&&) noexcept;
  HttpReader& operator=(HttpReader&&) noexcept;

  // An answer is expected now; that to HEAD has no body, whatever it says. `checks` outlives it.
  void expect(bool to_head, const AnswerChecks* checks = nullptr);

  enum class State {
    more,    // it goes on
    whole,   // it has ended; `status`, `judged` and `keeps` hold
    broken,  // it is no HTTP, or too long, or nothing was asked
  };
  // Takes the bytes that came next. Interim answers (100 Continue) are passed over.
  [[nodiscard]] State take(std::string_view bytes);
  // The other side says no more. An answer without a length is whole then.
  [[nodiscard]] State end();

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] Judged judged() const { return judged_; }  // by the checks
  // Whether the connection is good for another request.
  [[nodiscard]] bool keeps() const { return keeps_; }

 private:
  struct Parsing;
  State parse(std::string_view bytes);
  State finish(std::string_view rest);

  std::unique_ptr<Parsing> parsing_;
  int status_ = 0;
  Judged judged_;
  bool keeps_ = false;
};

}  // namespace gameday
