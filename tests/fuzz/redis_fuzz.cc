// Feeds any bytes to what reads the answers of a Redis server: it may refuse them, never fall over,
// and what it reads does not depend on the pieces in which they come.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/sys/rdb_stream.h"
#include "engine/sys/redis_reply.h"

namespace {

void write(const gameday::RedisReply& reply, std::string& into) {
  into += std::to_string(static_cast<int>(reply.kind)) + reply.text + std::to_string(reply.number);
  for (const auto& item : reply.items) write(item, into);
}

std::string read_in_pieces(std::string_view input, std::size_t piece) {
  gameday::RedisReader reader;
  std::string all;
  while (!input.empty()) {
    const std::size_t size = std::min(piece, input.size());
    reader.add(input.substr(0, size));
    input.remove_prefix(size);
    while (true) {
      const auto taken = reader.take();
      if (!taken) return all + "refused";
      if (!*taken) break;
      write(**taken, all);
    }
  }
  return all;
}

// No more of a dump is handed on than has come, and none after it was refused or whole.
void read_dump(std::string_view input, std::size_t piece) {
  gameday::RdbStream stream;
  const std::size_t all = input.size();
  std::size_t taken = 0;
  const auto take = [&](std::string_view bytes) -> gameday::Status {
    taken += bytes.size();
    return {};
  };
  while (!input.empty()) {
    const std::size_t size = std::min(piece, input.size());
    const auto whole = stream.add(input.substr(0, size), take);
    input.remove_prefix(size);
    if (taken > all || taken != static_cast<std::size_t>(stream.taken())) std::abort();
    if (!whole || *whole) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  if (read_in_pieces(input, input.size() + 1) != read_in_pieces(input, 3)) std::abort();
  read_dump(input, input.size() + 1);
  read_dump(input, 3);
  return 0;
}
