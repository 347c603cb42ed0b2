// The answers that come in over one HTTP/1.1 connection, read strictly and thrown away: by
// Boost.Beast's parser, from whatever pieces the network gives. Bounded: a header of 64 KiB at
// most, nothing of a body.
#pragma once

#include <memory>
#include <string_view>

namespace gameday {

class HttpReader {
 public:
  HttpReader();
  ~HttpReader();
  HttpReader(HttpReader&&) noexcept;
  HttpReader& operator=(HttpReader&&) noexcept;

  // An answer is expected now; that to HEAD has no body, whatever it says.
  void expect(bool to_head);

  enum class State {
    more,    // it goes on
    whole,   // it has ended; `status` and `keeps` hold
    broken,  // it is no HTTP, or too long, or nothing was asked
  };
  // Takes the bytes that came next. Interim answers (100 Continue) are passed over.
  [[nodiscard]] State take(std::string_view bytes);
  // The other side says no more. An answer without a length is whole then.
  [[nodiscard]] State end();

  [[nodiscard]] int status() const { return status_; }
  // Whether the connection is good for another request.
  [[nodiscard]] bool keeps() const { return keeps_; }

 private:
  struct Parsing;
  State parse(std::string_view bytes);
  State finish(std::string_view rest);

  std::unique_ptr<Parsing> parsing_;
  int status_ = 0;
  bool keeps_ = false;
};

}  // namespace gameday
