// Answers of HTTP in whatever pieces they come: they are read the same way, none hangs or takes
// memory.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/load/http_reader.h"

using gameday::HttpReader;

namespace {

struct Seen {
  HttpReader::State state = HttpReader::State::more;
  int status = 0;
  bool operator==(const Seen&) const = default;
};

Seen read_in(std::string_view text, std::size_t piece, bool to_head) {
  HttpReader answer;
  answer.expect(to_head);
  Seen seen;
  for (std::size_t at = 0; at < text.size() && seen.state == HttpReader::State::more; at += piece) {
    seen.state = answer.take(text.substr(at, piece));
  }
  if (seen.state == HttpReader::State::more) seen.state = answer.end();
  seen.status = answer.status();
  return seen;
}

}  // namespace

// The first byte says how large the pieces are, and whether it answers HEAD.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  const bool to_head = bytes[0] % 2 == 1;
  const std::size_t piece = 1 + bytes[0] / 2;
  if (!(read_in(text, piece, to_head) == read_in(text, size, to_head))) std::abort();
  return 0;
}
